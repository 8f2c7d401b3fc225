package holdfast_test

import (
	"context"
	"errors"
	"testing"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast"
)

func TestCallsOfAClosedKitSaySoAtOnce(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	calls := map[string]endpoint.Endpoint{
		"bare": client(t, kit, "Get", &c),
		"with a kept answer": client(t, kit, "Get", &c, holdfast.Key(byRequest), holdfast.Default(func(context.Context, any, error) (any, error) {
			return "default", nil
		})),
	}
	for _, call := range calls {
		if _, err := call(t.Context(), "42"); err != nil {
			t.Fatal(err)
		}
	}
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
	for name, call := range calls {
		ctx, info := holdfast.WithInfo(t.Context())
		_, err := call(ctx, "42")
		var failed *holdfast.CallError
		if !errors.Is(err, holdfast.ErrClosed) || !errors.As(err, &failed) || failed.Attempts != 0 || info.Source != holdfast.SourceNone {
			t.Errorf("%s: got %v, want ErrClosed; info %+v", name, err, info)
		}
	}
	if n := c.calls.Load(); n != 2 {
		t.Errorf("%d calls went out, want the 2 before the end", n)
	}
}

func TestCallInFlightOutlivesClose(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	c := callees{hung: make(chan struct{})}
	c.failing(all(errHang))
	call := client(t, kit, "Get", &c)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error)
	go func() {
		_, err := call(ctx, "42")
		ended <- err
	}()
	<-c.hung
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
	if n := c.closed.Load(); n != 0 {
		t.Errorf("%d endpoints closed under a call", n)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the caller's own end", err)
	}
	if n := c.closed.Load(); n != 1 {
		t.Errorf("%d endpoints closed after the call, want 1", n)
	}
}
