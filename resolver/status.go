package resolver

import (
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

// Status is what a Resolver knows at a time, for probes and for people.
type Status struct {
	Service       string
	Source        registry.Source // of the list; "" while none has come
	At            time.Time       // when a server told it
	Node          string          // which server did
	Err           error           // why there is no newer list
	Total, Usable int
	PanicMode     bool // so few are available that the ejected ones are used, too
	Instances     []InstanceStatus
}

// InstanceStatus is what a Resolver knows of an instance.
type InstanceStatus struct {
	Addr, Cluster       string
	Weight              float64
	Disabled, Unhealthy bool // as the registry says
	Unconfirmed         bool // known from before an outage, and not listed since
	Usable              bool // may get traffic, if it is not ejected
	Ejected             bool
	EjectedUntil        time.Time // zero if it is not ejected
	InFlight            int
	Failures            int // in a row
}

// Status reports the present state. It never waits for a lock.
func (r *Resolver) Status() Status {
	v := r.current()
	s := Status{
		Service: r.service.String(), Source: v.snapshot.Source, At: v.snapshot.At, Node: v.snapshot.Node, Err: v.snapshot.Err,
		Total: len(v.nodes), Usable: v.usable, PanicMode: v.panicking,
		Instances: make([]InstanceStatus, len(v.nodes)),
	}
	now := r.elapsed()
	for i, n := range v.nodes {
		instance := &v.snapshot.Instances[i]
		status := InstanceStatus{
			Addr: n.addr, Cluster: n.cluster, Weight: instance.Weight, Disabled: instance.Disabled, Unhealthy: instance.Unhealthy,
			Unconfirmed: instance.Unconfirmed, Usable: instance.Usable(),
			InFlight: n.InFlight(), Failures: n.Failures(),
		}
		if until := time.Duration(n.out.Load()); until > now {
			status.Ejected, status.EjectedUntil = true, r.began.Add(until)
		}
		s.Instances[i] = status
	}
	return s
}
