package hystrix

import (
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
)

func TestCircuitClosed(t *testing.T) {
	c := New("orders", "Get", eager)
	ticket := admit(t, c)
	breakIt(t, c)
	for range 2 {
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
	c.Configure(eager)
	c.Report(ticket, policy.Failed, 0)
	if _, ok := c.Allow(); !ok || c.State() != middleware.StateClosed {
		t.Errorf("%s, lets pass: %v", c.State(), ok)
	}
}

// A circuit that gets the name of a broken one knows nothing of it.
func TestCircuitBeginsAfresh(t *testing.T) {
	for _, leave := range []string{"open", "about to open"} {
		t.Run(leave, func(t *testing.T) {
			for range 3 {
				c := New("orders", "Get", eager)
				name := c.engine.Name
				for range 4 * eager.RequestVolume {
					if ticket, ok := c.Allow(); ok {
						c.Report(ticket, policy.Failed, time.Millisecond)
					}
				}
				if leave == "open" {
					opens(t, c)
				}
				_ = c.Close()

				var next *Circuit
				for next == nil || next.engine.Name != name {
					next = open(t, eager)
				}
				for range eager.RequestVolume - 2 {
					next.Report(admit(t, next), policy.Failed, time.Millisecond)
				}
				last := open(t, eager)
				breakIt(t, last)
				next.Report(admit(t, next), policy.Failed, time.Millisecond)
				for range eager.RequestVolume {
					if ticket, ok := next.Allow(); ok {
						next.Report(ticket, policy.Failed, time.Millisecond)
					}
				}
				opens(t, next)
			}
		})
	}
}

func TestCircuitsDoNotGrow(t *testing.T) {
	const together = 5
	var goroutines, made int
	for round := range 30 {
		var circuits []*Circuit
		for i := range together {
			c := New("orders", fmt.Sprint("Method", round, i), eager)
			c.Report(admit(t, c), policy.Failed, 0)
			circuits = append(circuits, c)
		}
		for _, c := range circuits {
			_ = c.Close()
		}
		if round == 0 {
			goroutines, made = runtime.NumGoroutine(), engines.made
		}
	}
	if engines.made != made {
		t.Errorf("%d names became %d", made, engines.made)
	}
	eventually(t, "the goroutines are as many as before", func() bool { return runtime.NumGoroutine() <= goroutines })
}

func TestCircuitCountsDroppedReports(t *testing.T) {
	c := open(t, policy.Breaker{RequestVolume: 1_000_000})
	ticket := admit(t, c)
	eventually(t, "the queue is full", func() bool {
		for range 10_000 {
			c.Report(ticket, policy.Success, 0)
		}
		return c.Dropped() > 0
	})
}
