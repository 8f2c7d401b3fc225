package holdfast_test

import (
	"errors"
	"sync/atomic"
	"testing"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

func TestPanicOfAClassifierLeavesTheVerdictToTheDefault(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	var panics atomic.Int64
	kit := open(t, idempotent(), m, holdfast.WithObserver(event.ObserverFunc(func(e event.Event) {
		if _, ok := e.(event.Panicked); ok {
			panics.Add(1)
		}
	})))
	var c callees
	call := client(t, kit, "Get", &c, holdfast.Classify(func(response any, _ error) policy.Verdict {
		return policy.Verdict{Outcome: response.(policy.Outcome)}
	}))
	if _, err := call(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	if n := panics.Load(); n != 1 {
		t.Errorf("%d panics reported, want 1", n)
	}
	c.failing(all(errors.New("boom")))
	ctx, info := holdfast.WithInfo(t.Context())
	if _, err := call(ctx, "42"); err == nil || info.Attempts != 3 {
		t.Errorf("%v after %d attempts, want a failure after 3", err, info.Attempts)
	}
}
