// Command client does with a cluster what programs on client-go and controller-runtime do,
// and prints a JSON report: one row for each check.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/klog/v2"
)

const namespace = "go"

type row struct {
	Name    string  `json:"name"`
	Error   string  `json:"error,omitempty"`
	Seconds float64 `json:"seconds"`
}

// world is what every check is given.
type world struct {
	config     *rest.Config
	json       kubernetes.Interface
	protobuf   kubernetes.Interface
	watchLists *atomic.Int64
}

// counting counts the requests that ask a watch for its initial events.
type counting struct {
	next  http.RoundTripper
	count *atomic.Int64
}

func (c counting) RoundTrip(request *http.Request) (*http.Response, error) {
	if request.URL.Query().Get("sendInitialEvents") == "true" {
		c.count.Add(1)
	}
	return c.next.RoundTrip(request)
}

func newWorld(path string) (*world, error) {
	config, err := clientcmd.BuildConfigFromFlags("", path)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = 1000, 1000
	w := &world{config: config, watchLists: &atomic.Int64{}}
	if w.json, err = kubernetes.NewForConfig(w.with("application/json")); err != nil {
		return nil, err
	}
	w.protobuf, err = kubernetes.NewForConfig(w.with("application/vnd.kubernetes.protobuf"))
	return w, err
}

func (w *world) with(contentType string) *rest.Config {
	config := rest.CopyConfig(w.config)
	config.ContentType = contentType
	config.AcceptContentTypes = contentType + ",application/json"
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return counting{next, w.watchLists} })
	return config
}

// expect is an error when a thing is not what it should be.
func expect[T comparable](what string, got, want T) error {
	if got != want {
		return fmt.Errorf("%s: got %v, want %v", what, got, want)
	}
	return nil
}

// eventually asks again and again until the answer is yes.
func eventually(ctx context.Context, what string, ask func() (bool, error)) error {
	var last error
	for until := time.Now().Add(10 * time.Second); time.Now().Before(until); {
		yes, err := ask()
		if yes {
			return nil
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return fmt.Errorf("%s: did not happen (%v)", what, last)
}

func main() {
	klog.SetOutput(os.Stderr)
	klog.LogToStderr(true)
	w, err := newWorld(os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	report := []row{}
	for _, check := range checks {
		ctx, cancel := context.WithTimeout(context.Background(), 40*time.Second)
		start := time.Now()
		err := check.run(ctx, w)
		cancel()
		this := row{Name: check.name, Seconds: time.Since(start).Seconds()}
		if err != nil {
			this.Error = err.Error()
		}
		report = append(report, this)
	}
	_ = json.NewEncoder(os.Stdout).Encode(report)
}

var checks = []struct {
	name string
	run  func(context.Context, *world) error
}{
	{"typed client, JSON", typedJSON},
	{"typed client, protobuf", typedProtobuf},
	{"errors are recognised", recognisedErrors},
	{"workloads come up", workloads},
	{"scale and eviction", scaleAndEvict},
	{"server-side apply with typed configurations", typedApply},
	{"discovery", discoverAll},
	{"dynamic client", dynamicClient},
	{"metadata client", metadataClient},
	{"custom resources", customResources},
	{"REST mapper", restMapper},
	{"informers with watch lists", informers},
	{"watch from a version", watchFromVersion},
	{"access reviews", accessReviews},
	{"logs", logs},
	{"exec over SPDY", execSPDY},
	{"exec over WebSocket", execWebSocket},
	{"port-forward over SPDY", forwardSPDY},
	{"port-forward over WebSocket", forwardWebSocket},
	{"controller-runtime client", runtimeClient},
	{"controller-runtime manager", runtimeManager},
	{"leader election", leaderElection},
	{"namespace goes with all it holds", namespaceGoes},
}
