package middleware

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recorder keeps the events that it is told.
type recorder struct {
	mu     sync.Mutex
	events []event.Event
}

func (r *recorder) Observe(e event.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.events = append(r.events, e)
}

func events[E event.Event](r *recorder) []E {
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []E
	for _, e := range r.events {
		if e, ok := e.(E); ok {
			found = append(found, e)
		}
	}
	return found
}

// judged is an error with the outcome that a test wants.
type judged policy.Verdict

func (j judged) Error() string           { return policy.Verdict(j).Outcome.String() }
func (j judged) Verdict() policy.Verdict { return policy.Verdict(j) }

func fail(o policy.Outcome) error { return judged{Outcome: o} }

func noop(context.Context, any) (any, error) { return "answer", nil }

func obedient(ctx context.Context, _ any) (any, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func takes(d time.Duration) func(context.Context, any) (any, error) {
	return func(context.Context, any) (any, error) {
		time.Sleep(d)
		return "answer", nil
	}
}
