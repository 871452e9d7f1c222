package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/dynamicinformer"
	clientinformers "k8s.io/client-go/informers"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"sigs.k8s.io/controller-runtime/pkg/client/apiutil"
)

var (
	policies    = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "networkpolicies"}
	configMaps  = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}
	shops       = schema.GroupVersionResource{Group: "example.com", Version: "v1", Resource: "shops"}
)

func object(apiVersion, kind, name string, more map[string]any) *unstructured.Unstructured {
	content := map[string]any{
		"apiVersion": apiVersion, "kind": kind, "metadata": map[string]any{"name": name},
	}
	for key, value := range more {
		content[key] = value
	}
	return &unstructured.Unstructured{Object: content}
}

func discoverAll(ctx context.Context, w *world) error {
	client, err := discovery.NewDiscoveryClientForConfig(w.config)
	if err != nil {
		return err
	}
	for _, legacy := range []bool{false, true} {
		client.UseLegacyDiscovery = legacy
		groups, resources, err := client.ServerGroupsAndResources()
		if err != nil {
			return fmt.Errorf("legacy %v: %w", legacy, err)
		}
		if len(groups) < 10 || len(resources) < 10 {
			return fmt.Errorf("legacy %v: %d groups, %d lists", legacy, len(groups), len(resources))
		}
		if _, err = client.ServerPreferredNamespacedResources(); err != nil {
			return err
		}
	}
	version, err := client.ServerVersion()
	if err != nil {
		return err
	}
	if err = expect("major", version.Major, "1"); err != nil {
		return err
	}
	paths, err := client.OpenAPIV3().Paths()
	if err != nil {
		return err
	}
	if _, err = paths["apis/networking.k8s.io/v1"].Schema("application/json"); err != nil {
		return err
	}
	_, err = client.OpenAPISchema()
	return err
}

func dynamicClient(ctx context.Context, w *world) error {
	client, err := dynamic.NewForConfig(w.config)
	if err != nil {
		return err
	}
	here := client.Resource(policies).Namespace(namespace)
	policy := object("networking.k8s.io/v1", "NetworkPolicy", "dynamic", map[string]any{
		"spec": map[string]any{"podSelector": map[string]any{}},
	})
	made, err := here.Create(ctx, policy, metav1.CreateOptions{FieldValidation: "Strict"})
	if err != nil {
		return err
	}
	kinds, _, _ := unstructured.NestedStringSlice(made.Object, "spec", "policyTypes")
	if err = expect("policyTypes", fmt.Sprint(kinds), "[Ingress]"); err != nil {
		return err
	}
	watcher, err := here.Watch(ctx, metav1.ListOptions{ResourceVersion: made.GetResourceVersion()})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	for kind, patch := range map[types.PatchType]string{
		types.JSONPatchType:  `[{"op":"add","path":"/metadata/labels","value":{"json":"yes"}}]`,
		types.MergePatchType: `{"metadata":{"annotations":{"merge":"yes"}}}`,
	} {
		if _, err = here.Patch(ctx, "dynamic", kind, []byte(patch), metav1.PatchOptions{}); err != nil {
			return err
		}
		if err = nextEvent(ctx, watcher, watch.Modified); err != nil {
			return err
		}
	}
	applied := object("networking.k8s.io/v1", "NetworkPolicy", "dynamic", map[string]any{
		"spec": map[string]any{"policyTypes": []any{"Ingress", "Egress"}},
	})
	if _, err = here.Apply(ctx, "dynamic", applied, metav1.ApplyOptions{FieldManager: "go", Force: true}); err != nil {
		return err
	}
	bad := object("networking.k8s.io/v1", "NetworkPolicy", "bad", map[string]any{
		"spec": map[string]any{"podSelector": map[string]any{}, "bogus": true},
	})
	if _, err = here.Create(ctx, bad, metav1.CreateOptions{FieldValidation: "Strict"}); err == nil {
		return fmt.Errorf("an unknown field was taken")
	}
	return here.Delete(ctx, "dynamic", metav1.DeleteOptions{})
}

