package resolver

import (
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
)

// view is what attempts pick from. It is immutable and replaced as a whole: with a new list, and when an instance is
// ejected or returns. Everybody shares it, and nobody copies it.
type view struct {
	snapshot        registry.Snapshot
	nodes           []*Node // parallel to snapshot.Instances
	usable, ejected int
	candidates      int // that the picker has
	panicking       bool
	picker          Picker        // nil when there is nobody to pick
	nextReturn      time.Duration // of an ejected node, on the resolver's clock; 0: none is ejected
	superseded      chan struct{} // closed when there is a newer view
}

func (v *view) pick(a Attempt) *Node {
	if v.picker == nil {
		return nil
	}
	return v.picker.Pick(a)
}

// current returns the view after the return of those whose ejection has ended. Whoever finds that one has takes it back;
// nobody waits for that.
func (r *Resolver) current() *view {
	v := r.view.Load()
	if r.overdue(v) && r.mu.TryLock() {
		defer r.mu.Unlock()
		if v = r.view.Load(); r.overdue(v) {
			v = r.show(v.snapshot, v.nodes)
		}
	}
	return v
}

func (r *Resolver) overdue(v *view) bool { return v.nextReturn != 0 && r.elapsed() >= v.nextReturn }

// show makes and publishes the view of nodes as they are now. The mutex is held.
func (r *Resolver) show(s registry.Snapshot, nodes []*Node) *view {
	v := &view{snapshot: s, nodes: nodes, superseded: make(chan struct{})}
	ejected := r.sort(v)
	v.ejected = len(ejected)
	if v.ejected > 0 {
		v.nextReturn = time.Duration(ejected[0].out.Load())
		v.panicking = (v.usable-v.ejected)*100 < r.ejection.PanicPercent*v.usable
	}
	if candidates := v.allowed(); len(candidates) > 0 {
		v.candidates, v.picker = len(candidates), r.balancer.Build(candidates)
	}
	old := r.view.Swap(v)
	close(old.superseded)
	if v.panicking != old.panicking {
		r.observer.Observe(event.PanicMode{Service: r.service.String(), On: v.panicking, Available: v.usable - v.ejected, Total: v.usable})
	}
	return v
}

// sort counts the usable nodes and returns the ejected ones of them, those that return first in front. It ends the
// ejections whose time is over, and the oldest that are too many now that the list is shorter.
func (r *Resolver) sort(v *view) (ejected []*Node) {
	now := r.elapsed()
	for _, n := range v.nodes {
		until := time.Duration(n.out.Load())
		if until != 0 && until <= now {
			r.restore(n, now)
			until = 0
		}
		if !n.usable() {
			continue
		}
		v.usable++
		if until != 0 {
			ejected = append(ejected, n)
		}
	}
	slices.SortFunc(ejected, func(a, b *Node) int { return int(a.out.Load() - b.out.Load()) })
	for len(ejected) > r.mayEject(v.usable) {
		r.restore(ejected[0], now)
		ejected = ejected[1:]
	}
	return ejected
}

// allowed returns the nodes that may get traffic.
func (v *view) allowed() []*Node {
	all := v.ejected == 0 || v.panicking
	if all && v.usable == len(v.nodes) {
		return v.nodes
	}
	nodes := make([]*Node, 0, v.usable)
	for _, n := range v.nodes {
		if n.usable() && (all || n.out.Load() == 0) {
			nodes = append(nodes, n)
		}
	}
	return nodes
}
