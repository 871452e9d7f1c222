package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/httpstream"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/portforward"
	"k8s.io/client-go/tools/remotecommand"
	"k8s.io/client-go/transport/spdy"
	"k8s.io/client-go/util/exec"
)

func logs(ctx context.Context, w *world) error {
	name, err := aPod(ctx, w)
	if err != nil {
		return err
	}
	text, err := w.json.CoreV1().Pods(namespace).GetLogs(name, &corev1.PodLogOptions{Container: "web"}).DoRaw(ctx)
	if err != nil {
		return err
	}
	if !strings.Contains(string(text), "Started") {
		return fmt.Errorf("the log is %q", text)
	}
	return nil
}

func execSPDY(ctx context.Context, w *world) error {
	return execAll(ctx, w, func(at *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewSPDYExecutor(w.config, "POST", at)
	})
}

func execWebSocket(ctx context.Context, w *world) error {
	return execAll(ctx, w, func(at *url.URL) (remotecommand.Executor, error) {
		return remotecommand.NewWebSocketExecutor(w.config, "GET", at.String())
	})
}

type dial func(*url.URL) (remotecommand.Executor, error)

func execAll(ctx context.Context, w *world, dial dial) error {
	name, err := aPod(ctx, w)
	if err != nil {
		return err
	}
	out, errs, err := execOnce(ctx, w, dial, name, "", "sh", "-c", "echo out; echo err >&2; exit 3")
	var code exec.CodeExitError
	if !errors.As(err, &code) || code.Code != 3 {
		return fmt.Errorf("exit code 3: %w", err)
	}
	if out != "out\n" || errs != "err\n" {
		return fmt.Errorf("out %q, err %q", out, errs)
	}
	long := strings.Repeat("0123456789abcdef\n", 20000)
	out, _, err = execOnce(ctx, w, dial, name, long, "cat")
	if err != nil {
		return err
	}
	if out != long {
		return fmt.Errorf("%d bytes went in, %d came out", len(long), len(out))
	}
	_, _, err = execOnce(ctx, w, dial, name, "", "no-such-program")
	if err == nil || !strings.Contains(err.Error(), "executable file not found") {
		return fmt.Errorf("a missing program: %w", err)
	}
	for range 20 {
		if out, _, err = execOnce(ctx, w, dial, name, "", "hostname"); err != nil || out != name+"\n" {
			return fmt.Errorf("hostname: %q, %w", out, err)
		}
	}
	return nil
}

func execOnce(
	ctx context.Context, w *world, dial dial, pod, input string, argv ...string,
) (string, string, error) {
	request := w.json.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(pod).
		SubResource("exec").VersionedParams(&corev1.PodExecOptions{
		Container: "web", Command: argv, Stdin: input != "", Stdout: true, Stderr: true,
	}, scheme.ParameterCodec)
	executor, err := dial(request.URL())
	if err != nil {
		return "", "", err
	}
	var out, errs bytes.Buffer
	options := remotecommand.StreamOptions{Stdout: &out, Stderr: &errs}
	if input != "" {
		options.Stdin = strings.NewReader(input)
	}
	err = executor.StreamWithContext(ctx, options)
	return out.String(), errs.String(), err
}

func forwardSPDY(ctx context.Context, w *world) error {
	return forward(ctx, w, func(at *url.URL) (httpstream.Dialer, error) {
		transport, upgrader, err := spdy.RoundTripperFor(w.config)
		if err != nil {
			return nil, err
		}
		return spdy.NewDialer(upgrader, &http.Client{Transport: transport}, "POST", at), nil
	})
}

func forwardWebSocket(ctx context.Context, w *world) error {
	return forward(ctx, w, func(at *url.URL) (httpstream.Dialer, error) {
		return portforward.NewSPDYOverWebsocketDialer(at, w.config)
	})
}

func forward(ctx context.Context, w *world, dial func(*url.URL) (httpstream.Dialer, error)) error {
	name, err := aPod(ctx, w)
	if err != nil {
		return err
	}
	at := w.json.CoreV1().RESTClient().Post().Resource("pods").Namespace(namespace).Name(name).
		SubResource("portforward").URL()
	dialer, err := dial(at)
	if err != nil {
		return err
	}
	stop, ready := make(chan struct{}), make(chan struct{})
	var errs bytes.Buffer
	forwarder, err := portforward.New(dialer, []string{"0:8080"}, stop, ready, io.Discard, &errs)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- forwarder.ForwardPorts() }()
	select {
	case <-ready:
	case err = <-ended:
		return fmt.Errorf("not ready: %w", err)
	case <-ctx.Done():
		return ctx.Err()
	}
	ports, err := forwarder.GetPorts()
	if err != nil {
		return err
	}
	for range 5 {
		if err = hostnameOver(ports[0].Local, name); err != nil {
			return fmt.Errorf("%w (%s)", err, errs.String())
		}
	}
	close(stop)
	return <-ended
}

func hostnameOver(port uint16, want string) error {
	answer, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/hostname", port))
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	return expect("hostname", string(body), want)
}
