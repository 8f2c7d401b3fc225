package holdfast

import (
	"cmp"
	"maps"
	"slices"

	"github.com/holdfast-go/holdfast/resolver"
)

// Status is what a Kit knows at one time, for people and for probes.
type Status struct {
	Services   []ServiceStatus
	Registered []Registration
}

// ServiceStatus is what is known of a service that is called.
type ServiceStatus struct {
	Name string
	resolver.Status
	Methods []MethodStatus
}

// MethodStatus is what is known of a method that is called.
type MethodStatus struct {
	Name    string
	Layers  []string // of its calls, outermost first
	Breaker string   // "closed", "open", "half-open"; "" when switched off
}

// Registration is one declaration of this program.
type Registration struct {
	Service string
	Addr    string
}

// Status returns what the Kit knows now, ordered by name.
func (k *Kit) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	var status Status
	for _, s := range k.services {
		status.Services = append(status.Services, s.status())
	}
	for d := range k.declared {
		status.Registered = append(status.Registered, Registration{Service: d.service.String(), Addr: d.addr})
	}
	slices.SortFunc(status.Services, func(a, b ServiceStatus) int { return cmp.Compare(a.Name, b.Name) })
	slices.SortFunc(status.Registered, func(a, b Registration) int {
		return cmp.Compare(a.Service+" "+a.Addr, b.Service+" "+b.Addr)
	})
	return status
}

func (s *service) status() ServiceStatus {
	status := ServiceStatus{Name: s.id.String(), Status: s.resolver.Status()}
	for _, method := range slices.Sorted(maps.Keys(s.layers)) {
		m := MethodStatus{Name: method, Layers: slices.Clone(s.layers[method])}
		if c, ok := s.circuits[method]; ok {
			m.Breaker = c.State()
		}
		status.Methods = append(status.Methods, m)
	}
	return status
}
