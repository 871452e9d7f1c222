package main

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/watch"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
)

func typedJSON(ctx context.Context, w *world) error {
	space := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := w.json.CoreV1().Namespaces().Create(ctx, space, metav1.CreateOptions{}); err != nil {
		return err
	}
	return crud(ctx, w.json, "json")
}

func typedProtobuf(ctx context.Context, w *world) error {
	return crud(ctx, w.protobuf, "protobuf")
}

// crud makes, reads, changes, watches and deletes objects with many kinds of field.
func crud(ctx context.Context, client kubernetes.Interface, name string) error {
	maps := client.CoreV1().ConfigMaps(namespace)
	made, err := maps.Create(ctx, &corev1.ConfigMap{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{"made": "by-" + name}},
		Data:       map[string]string{"text": "é\n", "empty": ""},
		BinaryData: map[string][]byte{"bytes": {0, 1, 255}},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	got, err := maps.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(made, got) {
		return fmt.Errorf("what was made is not what is read: %v, %v", made, got)
	}
	if string(got.BinaryData["bytes"]) != "\x00\x01\xff" || got.Data["text"] != "é\n" {
		return fmt.Errorf("data changed: %v", got)
	}
	watcher, err := maps.Watch(ctx, metav1.ListOptions{
		LabelSelector: "made=by-" + name, ResourceVersion: got.ResourceVersion,
	})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	got.Data["more"] = "x"
	if _, err = maps.Update(ctx, got, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err = nextEvent(ctx, watcher, watch.Modified); err != nil {
		return err
	}
	if err = podsAndPolicies(ctx, client, name); err != nil {
		return err
	}
	if err = maps.Delete(ctx, name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &got.UID},
	}); err != nil {
		return err
	}
	return nextEvent(ctx, watcher, watch.Deleted)
}

