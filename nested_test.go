package holdfast_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"testing"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/policy"
)

func fixed(e endpoint.Endpoint) func(string) (endpoint.Endpoint, io.Closer, error) {
	return func(string) (endpoint.Endpoint, io.Closer, error) { return e, nil, nil }
}

type judgedError policy.Outcome

func (e judgedError) Error() string           { return policy.Outcome(e).String() }
func (e judgedError) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.Outcome(e)} }

// What an endpoint tries on its own account, and gets over, says nothing of the call that it answers.
func TestStageWithinAnEndpointKeepsItsOwnAccount(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	attempts := 0
	lookup := middleware.Retry(policy.Retry{}, false)(func(context.Context, any) (any, error) {
		attempts++
		return nil, judgedError(policy.NeverSent)
	})
	writes := 0
	put, err := kit.Client("orders", "Put", fixed(func(ctx context.Context, request any) (any, error) {
		_, _ = lookup(ctx, request)
		writes++
		return "written", nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, info := holdfast.WithInfo(t.Context())
	answer, err := put(ctx, "42")
	if answer != "written" || err != nil || writes != 1 || info.Attempts != 1 || info.Instance == "" {
		t.Errorf("%v, %v after %d writes; info %+v", answer, err, writes, info)
	}
	if attempts != 3 {
		t.Errorf("%d attempts within the endpoint, want 3", attempts)
	}
}

// A call that was never sent may be repeated; what it was a part of may have done something before it.
func TestFailureOfAPartIsNotRepeatedWithTheWhole(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	for _, o := range []policy.Outcome{policy.NeverSent, policy.Throttled} {
		c.failing(all(judgedError(o)))
		stock := client(t, kit, "Stock", &c)
		charged := 0
		order := middleware.Retry(policy.Retry{}, false)(func(ctx context.Context, request any) (any, error) {
			charged++
			return stock(ctx, request)
		})
		if _, err := order(t.Context(), "42"); !errors.Is(err, judgedError(o)) || charged != 1 {
			t.Errorf("%v: charged %d times, %v", o, charged, err)
		}
	}
}

func TestInfoIsOfTheCallThatItWasMadeFor(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	c.failing(all(errors.New("boom")))
	inner := client(t, kit, "Inner", &c)
	outer, err := kit.Client("orders", "Outer", fixed(func(ctx context.Context, request any) (any, error) {
		var parts sync.WaitGroup
		for range 4 {
			parts.Go(func() { _, _ = inner(ctx, request) })
		}
		parts.Wait()
		return "whole", nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	ctx, info := holdfast.WithInfo(t.Context())
	for range 2 { // the second one is not what it was made for
		if _, err := outer(ctx, "42"); err != nil {
			t.Fatal(err)
		}
		if info.Source != holdfast.SourceLive || info.Attempts != 1 {
			t.Errorf("info %+v", info)
		}
	}
}
