package hystrix

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/afex/hystrix-go/hystrix"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
)

func TestCircuitOpensProbesAndCloses(t *testing.T) {
	seen := new(changes)
	c := open(t, eager, WithObserver(seen))
	if c.State() != middleware.StateClosed {
		t.Fatalf("begins %s", c.State())
	}
	breakIt(t, c)
	if c.State() != middleware.StateOpen {
		t.Fatalf("%s after failures", c.State())
	}
	ticket := probe(t, c)
	if c.State() != middleware.StateHalfOpen {
		t.Errorf("%s while it probes", c.State())
	}
	c.Report(ticket, policy.Failed, time.Millisecond)
	if c.State() != middleware.StateOpen {
		t.Errorf("%s after a probe failed", c.State())
	}
	c.Report(probe(t, c), policy.Success, time.Millisecond)
	if c.State() != middleware.StateClosed {
		t.Errorf("%s after a probe succeeded", c.State())
	}
	c.Report(admit(t, c), policy.Success, time.Millisecond)

	want := "[closed to open open to half-open half-open to open open to half-open half-open to closed]"
	if seen.String() != want {
		t.Errorf("told %v\nnot  %v", seen, want)
	}
}

func TestCircuitIsOpenedOnlyByTheCallee(t *testing.T) {
	for _, test := range []struct {
		outcome policy.Outcome
		opens   bool
	}{
		{policy.Success, false}, {policy.Refused, false}, {policy.Canceled, false}, {policy.NoInstance, false}, {policy.ShortCircuited, false},
		{policy.NeverSent, true}, {policy.Throttled, true}, {policy.TimedOut, true}, {policy.Failed, true},
	} {
		t.Run(test.outcome.String(), func(t *testing.T) {
			c, last := open(t, eager), open(t, eager)
			for range 2 * eager.RequestVolume {
				if ticket, ok := c.Allow(); ok {
					c.Report(ticket, test.outcome, time.Millisecond)
				}
			}
			if test.opens {
				opens(t, c)
				return
			}
			breakIt(t, last) // meanwhile the reports are counted
			if _, ok := c.Allow(); !ok {
				t.Error("it opened")
			}
		})
	}
}

func TestCircuitBelowItsVolume(t *testing.T) {
	c, last := open(t, eager), open(t, eager)
	for range eager.RequestVolume - 2 { // one success may be counted since the name's last use
		c.Report(admit(t, c), policy.Failed, time.Millisecond)
	}
	breakIt(t, last)
	admit(t, c)
}

// An answer from before the outage says nothing about the callee now.
func TestCircuitIgnoresLateReports(t *testing.T) {
	c := open(t, eager)
	early := admit(t, c)
	breakIt(t, c)
	c.Report(early, policy.Success, time.Second)
	if _, ok := c.Allow(); ok || c.State() != middleware.StateOpen {
		t.Errorf("%s after a late success", c.State())
	}
	slow := probe(t, c)
	c.Report(early, policy.Success, time.Second)
	if c.State() != middleware.StateHalfOpen {
		t.Errorf("%s after a late success while it probes", c.State())
	}
	c.Report(slow, policy.Success, time.Second)
	for range 2 * eager.RequestVolume {
		c.Report(early, policy.Failed, time.Second)
		c.Report(slow, policy.Failed, time.Second)
	}
	other := open(t, eager)
	breakIt(t, other)
	if _, ok := c.Allow(); !ok || c.State() != middleware.StateClosed {
		t.Errorf("%s after late failures", c.State())
	}
}

func TestCircuitProbesAgainAfterACancelledProbe(t *testing.T) {
	c := open(t, eager)
	breakIt(t, c)
	c.Report(probe(t, c), policy.Canceled, time.Millisecond)
	if c.State() != middleware.StateOpen {
		t.Errorf("%s after a cancelled probe", c.State())
	}
	c.Report(probe(t, c), policy.Success, time.Millisecond)
	if c.State() != middleware.StateClosed {
		t.Errorf("%s after the next", c.State())
	}
}

// A probe that found nobody to call has tested nothing, so the next attempt need not wait.
func TestCircuitProbesAtOnceAfterAProbeWithoutInstance(t *testing.T) {
	slow := eager
	slow.Sleep = time.Hour
	c := open(t, eager)
	breakIt(t, c)
	ticket := probe(t, c)
	c.Configure(slow)
	c.Report(ticket, policy.NoInstance, time.Millisecond)
	if c.State() != middleware.StateOpen {
		t.Errorf("%s after it", c.State())
	}
	ticket = admit(t, c)
	if _, ok := c.Allow(); ok {
		t.Error("two pass")
	}
	c.Report(ticket, policy.Success, time.Millisecond)
	if c.State() != middleware.StateClosed {
		t.Errorf("%s after the next", c.State())
	}
}

// The probe that came to nothing may be made up for, but not beside that of the next sleep window.
func TestCircuitDoesNotSaveUpProbes(t *testing.T) {
	c := open(t, eager)
	breakIt(t, c)
	c.Report(probe(t, c), policy.NoInstance, time.Millisecond)
	time.Sleep(2 * sleep) // the next window has begun
	slow := eager
	slow.Sleep = time.Hour
	admit(t, c)
	c.Configure(slow)
	if _, ok := c.Allow(); ok {
		t.Error("two pass at once")
	}
}