func podsAndPolicies(ctx context.Context, client kubernetes.Interface, name string) error {
	port, protocol := intstr.FromString("http"), corev1.ProtocolTCP
	end := int32(8090)
	number := intstr.FromInt32(8080)
	policy := &networkingv1.NetworkPolicy{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: networkingv1.NetworkPolicySpec{
			PodSelector: metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{
				{Key: "app", Operator: metav1.LabelSelectorOpIn, Values: []string{"nobody"}},
			}},
			PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
			Ingress: []networkingv1.NetworkPolicyIngressRule{{
				Ports: []networkingv1.NetworkPolicyPort{
					{Port: &port, Protocol: &protocol}, {Port: &number, EndPort: &end, Protocol: &protocol},
				},
				From: []networkingv1.NetworkPolicyPeer{
					{NamespaceSelector: &metav1.LabelSelector{}},
					{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}},
				},
			}},
		},
	}
	policies := client.NetworkingV1().NetworkPolicies(namespace)
	made, err := policies.Create(ctx, policy, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if !equality.Semantic.DeepEqual(made.Spec, policy.Spec) {
		return fmt.Errorf("the policy changed: %v", made.Spec)
	}
	seconds := int64(0)
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{GenerateName: name + "-"},
		Spec: corev1.PodSpec{
			TerminationGracePeriodSeconds: &seconds,
			Containers: []corev1.Container{{
				Name: "main", Image: "busybox", Command: []string{"sleep", "1000000"},
				Env: []corev1.EnvVar{{Name: "A", Value: "b"}},
				Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{
					corev1.ResourceCPU: resource.MustParse("100m"), corev1.ResourceMemory: resource.MustParse("8Mi"),
				}},
			}},
		},
	}
	pods := client.CoreV1().Pods(namespace)
	created, err := pods.Create(ctx, pod, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err = running(ctx, client, created.Name); err != nil {
		return err
	}
	request := created.Spec.Containers[0].Resources.Requests[corev1.ResourceCPU]
	if err = expect("cpu", request.String(), "100m"); err != nil {
		return err
	}
	patched, err := pods.Patch(ctx, created.Name, types.StrategicMergePatchType,
		[]byte(`{"metadata":{"labels":{"patched":"yes"}}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	if err = expect("label", patched.Labels["patched"], "yes"); err != nil {
		return err
	}
	if err = pods.Delete(ctx, created.Name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return policies.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{})
}

func running(ctx context.Context, client kubernetes.Interface, name string) error {
	return eventually(ctx, name+" runs", func() (bool, error) {
		pod, err := client.CoreV1().Pods(namespace).Get(ctx, name, metav1.GetOptions{})
		return err == nil && pod.Status.Phase == corev1.PodRunning && pod.Status.PodIP != "", err
	})
}

func nextEvent(ctx context.Context, watcher watch.Interface, want watch.EventType) error {
	select {
	case event, open := <-watcher.ResultChan():
		if !open {
			return fmt.Errorf("the watch ended before %v", want)
		}
		return expect("event", event.Type, want)
	case <-ctx.Done():
		return fmt.Errorf("no event %v", want)
	}
}

func recognisedErrors(ctx context.Context, w *world) error {
	for _, client := range []kubernetes.Interface{w.json, w.protobuf} {
		if err := eachError(ctx, client); err != nil {
			return err
		}
	}
	return nil
}

func eachError(ctx context.Context, client kubernetes.Interface) error {
	services := client.CoreV1().Services(namespace)
	if _, err := services.Get(ctx, "none", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		return fmt.Errorf("not found: %w", err)
	}
	service := &corev1.Service{
		ObjectMeta: metav1.ObjectMeta{Name: "twice"},
		Spec: corev1.ServiceSpec{
			Selector: map[string]string{"app": "web"},
			Ports:    []corev1.ServicePort{{Port: 80, TargetPort: intstr.FromInt32(8080)}},
		},
	}
	made, err := services.Create(ctx, service, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	defer func() { _ = services.Delete(ctx, "twice", metav1.DeleteOptions{}) }()
	if made.Spec.ClusterIP == "" || made.Spec.Type != corev1.ServiceTypeClusterIP {
		return fmt.Errorf("no defaults: %v", made.Spec)
	}
	if _, err = services.Create(ctx, service, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("already exists: %w", err)
	}
	stale := made.DeepCopy()
	made.Labels = map[string]string{"a": "b"}
	if _, err = services.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	stale.Labels = map[string]string{"c": "d"}
	if _, err = services.Update(ctx, stale, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		return fmt.Errorf("conflict: %w", err)
	}
	if err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		fresh, err := services.Get(ctx, "twice", metav1.GetOptions{})
		if err != nil {
			return err
		}
		fresh.Labels["c"] = "d"
		_, err = services.Update(ctx, fresh, metav1.UpdateOptions{})
		return err
	}); err != nil {
		return err
	}
	service.Name, service.Spec.Ports[0].Port = "Bad_Name", 99999
	_, err = services.Create(ctx, service, metav1.CreateOptions{})
	if !apierrors.IsInvalid(err) {
		return fmt.Errorf("invalid: %w", err)
	}
	causes := err.(apierrors.APIStatus).Status().Details.Causes
	return expect("causes", len(causes), 2)
}

func deployment(name string, replicas int32) *appsv1.Deployment {
	labels := map[string]string{"app": name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: appsv1.DeploymentSpec{
			Replicas: &replicas,
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "web", Image: "registry.k8s.io/e2e-test-images/agnhost:2.53",
					Args:  []string{"netexec", "--http-port=8080"},
					Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}},
				}}},
			},
		},
	}
}

func workloads(ctx context.Context, w *world) error {
	deployments := w.protobuf.AppsV1().Deployments(namespace)
	if _, err := deployments.Create(ctx, deployment("web", 2), metav1.CreateOptions{}); err != nil {
		return err
	}
	return eventually(ctx, "two replicas", func() (bool, error) {
		got, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		return err == nil && got.Status.ReadyReplicas == 2 && got.Status.ObservedGeneration == got.Generation, err
	})
}

func scaleAndEvict(ctx context.Context, w *world) error {
	deployments := w.json.AppsV1().Deployments(namespace)
	scale, err := deployments.GetScale(ctx, "web", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err = expect("selector", scale.Status.Selector, "app=web"); err != nil {
		return err
	}
	scale.Spec.Replicas = 3
	if _, err = w.protobuf.AppsV1().Deployments(namespace).UpdateScale(ctx, "web", scale, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err = eventually(ctx, "three replicas", func() (bool, error) {
		got, err := deployments.Get(ctx, "web", metav1.GetOptions{})
		return err == nil && got.Status.ReadyReplicas == 3, err
	}); err != nil {
		return err
	}
	name, err := aPod(ctx, w)
	if err != nil {
		return err
	}
	return w.protobuf.PolicyV1().Evictions(namespace).Evict(ctx, &policyv1.Eviction{
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
	})
}

// aPod is the name of a running pod of the deployment.
func aPod(ctx context.Context, w *world) (string, error) {
	list, err := w.json.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{
		LabelSelector: "app=web", FieldSelector: "status.phase=Running", Limit: 500,
	})
	if err != nil {
		return "", err
	}
	for _, pod := range list.Items {
		if pod.DeletionTimestamp == nil {
			return pod.Name, nil
		}
	}
	return "", fmt.Errorf("no pod runs")
}

func typedApply(ctx context.Context, w *world) error {
	maps := w.json.CoreV1().ConfigMaps(namespace)
	wanted := coreapply.ConfigMap("applied", namespace).WithData(map[string]string{"a": "1"})
	for _, manager := range []string{"one", "one"} {
		if _, err := maps.Apply(ctx, wanted, metav1.ApplyOptions{FieldManager: manager}); err != nil {
			return err
		}
	}
	other := coreapply.ConfigMap("applied", namespace).WithData(map[string]string{"a": "2"})
	if _, err := maps.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two"}); !apierrors.IsConflict(err) {
		return fmt.Errorf("conflict: %w", err)
	}
	got, err := maps.Apply(ctx, other, metav1.ApplyOptions{FieldManager: "two", Force: true})
	if err != nil {
		return err
	}
	extracted, err := coreapply.ExtractConfigMap(got, "two")
	if err != nil {
		return err
	}
	if err = expect("owned data", extracted.Data["a"], "2"); err != nil {
		return err
	}
	labels := map[string]string{"app": "ssa"}
	_, err = w.json.AppsV1().Deployments(namespace).Apply(ctx, appsapply.Deployment("ssa", namespace).
		WithSpec(appsapply.DeploymentSpec().WithReplicas(1).
			WithSelector(metaapply.LabelSelector().WithMatchLabels(labels)).
			WithTemplate(coreapply.PodTemplateSpec().WithLabels(labels).WithSpec(coreapply.PodSpec().
				WithContainers(coreapply.Container().WithName("c").WithImage("nginx"))))),
		metav1.ApplyOptions{FieldManager: "one", Force: true})
	return err
}

func accessReviews(ctx context.Context, w *world) error {
	for _, client := range []kubernetes.Interface{w.json, w.protobuf} {
		review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx,
			&authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
				ResourceAttributes: &authorizationv1.ResourceAttributes{Verb: "create", Resource: "pods", Namespace: namespace},
			}}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
		if err = expect("allowed", review.Status.Allowed, true); err != nil {
			return err
		}
	}
	return nil
}

func namespaceGoes(ctx context.Context, w *world) error {
	spaces := w.json.CoreV1().Namespaces()
	if err := spaces.Delete(ctx, namespace, metav1.DeleteOptions{}); err != nil {
		return err
	}
	return eventually(ctx, "the namespace goes", func() (bool, error) {
		_, err := spaces.Get(ctx, namespace, metav1.GetOptions{})
		return apierrors.IsNotFound(err), err
	})
}
