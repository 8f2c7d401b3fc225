package registry_test

import (
	"math"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

func TestInstanceValidate(t *testing.T) {
	for _, i := range []registry.Instance{
		{Addr: "10.0.0.7:8080"}, {Addr: "[fd00::7]:8080"}, {Addr: "orders.internal:1", Weight: registry.MaxWeight},
		{Addr: "a:65535", Cluster: "blue-1_x", Disabled: true}, {Addr: "Orders_1.internal.:80"}, {Addr: "[::ffff:10.0.0.7]:80"},
	} {
		if err := i.Validate(); err != nil {
			t.Errorf("%+v: %v", i, err)
		}
	}
	for _, i := range []registry.Instance{
		{}, {Addr: "a"}, {Addr: "a:"}, {Addr: ":80"}, {Addr: "a:0"}, {Addr: "a:65536"}, {Addr: "fd00::7:8080"},
		{Addr: "0.0.0.0:80"}, {Addr: "[::]:80"}, {Addr: "[::ffff:0.0.0.0]:80"}, {Addr: "[fe80::1%eth0]:80"},
		{Addr: " 10.0.0.7:80"}, {Addr: "10.0.0.7 :80"}, {Addr: "a b:80"}, {Addr: " :80"}, {Addr: "a\nb:80"}, {Addr: "ü:80"},
		{Addr: "http://a:80"}, {Addr: "a/b:80"}, {Addr: "user@a:80"}, {Addr: "a?:80"}, {Addr: "a#:80"}, {Addr: `a\b:80`},
		{Addr: "10.0.0.7:0080"}, {Addr: "[10.0.0.7]:80"}, {Addr: "[a]:80"},
		{Addr: "a:1", Weight: -1}, {Addr: "a:1", Weight: 10_001}, {Addr: "a:1", Weight: math.NaN()}, {Addr: "a:1", Cluster: "a,b"},
	} {
		if i.Validate() == nil {
			t.Errorf("%+v is accepted", i)
		}
	}
}

func TestInstanceDefaults(t *testing.T) {
	if i := (registry.Instance{}).WithDefaults(); i.Weight != 1 || i.Cluster != registry.DefaultCluster || !i.Usable() {
		t.Errorf("got %+v", i)
	}
	if i := (registry.Instance{Disabled: true}).WithDefaults(); i.Weight != 0 || i.Usable() {
		t.Errorf("got %+v", i)
	}
}

func TestInstanceEqual(t *testing.T) {
	i := registry.Instance{Addr: "a:1", Weight: 1, Metadata: map[string]string{"zone": "z"}}
	if !i.Equal(i.Clone()) {
		t.Error("a clone differs")
	}
	for what, change := range map[string]func(*registry.Instance){
		"address":    func(o *registry.Instance) { o.Addr = "b:1" },
		"cluster":    func(o *registry.Instance) { o.Cluster = "blue" },
		"weight":     func(o *registry.Instance) { o.Weight = 2 },
		"disabled":   func(o *registry.Instance) { o.Disabled = true },
		"unhealthy":  func(o *registry.Instance) { o.Unhealthy = true },
		"persistent": func(o *registry.Instance) { o.Persistent = true },
		"metadata":   func(o *registry.Instance) { o.Metadata["zone"] = "y" },
	} {
		o := i.Clone()
		change(&o)
		if i.Equal(o) {
			t.Errorf("another %s makes no difference", what)
		}
	}
}

func TestNormalize(t *testing.T) {
	got := registry.Normalize([]registry.Instance{
		{Addr: "b:1", Weight: 1},
		{Addr: "a:1", Cluster: "x", Weight: 5},
		{Addr: "a:1", Cluster: "x", Weight: 2},
		{Addr: "a:1", Cluster: "w", Weight: 1},
		{Addr: "b:1", Weight: 9, Disabled: true},
	})
	want := []registry.Instance{
		{Addr: "a:1", Cluster: "w", Weight: 1},
		{Addr: "a:1", Cluster: "x", Weight: 2},
		{Addr: "b:1", Weight: 9, Disabled: true},
	}
	if len(got) != len(want) {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	for n := range want {
		if !got[n].Equal(want[n]) {
			t.Errorf("%d: got %+v, want %+v", n, got[n], want[n])
		}
	}
}
