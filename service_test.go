package holdfast_test

import (
	"slices"
	"testing"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

// A document names services as the program does: without the group that the program's configuration names.
func TestPolicyOfAServiceInTheConfiguredGroup(t *testing.T) {
	var cfg holdfast.Config
	cfg.Nacos.Group = "shop"
	cfg.Nacos.Disk.Disabled = true
	withoutBreaker := policy.Service{}
	withoutBreaker.Breaker.Disabled = policy.True
	cfg.Services = map[string]policy.Service{"orders": withoutBreaker, "store@@stock": withoutBreaker}
	kit, err := holdfast.Open(cfg, holdfast.WithRegistry(registrytest.NewMemory()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = kit.Close() }()

	tests := map[string]bool{ // has a breaker
		"orders": false, "DEFAULT_GROUP@@orders": true, "store@@stock": false, "stock": true,
	}
	for name := range tests {
		if _, err := kit.Client(name, "Get", (&callees{}).factory); err != nil {
			t.Fatal(err)
		}
	}
	shown := map[string]string{"shop@@orders": "orders", "orders": "DEFAULT_GROUP@@orders", "store@@stock": "store@@stock", "shop@@stock": "stock"}
	services := kit.Status().Services
	if len(services) != len(tests) {
		t.Fatalf("%d services, want %d", len(services), len(tests))
	}
	for _, s := range services {
		has, want := slices.Contains(s.Methods[0].Layers, "breaker"), tests[shown[s.Name]]
		if has != want {
			t.Errorf("%s: breaker %t, want %t", shown[s.Name], has, want)
		}
	}
}

// The group may be named although it is the configured one.
func TestPolicyOfAServiceNamedWithItsGroup(t *testing.T) {
	cfg := idempotent()
	cfg.Services = map[string]policy.Service{"DEFAULT_GROUP@@orders": {Policy: policy.Policy{Method: policy.Method{Breaker: policy.Breaker{Disabled: policy.True}}}}}
	kit := open(t, cfg, memory(t))
	if _, err := kit.Client("orders", "Get", (&callees{}).factory); err != nil {
		t.Fatal(err)
	}
	if layers := kit.Status().Services[0].Methods[0].Layers; slices.Contains(layers, "breaker") {
		t.Errorf("layers %v: its policy is ignored", layers)
	}
}
