package middleware

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

func TestRecoverMakesAPanicAnError(t *testing.T) {
	seen := new(recorder)
	response, err := Recover("endpoint orders/Get", seen)(func(context.Context, any) (any, error) { panic(io.ErrUnexpectedEOF) })(t.Context(), nil)

	var panicked *PanicError
	if response != nil || !errors.As(err, &panicked) {
		t.Fatalf("got %v, %v", response, err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(string(panicked.Stack), "TestRecoverMakesAPanicAnError") {
		t.Errorf("got %+v", panicked)
	}
	if got := policy.Classify(nil, err).Outcome; got != policy.Failed {
		t.Errorf("judged %v", got)
	}
	told := events[event.Panicked](seen)
	if len(told) != 1 || told[0].Where != "endpoint orders/Get" || told[0].Value != any(io.ErrUnexpectedEOF) || len(told[0].Stack) == 0 {
		t.Errorf("told %v", told)
	}
}

func TestRecoverWithoutAPanic(t *testing.T) {
	e := Recover("endpoint", nil)(noop)
	if response, err := e(t.Context(), nil); response != "answer" || err != nil {
		t.Errorf("got %v, %v", response, err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _ = e(context.Background(), nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestPanicErrorOfAnyValue(t *testing.T) {
	err := &PanicError{Value: 42}
	if errors.Unwrap(err) != nil || err.Error() != "middleware: endpoint panicked: 42" {
		t.Errorf("got %v", err)
	}
}

func BenchmarkRecover(b *testing.B) {
	e := Recover("endpoint", nil)(noop)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = e(ctx, nil)
	}
}
