package nacossdk

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
)

// declaration is what is declared of one service. naming's lock guards the first part; the second belongs to who reconciles
// it: naming's goroutine, or one of its own while busy.
type declaration struct {
	service registry.Service
	wanted  map[string]registry.Instance // by address
	latest  map[string]*change           // by address
	waiting []*change
	dirty   bool
	busy    bool
	epoch   uint64
	due     time.Time

	failures   int
	accepted   map[string]registry.Instance // what was wanted when the servers last took it
	published  map[string]registry.Instance // ephemeral, over this connection
	doubted    bool                         // the server does not list all that is published
	persistent map[string]registry.Instance
	leaving    map[place]bool               // taken back; perhaps still listed
	updated    map[string]registry.Instance // as they were before their last change, which the servers may have ignored
	repairs    map[string]repair            // by address
}

// change is one call of Register or Deregister whose outcome is not known yet.
type change struct {
	addr     string
	to       *registry.Instance // nil: taken back
	replaces bool               // what was declared before, and may be registered
	done     chan error
	cause    error // why it is not done yet
}

func (n *naming) register(ctx context.Context, s registry.Service, i registry.Instance) error {
	return n.declare(ctx, s, &change{addr: i.Addr, to: &i, done: make(chan error, 1)})
}

func (n *naming) deregister(ctx context.Context, s registry.Service, i registry.Instance) error {
	return n.declare(ctx, s, &change{addr: i.Addr, done: make(chan error, 1)})
}

func (n *naming) declare(ctx context.Context, s registry.Service, c *change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return registry.ErrClosed
	}
	d := n.declarations[s]
	if d == nil {
		d = &declaration{service: s, wanted: make(map[string]registry.Instance), latest: make(map[string]*change)}
		n.declarations[s] = d
	}
	before, known := d.wanted[c.addr]
	if !known && c.to == nil {
		n.mu.Unlock()
		return nil
	}
	c.replaces = known && (c.to == nil || !c.to.Equal(before))
	if c.to != nil {
		d.wanted[c.addr] = *c.to
	} else {
		delete(d.wanted, c.addr)
	}
	d.latest[c.addr] = c
	d.waiting = append(d.waiting, c)
	d.dirty, d.due = true, time.Time{}
	n.loop.rouse()
	n.mu.Unlock()
	return n.awaitOutcome(ctx, c)
}

// needsHTTP reports whether reconciling may use the servers' HTTP interface, which nobody else shall wait for. The lock is
// held.
func (d *declaration) needsHTTP() bool {
	if len(d.persistent)+len(d.updated) > 0 {
		return true
	}
	for _, i := range d.wanted {
		if i.Persistent {
			return true
		}
	}
	return false
}

// attend has a declaration reconciled.
func (n *naming) attend(d *declaration, state linkState) {
	n.mu.Lock()
	d.busy = d.needsHTTP()
	aside := d.busy
	n.mu.Unlock()
	if !aside {
		n.reconcile(d, state)
		return
	}
	n.work.Go(func() {
		n.reconcile(d, state)
		n.mu.Lock()
		d.busy = false
		n.mu.Unlock()
		n.loop.rouse()
		if n.link.ctx.Err() != nil {
			n.abandon(registry.ErrClosed) // nobody else may be there to do it
		}
	})
}

// reconcile makes the servers hold what is declared, or verifies that they do.
func (n *naming) reconcile(d *declaration, state linkState) {
	n.mu.Lock()
	if d.epoch != state.epoch {
		d.epoch, d.dirty = state.epoch, true
		d.published, d.doubted, d.leaving, d.updated, d.repairs = nil, false, nil, nil, nil
	}
	wanted, waiting, dirty := maps.Clone(d.wanted), d.waiting, d.dirty
	d.waiting, d.dirty = nil, false
	n.mu.Unlock()

	var err error
	doing := "register"
	if dirty {
		err = n.publish(d, wanted)
	} else {
		doing = "verify"
		err = n.verify(d, wanted)
	}
	if errors.Is(err, registry.ErrUnavailable) {
		n.postpone(d, err, waiting)
		waiting = nil
	}
	if err == nil && dirty {
		d.accepted = wanted
		if slices.ContainsFunc(waiting, func(c *change) bool { return c.replaces }) {
			n.link.forsake()
		}
	}
	n.plan(d, doing, err, waiting)
	for _, c := range waiting { // only now, so that who is told of a refusal may declare anew
		c.done <- err
	}
}

// postpone lets callers wait for the next attempt: their contexts bound that, or the news that there is no server.
func (n *naming) postpone(d *declaration, err error, waiting []*change) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range waiting {
		c.cause = err
	}
	d.waiting = append(waiting, d.waiting...)
}

// plan says when the declaration is looked at again.
func (n *naming) plan(d *declaration, doing string, err error, waiting []*change) {
	if errors.Is(err, registry.ErrClosed) {
		return
	}
	n.mu.Lock()
	var next time.Duration
	switch {
	case err == nil:
		d.failures = 0
		next = between(verifyEvery)
		if len(d.leaving)+len(d.updated)+len(d.repairs) > 0 {
			next = settleTime
		}
	case errors.Is(err, registry.ErrRefused):
		d.failures++
		next = within(refusedWait)
		for _, c := range waiting {
			if d.undo(c) {
				next = retryFloor // what is left may be welcome
			}
		}
		d.dirty = true
	default:
		d.failures++
		next = within(min(retryFloor<<min(d.failures, 8), retryWithin))
		d.dirty = true
	}
	if !d.dirty || err != nil { // else something has been declared meanwhile
		d.due = time.Now().Add(next)
	}
	if len(d.wanted) == 0 && !d.dirty && len(d.leaving) == 0 && len(d.waiting) == 0 {
		delete(n.declarations, d.service)
	}
	first := err != nil && d.failures == 1
	n.mu.Unlock()
	if first {
		n.observer.Observe(event.RegistryFailed{Doing: doing, Subject: d.service.String(), Cause: err})
	}
}

// undo takes back a refused change, unless another has followed it. The lock is held.
func (d *declaration) undo(c *change) bool {
	if c.to == nil || d.latest[c.addr] != c {
		return false
	}
	if before, ok := d.accepted[c.addr]; ok {
		d.wanted[c.addr] = before
	} else {
		delete(d.wanted, c.addr)
	}
	return true
}

// abandon answers those who wait for a server while there is none. What they declared stays declared.
func (n *naming) abandon(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, d := range n.declarations {
		for _, c := range d.waiting {
			c.done <- err
		}
		d.waiting = nil
	}
}