func metadataClient(ctx context.Context, w *world) error {
	client, err := metadata.NewForConfig(w.config)
	if err != nil {
		return err
	}
	here := client.Resource(configMaps).Namespace(namespace)
	list, err := here.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	if len(list.Items) == 0 || list.Items[0].UID == "" {
		return fmt.Errorf("no metadata: %v", list)
	}
	one, err := here.Get(ctx, list.Items[0].Name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	if err = expect("uid", one.UID, list.Items[0].UID); err != nil {
		return err
	}
	watcher, err := here.Watch(ctx, metav1.ListOptions{ResourceVersion: "0"})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	return nextEvent(ctx, watcher, watch.Added)
}

func customResources(ctx context.Context, w *world) error {
	client, err := dynamic.NewForConfig(w.config)
	if err != nil {
		return err
	}
	definition := object("apiextensions.k8s.io/v1", "CustomResourceDefinition", "shops.example.com", map[string]any{
		"spec": map[string]any{
			"group": "example.com", "scope": "Namespaced",
			"names": map[string]any{"plural": "shops", "singular": "shop", "kind": "Shop", "listKind": "ShopList"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"subresources": map[string]any{"status": map[string]any{}},
				"schema": map[string]any{"openAPIV3Schema": map[string]any{
					"type": "object", "properties": map[string]any{
						"spec": map[string]any{"type": "object", "properties": map[string]any{
							"size": map[string]any{"type": "integer", "default": int64(3)},
						}},
						"status": map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true},
					},
				}},
			}},
		},
	})
	if _, err = client.Resource(definitions).Create(ctx, definition, metav1.CreateOptions{}); err != nil {
		return err
	}
	here := client.Resource(shops).Namespace(namespace)
	shop := object("example.com/v1", "Shop", "corner", map[string]any{"spec": map[string]any{}})
	if err = eventually(ctx, "the kind is served", func() (bool, error) {
		_, err := here.Create(ctx, shop, metav1.CreateOptions{})
		return err == nil, err
	}); err != nil {
		return err
	}
	got, err := here.Get(ctx, "corner", metav1.GetOptions{})
	if err != nil {
		return err
	}
	size, _, _ := unstructured.NestedInt64(got.Object, "spec", "size")
	if err = expect("the default", size, int64(3)); err != nil {
		return err
	}
	got.Object["status"] = map[string]any{"open": true}
	got, err = here.UpdateStatus(ctx, got, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	open, _, _ := unstructured.NestedBool(got.Object, "status", "open")
	if err = expect("status", open, true); err != nil {
		return err
	}
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(client, 0, namespace, nil)
	informer := factory.ForResource(shops)
	informer.Informer()
	factory.Start(ctx.Done())
	factory.WaitForCacheSync(ctx.Done())
	_, err = informer.Lister().ByNamespace(namespace).Get("corner")
	return err
}

func restMapper(ctx context.Context, w *world) error {
	client, err := discovery.NewDiscoveryClientForConfig(w.config)
	if err != nil {
		return err
	}
	cached := memory.NewMemCacheClient(client)
	mapper := restmapper.NewShortcutExpander(restmapper.NewDeferredDiscoveryRESTMapper(cached), cached, nil)
	found, err := mapper.ResourceFor(schema.GroupVersionResource{Resource: "netpol"})
	if err != nil {
		return err
	}
	if err = expect("netpol", found, policies); err != nil {
		return err
	}
	httpClient, err := rest.HTTPClientFor(w.config)
	if err != nil {
		return err
	}
	lazy, err := apiutil.NewDynamicRESTMapper(w.config, httpClient)
	if err != nil {
		return err
	}
	mapping, err := lazy.RESTMapping(schema.GroupKind{Group: "example.com", Kind: "Shop"})
	if err != nil {
		return err
	}
	return expect("shop", mapping.Resource, shops)
}

func informers(ctx context.Context, w *world) error {
	w.watchLists.Store(0)
	factory := clientinformers.NewSharedInformerFactoryWithOptions(w.protobuf, 0, clientinformers.WithNamespace(namespace))
	added, changed, gone := make(chan string, 100), make(chan string, 100), make(chan string, 100)
	informer := factory.Core().V1().ConfigMaps()
	_, err := informer.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { added <- o.(*corev1.ConfigMap).Name },
		UpdateFunc: func(_, o any) { changed <- o.(*corev1.ConfigMap).Name },
		DeleteFunc: func(o any) { gone <- o.(*corev1.ConfigMap).Name },
	})
	if err != nil {
		return err
	}
	factory.Core().V1().Pods().Informer()
	factory.Networking().V1().NetworkPolicies().Informer()
	factory.Start(ctx.Done())
	for kind, synced := range factory.WaitForCacheSync(ctx.Done()) {
		if !synced {
			return fmt.Errorf("%v did not sync", kind)
		}
	}
	if w.watchLists.Load() != 3 {
		return fmt.Errorf("%d watch lists for 3 informers", w.watchLists.Load())
	}
	maps := w.json.CoreV1().ConfigMaps(namespace)
	made, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "informed"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if err = heard(ctx, added, "informed"); err != nil {
		return err
	}
	made.Data = map[string]string{"a": "b"}
	if _, err = maps.Update(ctx, made, metav1.UpdateOptions{}); err != nil {
		return err
	}
	if err = heard(ctx, changed, "informed"); err != nil {
		return err
	}
	if err = maps.Delete(ctx, "informed", metav1.DeleteOptions{}); err != nil {
		return err
	}
	return heard(ctx, gone, "informed")
}

func heard(ctx context.Context, from <-chan string, want string) error {
	timeout := time.After(10 * time.Second)
	for {
		select {
		case name := <-from:
			if name == want {
				return nil
			}
		case <-timeout:
			return fmt.Errorf("nothing was heard of %s", want)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func watchFromVersion(ctx context.Context, w *world) error {
	maps := w.json.CoreV1().ConfigMaps(namespace)
	made, err := maps.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "waited"}}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	lister := &cache.ListWatch{
		ListWithContextFunc: nil,
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", "waited").String()
			return maps.Watch(ctx, o)
		},
	}
	go func() {
		time.Sleep(50 * time.Millisecond)
		_, _ = maps.Patch(ctx, "waited", types.MergePatchType, []byte(`{"data":{"done":"yes"}}`), metav1.PatchOptions{})
	}()
	_, err = watchtools.Until(ctx, made.ResourceVersion, lister, func(event watch.Event) (bool, error) {
		changed, ok := event.Object.(*corev1.ConfigMap)
		return ok && changed.Data["done"] == "yes", nil
	})
	return err
}
