// Schemas says whether manifests are what Kubernetes takes: the custom resources by the definitions that Gateway API and
// Istio publish, the others by Kubernetes' own types. A field that doesn't exist is refused, as `kubectl apply` does.
//
// Its arguments are files and directories with definitions. It reads lines of JSON, each with a manifest of any number
// of documents, and writes one line of JSON for each: the objects that it knows, and what is wrong with them.
//
// It is a program of its own so that the other oracle needs none of Kubernetes' packages.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	kjson "sigs.k8s.io/json"
	"sigs.k8s.io/yaml"

	// Their definitions are files beside these packages, which hold the versions in go.mod.
	_ "istio.io/api/annotation"
	_ "sigs.k8s.io/gateway-api/pkg/consts"
)

type question struct {
	Manifest string `json:"manifest"`
}

type answer struct {
	Objects  []string `json:"objects"`
	Problems []string `json:"problems"`
}

// definition is as much of a CustomResourceDefinition as is needed here.
type definition struct {
	Kind string `json:"kind"`
	Spec struct {
		Group string `json:"group"`
		Names struct {
			Kind string `json:"kind"`
		} `json:"names"`
		Versions []struct {
			Name   string `json:"name"`
			Served bool   `json:"served"`
			Schema struct {
				OpenAPIV3Schema *spec.Schema `json:"openAPIV3Schema"`
			} `json:"schema"`
		} `json:"versions"`
	} `json:"spec"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

func run(places []string) error {
	schemas, err := definitions(places)
	if err != nil {
		return err
	}
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	for {
		var asked question
		if err := in.Decode(&asked); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		if err := out.Encode(judge(schemas, asked.Manifest)); err != nil {
			return err
		}
	}
}

// definitions reads all definitions, by group/version/kind.
func definitions(places []string) (map[string]*spec.Schema, error) {
	schemas := map[string]*spec.Schema{}
	for _, place := range places {
		err := filepath.Walk(place, func(path string, info os.FileInfo, err error) error {
			if err != nil || info.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, document := range documents(string(text)) {
				var one definition
				if err := yaml.Unmarshal([]byte(document), &one); err != nil {
					return fmt.Errorf("%s: %w", path, err)
				}
				for _, version := range one.Spec.Versions {
					if schema := version.Schema.OpenAPIV3Schema; version.Served && schema != nil {
						schemas[one.Spec.Group+"/"+version.Name+" "+one.Spec.Names.Kind] = schema
					}
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(schemas) == 0 {
		return nil, fmt.Errorf("no definitions in %v", places)
	}
	return schemas, nil
}

func documents(text string) []string {
	return strings.Split("\n"+text, "\n---")
}

func judge(schemas map[string]*spec.Schema, manifest string) answer {
	said := answer{Objects: []string{}, Problems: []string{}}
	for _, document := range documents(manifest) {
		var object map[string]any
		if err := yaml.UnmarshalStrict([]byte(document), &object); err != nil {
			said.Problems = append(said.Problems, err.Error())
			continue
		}
		if len(object) == 0 {
			continue
		}
		name := fmt.Sprintf("%v %v", object["apiVersion"], object["kind"])
		said.Objects = append(said.Objects, name)
		problems := []string{}
		if schema, known := schemas[name]; known {
			problems = custom(schema, object)
		} else {
			problems = builtIn(name, document)
		}
		for _, problem := range problems {
			said.Problems = append(said.Problems, name+": "+problem)
		}
	}
	return said
}

// custom judges a custom resource by its schema, and by the fields that its schema doesn't know.
func custom(schema *spec.Schema, object map[string]any) []string {
	problems := unknown(schema, object, "")
	result := validate.NewSchemaValidator(schema, nil, "", strfmt.Default).Validate(object)
	for _, err := range result.Errors {
		problems = append(problems, err.Error())
	}
	fill(schema, object)
	return append(problems, rules(schema, object, "")...)
}

// fill sets what a definition has for absent fields, which its rules count on.
func fill(schema *spec.Schema, value any) {
	switch value := value.(type) {
	case map[string]any:
		for name, property := range schema.Properties {
			if _, there := value[name]; !there && property.Default != nil {
				value[name] = property.Default
			}
			if below, there := value[name]; there {
				fill(&property, below)
			}
		}
	case []any:
		if schema.Items != nil && schema.Items.Schema != nil {
			for _, item := range value {
				fill(schema.Items.Schema, item)
			}
		}
	}
}

// rules asks the rules that a definition has beside its types, in the Common Expression Language.
func rules(schema *spec.Schema, value any, at string) []string {
	var problems []string
	all, _ := schema.Extensions["x-kubernetes-validations"].([]any)
	for _, one := range all {
		rule, _ := one.(map[string]any)
		text, _ := rule["rule"].(string)
		// Those about a change of an object have nothing to say of a new one, and `url` is a function of Kubernetes' own.
		if strings.Contains(text, "oldSelf") || strings.Contains(text, "url(") {
			continue
		}
		if holds, err := holds(text, value); err != nil {
			problems = append(problems, fmt.Sprintf("%s: %s: %v", at, text, err))
		} else if !holds {
			problems = append(problems, fmt.Sprintf("%s: %v", at, rule["message"]))
		}
	}
	switch value := value.(type) {
	case map[string]any:
		for key, below := range value {
			if property, known := schema.Properties[key]; known {
				problems = append(problems, rules(&property, below, at+"."+key)...)
			} else if more := schema.AdditionalProperties; more != nil && more.Schema != nil {
				problems = append(problems, rules(more.Schema, below, at+"."+key)...)
			}
		}
	case []any:
		if schema.Items != nil && schema.Items.Schema != nil {
			for index, item := range value {
				problems = append(problems, rules(schema.Items.Schema, item, fmt.Sprintf("%s[%d]", at, index))...)
			}
		}
	}
	sort.Strings(problems)
	return problems
}

func holds(rule string, self any) (bool, error) {
	environment, err := cel.NewEnv(
		cel.Variable("self", cel.DynType), ext.Strings(), cel.OptionalTypes(), cel.CrossTypeNumericComparisons(true))
	if err != nil {
		return false, err
	}
	tree, issues := environment.Compile(rule)
	if issues.Err() != nil {
		return false, issues.Err()
	}
	program, err := environment.Program(tree)
	if err != nil {
		return false, err
	}
	value, _, err := program.Eval(map[string]any{"self": self})
	if err != nil {
		return false, err
	}
	return value.Value() == true, nil
}

// unknown names the fields that a structural schema would prune.
func unknown(schema *spec.Schema, value any, at string) []string {
	if keep, _ := schema.Extensions.GetBool("x-kubernetes-preserve-unknown-fields"); keep {
		return nil
	}
	var problems []string
	switch value := value.(type) {
	case map[string]any:
		keys := make([]string, 0, len(value))
		for key := range value {
			keys = append(keys, key)
		}
		sort.Strings(keys)
		for _, key := range keys {
			// The API server knows these for every object.
			if at == "" && (key == "metadata" || key == "apiVersion" || key == "kind") {
				continue
			}
			below := at + "." + key
			if property, known := schema.Properties[key]; known {
				problems = append(problems, unknown(&property, value[key], below)...)
			} else if more := schema.AdditionalProperties; more != nil && (more.Allows || more.Schema != nil) {
				if more.Schema != nil {
					problems = append(problems, unknown(more.Schema, value[key], below)...)
				}
			} else {
				problems = append(problems, fmt.Sprintf("unknown field %s", below))
			}
		}
	case []any:
		if schema.Items != nil && schema.Items.Schema != nil {
			for index, item := range value {
				problems = append(problems, unknown(schema.Items.Schema, item, fmt.Sprintf("%s[%d]", at, index))...)
			}
		}
	}
	return problems
}

// builtIn judges an object of Kubernetes itself by its type.
func builtIn(name, document string) []string {
	var into any
	switch name {
	case "networking.k8s.io/v1 Ingress":
		into = &networkingv1.Ingress{}
	case "v1 Service":
		into = &corev1.Service{}
	case "v1 Secret":
		into = &corev1.Secret{}
	case "v1 ConfigMap":
		into = &corev1.ConfigMap{}
	case "autoscaling/v2 HorizontalPodAutoscaler":
		into = &autoscalingv2.HorizontalPodAutoscaler{}
	case "apps/v1 Deployment":
		into = &appsv1.Deployment{}
	case "batch/v1 Job":
		into = &batchv1.Job{}
	case "batch/v1 CronJob":
		into = &batchv1.CronJob{}
	default:
		return []string{"no schema is known for it"}
	}
	object, err := yaml.YAMLToJSONStrict([]byte(document))
	if err != nil {
		return []string{err.Error()}
	}
	// As the API server does it: names are told apart by case, which encoding/json doesn't do.
	strict, err := kjson.UnmarshalStrict(object, into)
	if err != nil {
		return []string{err.Error()}
	}
	var problems []string
	for _, err := range strict {
		problems = append(problems, err.Error())
	}
	if ingress, is := into.(*networkingv1.Ingress); is {
		problems = append(problems, paths(ingress)...)
	}
	return problems
}

// paths holds what the API server asks of an Ingress beyond its types.
func paths(ingress *networkingv1.Ingress) []string {
	var problems []string
	for _, rule := range ingress.Spec.Rules {
		if rule.HTTP == nil {
			continue
		}
		for _, path := range rule.HTTP.Paths {
			switch kind := path.PathType; {
			case kind == nil:
				problems = append(problems, "a path has no pathType")
			case *kind != networkingv1.PathTypeExact && *kind != networkingv1.PathTypePrefix &&
				*kind != networkingv1.PathTypeImplementationSpecific:
				problems = append(problems, fmt.Sprintf("pathType %s is unknown", *kind))
			}
			if path.Backend.Service == nil && path.Backend.Resource == nil {
				problems = append(problems, "a backend has no service")
			}
		}
	}
	return problems
}
