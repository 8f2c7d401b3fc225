package resolver

import (
	"math/rand/v2"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

// report counts the outcome of a call to n.
func (r *Resolver) report(n *Node, o policy.Outcome) {
	switch {
	case o.OK():
		if n.failures.Load() != 0 {
			n.failures.Store(0)
		}
	case o.BlamesInstance():
		failures := n.failures.Add(1)
		if failures%int64(r.ejection.ConsecutiveFailures) == 0 && !r.ejection.Disabled.On() {
			r.eject(n, int(failures))
		}
	}
}

func (r *Resolver) eject(n *Node, failures int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	v := r.view.Load()
	if r.overdue(v) {
		v = r.show(v.snapshot, v.nodes)
	}
	if n.out.Load() != 0 || n.gone.Load() || !n.usable() {
		return
	}
	if v.ejected >= r.mayEject(v.usable) {
		r.observer.Observe(event.EjectionRefused{Service: r.service.String(), Instance: n.addr, Failures: failures})
		return
	}
	now := r.elapsed()
	d := r.sentence(n, now)
	n.out.Store(int64(now + d))
	r.observer.Observe(event.Ejected{Service: r.service.String(), Instance: n.addr, Failures: failures, For: d})
	r.show(v.snapshot, v.nodes)
}

// sentence counts one more ejection of n and returns how long it lasts.
func (r *Resolver) sentence(n *Node, now time.Duration) time.Duration {
	forgiven := int((now - n.returnedAt) / r.ejection.Time)
	n.ejections = max(0, n.ejections-forgiven) + 1
	d := r.ejection.MaxTime
	if n.ejections <= int(r.ejection.MaxTime/r.ejection.Time) { // so that the product cannot overflow
		d = time.Duration(n.ejections) * r.ejection.Time
	}
	jitter := 0.9 + 0.2*rand.Float64()
	return min(r.ejection.MaxTime, max(1, time.Duration(jitter*float64(d))))
}

// restore ends the ejection of n.
func (r *Resolver) restore(n *Node, now time.Duration) {
	n.out.Store(0)
	n.failures.Store(0)
	n.returnedAt = now
	r.observer.Observe(event.Returned{Service: r.service.String(), Instance: n.addr})
}

// mayEject is how many of so many usable instances may be ejected at a time.
func (r *Resolver) mayEject(usable int) int {
	limit := usable * r.ejection.MaxPercent / 100
	if usable > 1 {
		return max(1, limit)
	}
	return limit
}
