package hystrix

import (
	"strconv"
	"sync"
	"time"

	"github.com/afex/hystrix-go/hystrix"

	"github.com/holdfast-go/holdfast/policy"
)

// The kinds of event that hystrix-go knows and is told. It compares them as they are, and keeps the slice.
var (
	success  = []string{"success"}
	failure  = []string{"failure"}
	timedOut = []string{"timeout"}
	canceled = []string{"context_canceled"} // counts as an attempt, not as an error
)

// kindOf returns nil for what says nothing about the callee.
func kindOf(o policy.Outcome) []string {
	switch {
	case o.OK():
		return success
	case o == policy.Canceled:
		return canceled
	case o == policy.TimedOut:
		return timedOut
	case o.BlamesService():
		return failure
	default:
		return nil
	}
}

// engine is a hystrix-go circuit under a name of its own. Names, with their settings and goroutines, are global
// to the process and never freed.
type engine struct {
	*hystrix.CircuitBreaker
	reported time.Time // when the last report was made
	blame    time.Time // when the last error was reported; zero if none is in the window
}

// window is by when hystrix-go has forgotten what it counted: ten seconds, and the one under way.
const window = 11 * time.Second

// blamed reports whether the window can hold an error. While it cannot, a closed engine stays closed and need not be
// asked, which would sum up the window's seconds.
func (e *engine) blamed() bool {
	if !e.blame.IsZero() && time.Since(e.blame) > window {
		e.blame = time.Time{}
	}
	return !e.blame.IsZero()
}

func (e *engine) configure(p policy.Breaker) {
	p = p.WithDefaults()
	hystrix.ConfigureCommand(e.Name, hystrix.CommandConfig{
		RequestVolumeThreshold: p.RequestVolume,
		ErrorPercentThreshold:  p.ErrorPercent,
		SleepWindow:            int(max(p.Sleep, time.Millisecond) / time.Millisecond), // 0 would mean its default
	})
}

// report returns false when hystrix-go dropped the report: it counts in the background, from a queue of 2,000.
func (e *engine) report(o policy.Outcome, took time.Duration) bool {
	e.reported = time.Now()
	if o.BlamesService() {
		e.blame = e.reported
	}
	return e.ReportEvent(kindOf(o), e.reported.Add(-took), took) == nil
}

// settled is by when hystrix-go has counted what it was told, with much to spare.
const settled = 50 * time.Millisecond

// reset makes a used engine closed and empty, but for one success that counts for the next ten seconds: a circuit
// closes and forgets when it is told of a success while it is open, and in no other way.
func (e *engine) reset() {
	if e.reported.IsZero() {
		return
	}
	time.Sleep(time.Until(e.reported.Add(settled)))
	hystrix.ConfigureCommand(e.Name, hystrix.CommandConfig{
		RequestVolumeThreshold: 1,
		ErrorPercentThreshold:  -1, // no share of errors is healthy
	})
	if e.IsOpen() {
		e.report(policy.Success, 0)
	}
}

// pool keeps the engines that no Circuit uses, as they were left, so that opening and closing circuits makes no more of
// them than are in use at a time.
type pool struct {
	mu   sync.Mutex
	made int
	free []*engine // the longest unused first
}

// engines is package-level state because hystrix-go's names are.
var engines pool

// take returns an engine without a past.
func (p *pool) take() *engine {
	e := p.next()
	e.reset()
	return e
}

func (p *pool) next() *engine {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.free) > 0 {
		e := p.free[0]
		p.free = append(p.free[:0], p.free[1:]...)
		return e
	}
	p.made++
	circuit, _, _ := hystrix.GetCircuit("holdfast/" + strconv.Itoa(p.made)) // its error is always nil
	return &engine{CircuitBreaker: circuit}
}

func (p *pool) put(e *engine) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = append(p.free, e)
}
