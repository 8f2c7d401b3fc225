package main

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
)

// call is how one call went.
type call struct {
	id       string
	began    time.Time
	took     time.Duration
	source   holdfast.Source
	attempts int // that reached an instance
	retries  int // that were made, whether or not they reached one
	err      error
}

// period is what was seen in one phase. A call belongs to the phase in which it began.
type period struct {
	name         string
	fault        bool // a provider's
	began, ended time.Time
	nodesUp      int
	source       registry.Source // of the list, at the end
	underWay     sync.WaitGroup

	mu    sync.Mutex // guards calls while some are under way
	calls []call
}

// breakerChange is a change of the breaker's state.
type breakerChange struct {
	at time.Time
	to string
}

// recorder writes down all that happens, for the promises to be judged by.
type recorder struct {
	mu       sync.Mutex
	periods  []*period
	attempts []time.Time // that reached an instance
	breaker  []breakerChange
}

// turn ends the present period and begins the next.
func (r *recorder) turn(name string, fault bool) *period {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end()
	p := &period{name: name, fault: fault, began: time.Now()}
	r.periods = append(r.periods, p)
	return p
}

// close ends the last period.
func (r *recorder) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end()
}

func (r *recorder) end() {
	if n := len(r.periods); n > 0 {
		r.periods[n-1].ended = time.Now()
	}
}

// enter makes a call part of the present period until it is recorded.
func (r *recorder) enter() *period {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.periods[len(r.periods)-1]
	p.underWay.Add(1)
	return p
}

// add records a call that entered p.
func (p *period) add(c call) {
	p.mu.Lock()
	p.calls = append(p.calls, c)
	p.mu.Unlock()
	p.underWay.Done()
}

// tally counts the calls so far.
func (p *period) tally() tally {
	p.mu.Lock()
	defer p.mu.Unlock()
	return tallyOf(p.calls)
}

// Observe notes what the breaker does.
func (r *recorder) Observe(e event.Event) {
	if changed, ok := e.(event.BreakerChanged); ok {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.breaker = append(r.breaker, breakerChange{at: time.Now(), to: changed.To})
	}
}

type attemptsKey struct{}

// withAttempts lets counting count the attempts of one call in n.
func withAttempts(ctx context.Context, n *int) context.Context {
	return context.WithValue(ctx, attemptsKey{}, n)
}

// counting notes each attempt that reaches the transport of an instance.
func (r *recorder) counting(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		if n, ok := ctx.Value(attemptsKey{}).(*int); ok {
			*n++
		}
		r.mu.Lock()
		r.attempts = append(r.attempts, time.Now())
		r.mu.Unlock()
		return next(ctx, request)
	}
}

// tally is a row of the report.
type tally struct {
	calls, ok, retried, stale, byDefault, failed int
	attempts                                     int
	p50, p99                                     time.Duration
}

func tallyOf(calls []call) tally {
	t := tally{calls: len(calls)}
	took := make([]time.Duration, 0, len(calls))
	for _, c := range calls {
		switch {
		case c.err != nil:
			t.failed++
		case c.source == holdfast.SourceStale:
			t.stale++
		case c.source == holdfast.SourceDefault:
			t.byDefault++
		default:
			t.ok++
		}
		t.retried += c.retries
		t.attempts += c.attempts
		took = append(took, c.took)
	}
	if len(took) > 0 {
		slices.Sort(took)
		t.p50, t.p99 = took[len(took)/2], took[len(took)*99/100]
	}
	return t
}
