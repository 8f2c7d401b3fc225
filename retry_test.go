package holdfast_test

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
)

func TestFailureIsRetriedElsewhereOnlyWhenDeclaredIdempotent(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	for method, attempts := range map[string]int{"Get": 3, "Put": 1} {
		var c callees
		c.failing(all(errors.New("boom")))
		ctx, info := holdfast.WithInfo(t.Context())
		_, err := client(t, kit, method, &c)(ctx, "42")
		var failed *holdfast.CallError
		if !errors.As(err, &failed) {
			t.Fatalf("%s: %v is no CallError", method, err)
		}
		if info.Attempts != attempts || failed.Attempts != attempts || int(c.calls.Load()) != attempts {
			t.Errorf("%s: %d attempts, error says %d, %d calls; want %d", method, info.Attempts, failed.Attempts, c.calls.Load(), attempts)
		}
	}
}

// With nobody else to ask, a failure that must not go to the same instance again ends the call at once: nothing is drawn from
// the budget, and what is told is the failure.
func TestServiceWithOneInstanceIsNotRetriedInVain(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs[0]))
	cfg := idempotent()
	cfg.Defaults.Breaker.Disabled = policy.True
	var retries atomic.Int64
	kit := open(t, cfg, m, holdfast.WithObserver(event.ObserverFunc(func(e event.Event) {
		switch e.(type) {
		case event.Retried, event.BudgetExhausted:
			retries.Add(1)
		}
	})))
	var c callees
	c.failing(all(context.DeadlineExceeded))
	call := client(t, kit, "Get", &c)
	const calls = 40
	for range calls {
		_, err := call(t.Context(), "42")
		var failed *holdfast.CallError
		if !errors.As(err, &failed) || failed.Outcome != policy.TimedOut || failed.Instance != addrs[0] || failed.Attempts != 1 {
			t.Fatalf("got %v", err)
		}
	}
	if c.calls.Load() != calls || retries.Load() != 0 {
		t.Errorf("%d attempts and %d retries for %d calls", c.calls.Load(), retries.Load(), calls)
	}
}

// An instance that wants to be left alone for a while does not keep a call from the others.
func TestThrottlingInstanceDoesNotHoldUpTheCall(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	c.failing(map[string]error{addrs[0]: &middleware.StatusError{Code: http.StatusServiceUnavailable, After: time.Minute}})
	call := client(t, kit, "Put", &c)
	for range 9 {
		if _, err := call(t.Context(), "42"); err != nil {
			t.Error(err)
		}
	}
	c.failing(all(&middleware.StatusError{Code: http.StatusServiceUnavailable, After: time.Minute}))
	ctx, info := holdfast.WithInfo(t.Context())
	if _, err := call(ctx, "42"); err == nil || info.Attempts != 3 {
		t.Errorf("%v after %d attempts, want a failure after one at each", err, info.Attempts)
	}
}
