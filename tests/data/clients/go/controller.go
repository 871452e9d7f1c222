package main

import (
	"context"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/log"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func runtimeClient(ctx context.Context, w *world) error {
	c, err := client.New(w.config, client.Options{Scheme: scheme.Scheme})
	if err != nil {
		return err
	}
	policy := &networkingv1.NetworkPolicy{ObjectMeta: metav1.ObjectMeta{Name: "cr", Namespace: namespace}}
	for i, want := range []controllerutil.OperationResult{
		controllerutil.OperationResultCreated, controllerutil.OperationResultNone,
	} {
		result, err := controllerutil.CreateOrUpdate(ctx, c, policy, func() error {
			policy.Spec.PodSelector = metav1.LabelSelector{MatchLabels: map[string]string{"app": "web"}}
			policy.Spec.PolicyTypes = []networkingv1.PolicyType{networkingv1.PolicyTypeIngress}
			return nil
		})
		if err != nil {
			return err
		}
		if err = expect(fmt.Sprint("round ", i), result, want); err != nil {
			return err
		}
	}
	before := policy.DeepCopy()
	policy.Labels = map[string]string{"patched": "yes"}
	if err = c.Patch(ctx, policy, client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})); err != nil {
		return err
	}
	var list networkingv1.NetworkPolicyList
	if err = c.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{"patched": "yes"}); err != nil {
		return err
	}
	if err = expect("policies", len(list.Items), 1); err != nil {
		return err
	}
	only := &metav1.PartialObjectMetadata{}
	only.SetGroupVersionKind(networkingv1.SchemeGroupVersion.WithKind("NetworkPolicy"))
	if err = c.Get(ctx, client.ObjectKeyFromObject(policy), only); err != nil {
		return err
	}
	if err = c.DeleteAllOf(ctx, &networkingv1.NetworkPolicy{}, client.InNamespace(namespace)); err != nil {
		return err
	}
	return expect("gone", client.IgnoreNotFound(c.Get(ctx, client.ObjectKeyFromObject(policy), policy)), nil)
}

// labeler keeps a ConfigMap for the Deployment `watched`, owned by it, and a finalizer on it.
type labeler struct{ client.Client }

const finalizer = "example.com/labeler"

func (r *labeler) Reconcile(ctx context.Context, request ctrl.Request) (ctrl.Result, error) {
	var owner appsv1.Deployment
	if request.Name != "watched" {
		return ctrl.Result{}, nil
	}
	if err := r.Get(ctx, request.NamespacedName, &owner); err != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	if !owner.DeletionTimestamp.IsZero() {
		controllerutil.RemoveFinalizer(&owner, finalizer)
		return ctrl.Result{}, r.Update(ctx, &owner)
	}
	if controllerutil.AddFinalizer(&owner, finalizer) {
		return ctrl.Result{}, r.Update(ctx, &owner)
	}
	owned := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: owner.Name, Namespace: owner.Namespace}}
	_, err := controllerutil.CreateOrUpdate(ctx, r, owned, func() error {
		owned.Data = map[string]string{"ready": fmt.Sprint(owner.Status.ReadyReplicas)}
		return controllerutil.SetControllerReference(&owner, owned, r.Scheme())
	})
	return ctrl.Result{}, err
}

func runtimeManager(ctx context.Context, w *world) error {
	log.SetLogger(logr.Discard())
	manager, err := ctrl.NewManager(w.config, ctrl.Options{
		Scheme:                  scheme.Scheme,
		Metrics:                 server.Options{BindAddress: "0"},
		HealthProbeBindAddress:  "0",
		Cache:                   cache.Options{DefaultNamespaces: map[string]cache.Config{namespace: {}}},
		LeaderElection:          true,
		LeaderElectionID:        "labeler",
		LeaderElectionNamespace: namespace,
	})
	if err != nil {
		return err
	}
	if err = manager.GetFieldIndexer().IndexField(ctx, &corev1.Pod{}, "spec.nodeName", func(o client.Object) []string {
		return []string{o.(*corev1.Pod).Spec.NodeName}
	}); err != nil {
		return err
	}
	err = ctrl.NewControllerManagedBy(manager).For(&appsv1.Deployment{}).Owns(&corev1.ConfigMap{}).
		Complete(&labeler{manager.GetClient()})
	if err != nil {
		return err
	}
	inside, stop := context.WithCancel(ctx)
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(inside) }()
	err = reconciled(ctx, w)
	stop()
	if ends := <-ended; err == nil {
		err = ends
	}
	return err
}

func reconciled(ctx context.Context, w *world) error {
	deployments, maps := w.json.AppsV1().Deployments(namespace), w.json.CoreV1().ConfigMaps(namespace)
	if _, err := deployments.Create(ctx, deployment("watched", 1), metav1.CreateOptions{}); err != nil {
		return err
	}
	ready := func() (bool, error) {
		owned, err := maps.Get(ctx, "watched", metav1.GetOptions{})
		return err == nil && owned.Data["ready"] == "1", err
	}
	if err := eventually(ctx, "the object of the controller", ready); err != nil {
		return err
	}
	if err := maps.Delete(ctx, "watched", metav1.DeleteOptions{}); err != nil {
		return err
	}
	if err := eventually(ctx, "it comes again", ready); err != nil {
		return err
	}
	if err := deployments.Delete(ctx, "watched", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, "owner and owned go", func() (bool, error) {
		_, first := deployments.Get(ctx, "watched", metav1.GetOptions{})
		_, second := maps.Get(ctx, "watched", metav1.GetOptions{})
		return first != nil && second != nil, nil
	})
}

func leaderElection(ctx context.Context, w *world) error {
	lock, err := resourcelock.New(resourcelock.LeasesResourceLock, namespace, "leader",
		w.json.CoreV1(), w.json.CoordinationV1(), resourcelock.ResourceLockConfig{Identity: "me"})
	if err != nil {
		return err
	}
	inside, stop := context.WithCancel(ctx)
	defer stop()
	led := false
	leaderelection.RunOrDie(inside, leaderelection.LeaderElectionConfig{
		Lock: lock, ReleaseOnCancel: true,
		LeaseDuration: 3 * time.Second, RenewDeadline: 2 * time.Second, RetryPeriod: 200 * time.Millisecond,
		Callbacks: leaderelection.LeaderCallbacks{
			OnStartedLeading: func(context.Context) { led = true; time.Sleep(500 * time.Millisecond); stop() },
			OnStoppedLeading: func() {},
		},
	})
	if err = expect("led", led, true); err != nil {
		return err
	}
	lease, err := w.json.CoordinationV1().Leases(namespace).Get(ctx, "leader", metav1.GetOptions{})
	if err != nil {
		return err
	}
	key := types.NamespacedName{Namespace: lease.Namespace, Name: lease.Name}
	return expect("holder of "+key.String(), *lease.Spec.HolderIdentity, "")
}
