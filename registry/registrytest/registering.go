package registrytest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

var registering = []testCase{
	{"a registered instance is seen by every client", func(t *testing.T, s *suite) {
		service := newService()
		near, far := watch(t, s.one.Watcher, service), watch(t, s.two.Watcher, service)
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		for _, v := range []*view{near, far} {
			got := v.sees(t, "10.1.0.1:8080").Instances[0]
			if got.Cluster != registry.DefaultCluster || got.Weight != 1 || !got.Usable() || got.Persistent {
				t.Errorf("got %+v, want a usable ephemeral instance of weight 1 in the default cluster", got)
			}
		}
	}},
	{"one client registers several instances of a service", func(t *testing.T, s *suite) {
		service := newService()
		near, far := watch(t, s.one.Watcher, service), watch(t, s.two.Watcher, service)
		register(t, s.one.Registrar, service, at("10.1.0.3:8080"), at("10.1.0.1:8080"), at("10.1.0.2:8080"))
		near.sees(t, "10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080")
		far.sees(t, "10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080")
	}},
	{"two clients register instances of a service", func(t *testing.T, s *suite) {
		service := newService()
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		register(t, s.two.Registrar, service, at("10.1.0.2:8080"))
		watch(t, s.one.Watcher, service).sees(t, "10.1.0.1:8080", "10.1.0.2:8080")
		watch(t, s.two.Watcher, service).sees(t, "10.1.0.1:8080", "10.1.0.2:8080")
	}},
	{"registering again replaces", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.two.Watcher, service)
		i := registry.Instance{Addr: "10.1.0.1:8080", Weight: 2, Metadata: map[string]string{"version": "1"}}
		register(t, s.one.Registrar, service, i)
		v.seesOne(t, "as declared first", func(got registry.Instance) bool { return got.Weight == 2 && got.Metadata["version"] == "1" })
		i.Weight, i.Metadata = 5, map[string]string{"revision": "2"}
		register(t, s.one.Registrar, service, i)
		v.seesOne(t, "as declared again", func(got registry.Instance) bool {
			return got.Weight == 5 && maps.Equal(got.Metadata, i.Metadata)
		})
	}},
	{"registering the same again changes nothing", func(t *testing.T, s *suite) {
		service := newService()
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"), at("10.1.0.1:8080"))
		watch(t, s.two.Watcher, service).sees(t, "10.1.0.1:8080")
	}},
	{"deregistering takes one and leaves the others", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.two.Watcher, service)
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"), at("10.1.0.2:8080"), at("10.1.0.3:8080"))
		v.sees(t, "10.1.0.1:8080", "10.1.0.2:8080", "10.1.0.3:8080")
		deregister(t, s.one.Registrar, service, at("10.1.0.2:8080"))
		v.sees(t, "10.1.0.1:8080", "10.1.0.3:8080")
	}},
	{"deregistered instances can come back", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.two.Watcher, service)
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"), at("10.1.0.2:8080"))
		v.sees(t, "10.1.0.1:8080", "10.1.0.2:8080")
		deregister(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		v.sees(t, "10.1.0.2:8080")
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		v.sees(t, "10.1.0.1:8080", "10.1.0.2:8080")
	}},
	{"deregistering what is not there is no error", func(t *testing.T, s *suite) {
		service := newService()
		deregister(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		deregister(t, s.one.Registrar, service, at("10.1.0.2:8080"))
		deregister(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		deregister(t, s.one.Registrar, service, at("10.1.0.1:8080"))
	}},
	{"cluster, weight and metadata arrive as declared", func(t *testing.T, s *suite) {
		service := newService()
		want := registry.Instance{
			Addr: "10.1.0.1:8080", Cluster: "blue", Weight: 2.5,
			Metadata: map[string]string{"zone": "z-1", "note": `a=b, "ü" & <c>`, "empty": ""},
		}
		register(t, s.one.Registrar, service, want)
		got := watch(t, s.two.Watcher, service).sees(t, want.Addr).Instances[0]
		if !got.Equal(want) {
			t.Errorf("got %+v, want %+v", got, want)
		}
	}},
	{"a disabled instance is seen as disabled", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.two.Watcher, service)
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		v.seesOne(t, "usable", registry.Instance.Usable)
		register(t, s.one.Registrar, service, registry.Instance{Addr: "10.1.0.1:8080", Disabled: true})
		v.seesOne(t, "disabled", func(i registry.Instance) bool { return i.Disabled && !i.Usable() })
		register(t, s.one.Registrar, service, at("10.1.0.1:8080"))
		v.seesOne(t, "usable again", registry.Instance.Usable)
	}},
	{"what the caller does to its map later is not declared", func(t *testing.T, s *suite) {
		service := newService()
		metadata := map[string]string{"version": "1"}
		register(t, s.one.Registrar, service, registry.Instance{Addr: "10.1.0.1:8080", Metadata: metadata})
		metadata["version"] = "2"
		register(t, s.one.Registrar, service, at("10.1.0.2:8080"))
		got := watch(t, s.two.Watcher, service).sees(t, "10.1.0.1:8080", "10.1.0.2:8080").Instances[0]
		if got.Metadata["version"] != "1" {
			t.Errorf("metadata is %v, want what was declared", got.Metadata)
		}
	}},
	{"groups and namespaces are separate", func(t *testing.T, s *suite) {
		name := unique()
		services := []registry.Service{
			{Name: name},
			{Group: "conformance", Name: name},
			{Namespace: "conformance", Name: name},
			{Namespace: "conformance", Group: "conformance", Name: name},
		}
		var views []*view
		for _, service := range services {
			views = append(views, watch(t, s.two.Watcher, service))
		}
		for n, service := range services {
			register(t, s.one.Registrar, service, at(fmt.Sprintf("10.1.0.%d:8080", n+1)))
		}
		for n, v := range views {
			own := fmt.Sprintf("10.1.0.%d:8080", n+1)
			v.sees(t, own)
			for _, snapshot := range v.all() {
				if slices.ContainsFunc(snapshot.Instances, func(i registry.Instance) bool { return i.Addr != own }) {
					t.Errorf("%+v has instances of another: %+v", services[n], snapshot.Instances)
				}
			}
		}
	}},
	{"what cannot be meant is refused and not kept", func(t *testing.T, s *suite) {
		service := newService()
		good := at("10.1.0.1:8080")
		for _, bad := range []registry.Instance{
			{}, at("10.1.0.1"), at(":8080"), at("0.0.0.0:8080"), at("10.1.0.1:0"), at("10.1.0.1:http"),
			{Addr: good.Addr, Weight: -1}, {Addr: good.Addr, Weight: registry.MaxWeight + 1}, {Addr: good.Addr, Weight: math.NaN()},
			{Addr: good.Addr, Cluster: "a b"},
		} {
			refused(t, fmt.Sprintf("register %+v", bad), s.one.Registrar.Register(patient(t), service, bad))
		}
		register(t, s.one.Registrar, service, at("10.1.0.2:8080"))
		for _, addr := range []string{"", "10.1.0.1", "10.1.0.1:0", "10.1.0.1:http"} {
			refused(t, fmt.Sprintf("deregister %q", addr), s.one.Registrar.Deregister(patient(t), service, at(addr)))
		}
		for _, bad := range badServices {
			refused(t, fmt.Sprintf("register in %+v", bad), s.one.Registrar.Register(patient(t), bad, good))
			refused(t, fmt.Sprintf("deregister in %+v", bad), s.one.Registrar.Deregister(patient(t), bad, good))
		}
		watch(t, s.one.Watcher, service).sees(t, "10.1.0.2:8080")
	}},
	{"registrations obey a context that has ended", func(t *testing.T, s *suite) {
		service, i := newService(), at("10.1.0.1:8080")
		if err := s.one.Registrar.Register(canceled(), service, i); !errors.Is(err, context.Canceled) {
			t.Errorf("register: %v, want context.Canceled", err)
		}
		if err := s.one.Registrar.Deregister(canceled(), service, i); !errors.Is(err, context.Canceled) {
			t.Errorf("deregister: %v, want context.Canceled", err)
		}
		deregister(t, s.one.Registrar, service, i)
	}},
	{"many goroutines register at once", func(t *testing.T, s *suite) {
		service := newService()
		v := watch(t, s.two.Watcher, service)
		var want []string
		var all sync.WaitGroup
		for n := range 8 {
			i := at(fmt.Sprintf("10.1.0.%d:8080", n+1))
			if n%2 == 0 {
				want = append(want, i.Addr)
			}
			all.Go(func() {
				if err := s.one.Registrar.Register(patient(t), service, i); err != nil {
					t.Errorf("register %s: %v", i.Addr, err)
				}
				if n%2 == 1 {
					if err := s.one.Registrar.Deregister(patient(t), service, i); err != nil {
						t.Errorf("deregister %s: %v", i.Addr, err)
					}
				}
			})
		}
		all.Wait()
		for _, addr := range want {
			register(t, s.one.Registrar, service, at(addr)) // again, to be taken back at the end
		}
		v.sees(t, want...)
	}},
}

var badServices = []registry.Service{
	{}, {Name: " "}, {Name: "a b"}, {Name: "ü"}, {Name: "a@@b"}, {Name: "a", Group: "g/h"}, {Name: "a", Namespace: "n m"},
}

// refused checks that err names the field, its value and the reason.
func refused(t *testing.T, what string, err error) {
	t.Helper()
	var refusal *registry.FieldError
	if !errors.As(err, &refusal) {
		t.Errorf("%s: %v, want a *registry.FieldError", what, err)
	}
}
