package policy

import (
	"maps"
	"reflect"
	"slices"
)

// Document is the policies of all services that a program calls. The most specific setting wins: a method's, then its
// service's, then the defaults.
type Document struct {
	Defaults Policy             `yaml:"defaults,omitempty"`
	Services map[string]Service `yaml:"services,omitempty"`
}

// Service is the policy of one service and of those of its methods that differ.
type Service struct {
	Policy  `yaml:",inline"`
	Methods map[string]Method `yaml:"methods,omitempty"`
}

// For returns the complete policy of a method: every level merged, nothing left at zero.
func (d Document) For(service, method string) Policy {
	s := d.Services[service]
	p := merge(d.Defaults, s.Policy)
	p.Method = merge(p.Method, s.Methods[method])
	return p.WithDefaults()
}

// merge returns base with every field that over sets.
func merge[T any](base, over T) T {
	overlay(reflect.ValueOf(&base).Elem(), reflect.ValueOf(over))
	return base
}

func overlay(base, over reflect.Value) {
	if base.Kind() != reflect.Struct {
		if !over.IsZero() {
			base.Set(over)
		}
		return
	}
	for i := range base.NumField() {
		overlay(base.Field(i), over.Field(i))
	}
}

// Validate returns every value that cannot be meant, each as an *Error, joined; nil if there is none.
func (d Document) Validate() error {
	var f faults
	f.policy("defaults", d.Defaults, d.Defaults.WithDefaults())
	for _, name := range slices.Sorted(maps.Keys(d.Services)) {
		s := d.Services[name]
		path := "services." + name
		f.policy(path, s.Policy, d.For(name, ""))
		for _, method := range slices.Sorted(maps.Keys(s.Methods)) {
			f.method(path+".methods."+method, s.Methods[method], d.For(name, method).Method)
		}
	}
	return f.join()
}
