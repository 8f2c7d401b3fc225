package holdfast_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast"
)

// After the caller's deadline a kept answer still comes, without any I/O, and without one the caller's own error.
func TestCallAfterItsDeadline(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	var c callees
	call := client(t, kit, "Get", &c, holdfast.Key(byRequest))
	kept, err := call(t.Context(), "42")
	if err != nil {
		t.Fatal(err)
	}
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()

	ctx, info := holdfast.WithInfo(late)
	if answer, err := call(ctx, "42"); err != nil || answer != kept {
		t.Errorf("kept: %v, %v; want %v", answer, err, kept)
	}
	if info.Source != holdfast.SourceStale || info.Attempts != 0 || !errors.Is(info.Cause, context.DeadlineExceeded) {
		t.Errorf("kept: info %+v", info)
	}
	var failed *holdfast.CallError
	if _, err := call(late, "7"); !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &failed) || failed.Attempts != 0 {
		t.Errorf("unknown: %v", err)
	}
	if n := c.calls.Load(); n != 1 {
		t.Errorf("%d calls went out, want 1", n)
	}
}

// A callee that hangs past the caller's deadline is answered for by what was kept.
func TestDeadlineDuringACall(t *testing.T) {
	m := memory(t)
	m.Push(snapshot(addrs...))
	kit := open(t, idempotent(), m)
	c := callees{hung: make(chan struct{}, 3)}
	call := client(t, kit, "Get", &c, holdfast.Key(byRequest))
	kept, err := call(t.Context(), "42")
	if err != nil {
		t.Fatal(err)
	}
	c.failing(all(errHang))
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	ctx, info := holdfast.WithInfo(ctx)
	if answer, err := call(ctx, "42"); err != nil || answer != kept || info.Source != holdfast.SourceStale {
		t.Errorf("%v, %v, info %+v; want %v", answer, err, info, kept)
	}
}
