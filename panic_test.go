package holdfast_test

import (
	"context"
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

// code is an error as applications write them: its methods panic when it is a nil pointer.
type code struct{ status int }

func (c *code) Error() string   { return "status" }
func (c *code) StatusCode() int { return c.status }

// answer is a response with an error of its own, likewise.
type answer struct{ err error }

func (a *answer) Failed() error { return a.err }

// Whatever an application's code does on the way of a call, its caller gets an answer or an error.
func TestNoPanicReachesTheCaller(t *testing.T) {
	var noCode *code
	var noAnswer *answer
	for name, c := range map[string]struct {
		response any
		err      error
		opts     []holdfast.ClientOption
		fails    bool
	}{
		"the error's methods": {err: noCode, fails: true},
		"the error's methods, after the classifier": {err: noCode, fails: true, opts: []holdfast.ClientOption{
			holdfast.Classify(func(any, error) policy.Verdict { panic("classifier") }),
		}},
		"the response's methods": {response: noAnswer, opts: []holdfast.ClientOption{holdfast.Key(byRequest)}},
		"an outcome that there is not": {err: judgedError(42), fails: true, opts: []holdfast.ClientOption{
			holdfast.Classify(func(any, error) policy.Verdict { return policy.Verdict{Outcome: 42} }),
		}},
		"an error with an outcome that there is not": {err: judgedError(42), fails: true},
	} {
		t.Run(name, func(t *testing.T) {
			m := memory(t)
			m.Push(snapshot(addrs...))
			kit := open(t, idempotent(), m)
			call, err := kit.Client("orders", "Put", fixed(func(context.Context, any) (any, error) { return c.response, c.err }), c.opts...)
			if err != nil {
				t.Fatal(err)
			}
			response, err := call(t.Context(), "42")
			var failed *holdfast.CallError
			if errors.As(err, &failed) != c.fails || c.fails && failed.Outcome != policy.Failed {
				t.Errorf("%v, %v", response, err)
			}
		})
	}
}
