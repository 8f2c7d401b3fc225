package hystrix

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
)

// hystrix-go's own two goroutines for each name never end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreTopFunction("github.com/afex/hystrix-go/hystrix.(*metricExchange).Monitor"),
		goleak.IgnoreTopFunction("github.com/afex/hystrix-go/hystrix.(*poolMetrics).Monitor"),
	)
}

const sleep = 50 * time.Millisecond

// eager opens after a few failures and probes soon.
var eager = policy.Breaker{RequestVolume: 5, ErrorPercent: 50, Sleep: sleep}

// changes keeps the states that a circuit went through.
type changes struct {
	mu   sync.Mutex
	list []string
}

func (c *changes) Observe(e event.Event) {
	c.mu.Lock()
	defer c.mu.Unlock()
	changed := e.(event.BreakerChanged)
	c.list = append(c.list, changed.From+" to "+changed.To)
}

func (c *changes) String() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return fmt.Sprint(c.list)
}

func open(t testing.TB, p policy.Breaker, opts ...Option) *Circuit {
	t.Helper()
	c := New("orders", "Get", p, opts...)
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// eventually waits, in real time because hystrix-go counts in the background, until the condition holds.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func admit(t testing.TB, c *Circuit) middleware.Ticket {
	t.Helper()
	ticket, ok := c.Allow()
	if !ok {
		t.Fatalf("denied while %s", c.State())
	}
	return ticket
}

// breakIt fails attempts until the circuit is open.
func breakIt(t testing.TB, c *Circuit) {
	t.Helper()
	for range eager.RequestVolume {
		if ticket, ok := c.Allow(); ok {
			c.Report(ticket, policy.Failed, time.Millisecond)
		}
	}
	opens(t, c)
}

func opens(t testing.TB, c *Circuit) {
	t.Helper()
	eventually(t, "it opens", func() bool {
		_, ok := c.Allow()
		return !ok
	})
}

// probe waits for the next attempt that may pass.
func probe(t testing.TB, c *Circuit) (ticket middleware.Ticket) {
	t.Helper()
	eventually(t, "a probe passes", func() (ok bool) {
		ticket, ok = c.Allow()
		return ok
	})
	return ticket
}
