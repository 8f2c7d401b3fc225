package holdfast_test

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast"
)

func TestCallsOfAClosedKitSaySoAtOnce(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	call := client(t, kit, "Get", &c)
	if _, err := call(t.Context(), "42"); err != nil {
		t.Fatal(err)
	}
	if err := kit.Close(); err != nil {
		t.Fatal(err)
	}
	_, err := call(t.Context(), "42")
	var failed *holdfast.CallError
	if !errors.Is(err, holdfast.ErrClosed) || !errors.As(err, &failed) {
		t.Fatalf("got %v, want ErrClosed", err)
	}
	if failed.Attempts != 1 || c.calls.Load() != 1 {
		t.Errorf("%d attempts, %d calls altogether", failed.Attempts, c.calls.Load())
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
