// Package hystrix is a breaker engine on github.com/afex/hystrix-go: its circuit and its ten-second rolling window,
// without its Do and Go, which would start two goroutines for every call.
package hystrix

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
)

// Circuit is the breaker of one method. It opens when at least RequestVolume attempts were reported within 10 s and
// ErrorPercent of them had failed. While it is open, one attempt passes in each Sleep as a probe, and a probe that
// succeeds closes it. What ended while it is counted shortly afterwards, not at once.
//
// A report counts only if the circuit has neither opened nor closed since the attempt was let pass, so that late answers
// from before an outage do not close it. The caller's cancellation is neutral: the next probe passes after
// another Sleep. If there was no instance to call, the report is ignored and the next attempt may probe at once.
//
// All methods are safe for concurrent use.
type Circuit struct {
	service, method string
	observer        event.Observer
	state           atomic.Value // string
	dropped         atomic.Uint64

	mu         sync.Mutex
	engine     *engine // nil once closed
	epoch      uint64  // grows whenever the circuit opens or closes
	probes     int     // under way in this epoch
	spareProbe bool    // one was let pass and came to nothing
}

var _ middleware.Circuit = (*Circuit)(nil)

// An Option is a collaborator of a Circuit.
type Option func(*Circuit)

// WithObserver says who is told when the circuit changes its state (event.BreakerChanged). It is called while the circuit
// is locked, so that the order is right: it may call State, but none of the other methods. Default: nobody.
func WithObserver(o event.Observer) Option {
	return func(c *Circuit) {
		if o != nil {
			c.observer = o
		}
	}
}

// New returns a closed circuit. Close it when it is no longer needed. p.Disabled is for the caller to obey. When it takes
// over what another Circuit has just been closed with, New waits until what that one reported in its last 50 ms has been
// counted, and the new one begins with one success counted.
func New(service, method string, p policy.Breaker, opts ...Option) *Circuit {
	c := &Circuit{service: service, method: method, observer: event.Discard{}, engine: engines.take()}
	c.state.Store(middleware.StateClosed)
	for _, o := range opts {
		o(c)
	}
	c.engine.configure(p)
	return c
}

// Configure changes the settings at once and keeps what was counted and the state.
func (c *Circuit) Configure(p policy.Breaker) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine != nil {
		c.engine.configure(p)
	}
}

// Close ends the counting; from now on everything may pass. hystrix-go never frees a name with its two goroutines, so
// they are kept for the next Circuit. Close may be called again and always returns nil.
func (c *Circuit) Close() error {
	if e := c.leave(); e != nil {
		engines.put(e)
	}
	return nil
}

func (c *Circuit) leave() *engine {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.engine
	c.engine = nil
	c.state.Store(middleware.StateClosed)
	return e
}

// State returns "closed", "open" or "half-open"; the last while a probe is under way.
func (c *Circuit) State() string { return c.state.Load().(string) }

// Dropped returns how many reports hystrix-go had no room for.
func (c *Circuit) Dropped() uint64 { return c.dropped.Load() }

// Allow reports whether an attempt may pass.
func (c *Circuit) Allow() (middleware.Ticket, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == nil {
		return 0, true
	}
	closed := c.State() == middleware.StateClosed
	if closed && !c.engine.blamed() || !c.engine.IsOpen() { // the only place where the engine opens
		return c.ticket(false), true
	}
	if closed {
		c.turn(middleware.StateOpen)
	}
	if !c.engine.AllowRequest() && !c.spareProbe { // asked first: a new sleep window has a probe of its own
		return 0, false
	}
	c.spareProbe = false
	c.probes++
	c.move(middleware.StateHalfOpen)
	return c.ticket(true), true
}

// Report says how an attempt ended and how long it took.
func (c *Circuit) Report(t middleware.Ticket, o policy.Outcome, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.engine == nil || epochOf(t) != c.epoch {
		return
	}
	counts := kindOf(o) != nil
	if counts && !c.engine.report(o, took) {
		c.dropped.Add(1)
	}
	switch {
	case !isProbe(t):
	case o.OK():
		c.turn(middleware.StateClosed)
	default:
		c.probes--
		c.spareProbe = c.spareProbe || !counts
		if c.probes == 0 {
			c.move(middleware.StateOpen)
		}
	}
}

// turn opens or closes, and makes worthless what is under way.
func (c *Circuit) turn(to string) {
	c.epoch++
	c.probes, c.spareProbe = 0, false
	c.move(to)
}

func (c *Circuit) move(to string) {
	from := c.state.Swap(to).(string)
	if from != to {
		c.observer.Observe(event.BreakerChanged{Service: c.service, Method: c.method, From: from, To: to})
	}
}

// A ticket is the epoch, and in its lowest bit whether the attempt is a probe.
func (c *Circuit) ticket(probe bool) middleware.Ticket {
	t := middleware.Ticket(c.epoch << 1)
	if probe {
		t |= 1
	}
	return t
}

func epochOf(t middleware.Ticket) uint64 { return uint64(t >> 1) }
func isProbe(t middleware.Ticket) bool   { return t&1 == 1 }