// Probes that take longer than the sleep window must not keep each other from closing the circuit.
func TestCircuitWithSlowProbes(t *testing.T) {
	c := open(t, eager)
	breakIt(t, c)
	first, second, third := probe(t, c), probe(t, c), probe(t, c)
	c.Report(third, policy.Failed, time.Second)
	if c.State() != middleware.StateHalfOpen {
		t.Errorf("%s while two probes are under way", c.State())
	}
	c.Report(first, policy.Success, time.Second)
	if c.State() != middleware.StateClosed {
		t.Errorf("%s after one succeeded", c.State())
	}
	c.Report(second, policy.Failed, time.Second)
	if c.State() != middleware.StateClosed {
		t.Errorf("%s after a probe of before", c.State())
	}
}

func TestCircuitLetsOneProbePassPerSleep(t *testing.T) {
	c := open(t, eager)
	breakIt(t, c)
	start := time.Now()
	var passed atomic.Int64
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for time.Since(start) < 5*sleep {
				if ticket, ok := c.Allow(); ok {
					passed.Add(1)
					c.Report(ticket, policy.Failed, 0)
				}
				runtime.Gosched()
			}
		})
	}
	all.Wait()
	if most := int64(time.Since(start)/sleep) + 1; passed.Load() > most || passed.Load() == 0 {
		t.Errorf("%d passed in %v", passed.Load(), time.Since(start))
	}
}

func TestCircuitConfigureIsLive(t *testing.T) {
	patient := policy.Breaker{RequestVolume: 1000}
	c := open(t, patient)
	for range eager.RequestVolume {
		c.Report(admit(t, c), policy.Failed, time.Millisecond)
	}
	c.Configure(eager)
	opens(t, c)
	if c.State() != middleware.StateOpen {
		t.Errorf("%s after it", c.State())
	}
	c.Configure(patient)
	if c.State() != middleware.StateOpen {
		t.Error("new settings closed it")
	}
}

func TestCircuitSleepBelowAMillisecond(t *testing.T) {
	c := open(t, policy.Breaker{Sleep: time.Microsecond})
	if sleeps := hystrix.GetCircuitSettings()[c.engine.Name].SleepWindow; sleeps != time.Millisecond {
		t.Errorf("it sleeps %v, which would be the default if it were 0", sleeps)
	}
}

func TestCircuitConcurrently(t *testing.T) {
	c := open(t, policy.Breaker{RequestVolume: 5, Sleep: time.Millisecond}, WithObserver(new(changes)))
	outcomes := []policy.Outcome{policy.Failed, policy.Failed, policy.TimedOut, policy.Success, policy.Canceled, policy.NoInstance}
	var all sync.WaitGroup
	for g := range 4 {
		all.Go(func() {
			for i := range 2000 {
				if ticket, ok := c.Allow(); ok {
					c.Report(ticket, outcomes[(g+i)%len(outcomes)], time.Millisecond)
				}
				_ = c.State()
				if i%100 == 0 {
					c.Configure(eager)
				}
			}
		})
	}
	all.Wait()
	for c.State() != middleware.StateClosed {
		c.Report(probe(t, c), policy.Success, 0)
	}
}

// Under the middlewares a broken callee is left alone and found again.
func TestCircuitInAChain(t *testing.T) {
	var broken atomic.Bool
	var attempts atomic.Int64
	broken.Store(true)
	get := middleware.Retry(policy.Retry{Disabled: policy.True}, true)(middleware.Breaker(open(t, eager))(
		func(context.Context, any) (any, error) {
			attempts.Add(1)
			if broken.Load() {
				return nil, errors.New("broken")
			}
			return "answer", nil
		}))
	invoke := func() error {
		ctx, _ := call.Enter(t.Context(), "orders", "Get")
		_, err := get(ctx, nil)
		return err
	}
	eventually(t, "the breaker opens", func() bool { return errors.Is(invoke(), middleware.ErrOpen) })
	before, start := attempts.Load(), time.Now()
	for time.Since(start) < 3*sleep {
		if invoke() == nil {
			t.Fatal("a broken callee answers")
		}
	}
	if got, most := attempts.Load()-before, int64(time.Since(start)/sleep)+1; got > most {
		t.Errorf("%d attempts while it is open, at most %d", got, most)
	}
	broken.Store(false)
	eventually(t, "the breaker closes", func() bool { return invoke() == nil })
}

func BenchmarkCircuit(b *testing.B) {
	b.Run("closed", func(b *testing.B) {
		c := open(b, policy.Breaker{})
		b.ReportAllocs()
		for b.Loop() {
			ticket, _ := c.Allow()
			c.Report(ticket, policy.Success, time.Millisecond)
		}
	})
	b.Run("open", func(b *testing.B) {
		c := open(b, policy.Breaker{RequestVolume: 5})
		breakIt(b, c)
		b.ReportAllocs()
		for b.Loop() {
			if _, ok := c.Allow(); ok {
				b.Fatal("let pass")
			}
		}
	})
}
