// Random objects of the API in protobuf and in JSON, as Go writes them: the truth for
// tests/api_openapi/test_openapi_protobuf.py. Each argument is [GROUP/]VERSION/KIND.
//
//	go mod tidy && go run . v1/Pod apps/v1/Deployment ... | gzip -9n > protobuf.jsonl.gz

package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand"
	"os"
	"strings"

	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/api/apitesting/fuzzer"
	metafuzzer "k8s.io/apimachinery/pkg/apis/meta/fuzzer"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/runtime/serializer/protobuf"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/randfill"
)

func main() {
	s := scheme.Scheme
	apiext.AddToScheme(s)
	kinds := os.Args[1:]
	codecs := serializer.NewCodecFactory(s)
	extra := func(codecs serializer.CodecFactory) []interface{} {
		return []interface{}{
			func(j *apiext.JSON, c randfill.Continue) { j.Raw = []byte(`{"a":1}`) },
			func(j *apiext.JSONSchemaProps, c randfill.Continue) {
				*j = apiext.JSONSchemaProps{}
				c.Fill(&j.Type)
				c.Fill(&j.Maximum)
				c.Fill(&j.MinLength)
				c.Fill(&j.Enum)
				c.Fill(&j.XEmbeddedResource)
				c.Fill(&j.XPreserveUnknownFields)
				c.Fill(&j.XValidations)
				if c.Int()%3 == 0 {
					j.Properties = map[string]apiext.JSONSchemaProps{}
					var p apiext.JSONSchemaProps
					c.Fill(&p)
					j.Properties["x"] = p
				}
				if c.Int()%3 == 0 {
					var p apiext.JSONSchemaProps
					c.Fill(&p)
					j.Items = &apiext.JSONSchemaPropsOrArray{Schema: &p}
				}
				if c.Int()%3 == 0 {
					var p apiext.JSONSchemaProps
					c.Fill(&p)
					j.AdditionalProperties = &apiext.JSONSchemaPropsOrBool{Allows: true, Schema: &p}
				} else if c.Int()%2 == 0 {
					j.AdditionalProperties = &apiext.JSONSchemaPropsOrBool{Allows: c.Bool()}
				}
			},
			func(r *runtime.RawExtension, c randfill.Continue) { r.Raw = []byte(`{"k":["v",2]}`) },
			func(r *metav1.FieldsV1, c randfill.Continue) { r.SetRawBytes([]byte(`{"f:spec":{}}`)) },
		}
	}
	ser := protobuf.NewSerializer(s, s)
	out := json.NewEncoder(os.Stdout)
	for _, k := range kinds {
		parts := strings.Split(k, "/")
		gv := schema.GroupVersion{Version: parts[0]}
		if len(parts) == 3 {
			gv = schema.GroupVersion{Group: parts[0], Version: parts[1]}
		}
		kind := parts[len(parts)-1]
		for seed := int64(0); seed < 4; seed++ {
			f := fuzzer.FuzzerFor(fuzzer.MergeFuzzerFuncs(metafuzzer.Funcs, extra), rand.NewSource(seed), codecs)
			f.NilChance(0.6).NumElements(1, 2).MaxDepth(14)
			if seed == 3 {
				f.NilChance(1)
			}
			obj, err := s.New(gv.WithKind(kind))
			if err != nil {
				fmt.Fprintln(os.Stderr, err)
				break
			}
			f.Fill(obj)
			obj.GetObjectKind().SetGroupVersionKind(gv.WithKind(kind))
			var b bytes.Buffer
			if err := ser.Encode(obj, &b); err != nil {
				fmt.Fprintln(os.Stderr, k, err)
				continue
			}
			j, err := json.Marshal(obj)
			if err != nil {
				fmt.Fprintln(os.Stderr, k, err)
				continue
			}
			out.Encode(map[string]interface{}{"pb": base64.StdEncoding.EncodeToString(b.Bytes()), "json": json.RawMessage(j)})
		}
	}
}
