package middleware

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

type report struct {
	ticket  Ticket
	outcome policy.Outcome
	took    time.Duration
}

type fakeCircuit struct {
	deny    bool
	reports []report
}

func (f *fakeCircuit) Allow() (Ticket, bool) { return 7, !f.deny }
func (f *fakeCircuit) State() string         { return StateClosed }
func (f *fakeCircuit) Report(t Ticket, o policy.Outcome, d time.Duration) {
	f.reports = append(f.reports, report{t, o, d})
}

func TestBreakerReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := new(fakeCircuit)
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		for _, test := range []struct {
			ctx  context.Context
			err  error
			want policy.Outcome
		}{
			{t.Context(), nil, policy.Success},
			{t.Context(), &StatusError{Code: 404}, policy.Refused},
			{t.Context(), &StatusError{Code: 500}, policy.Failed},
			{t.Context(), &TimeoutError{}, policy.TimedOut},
			{t.Context(), fail(policy.NoInstance), policy.NoInstance},
			{cancelled, errors.New("connection reset"), policy.Canceled},
		} {
			c.reports = nil
			_, err := Breaker(c)(func(context.Context, any) (any, error) {
				time.Sleep(time.Second)
				return nil, test.err
			})(test.ctx, nil)
			if !errors.Is(err, test.err) {
				t.Errorf("%v became %v", test.err, err)
			}
			if want := (report{7, test.want, time.Second}); len(c.reports) != 1 || c.reports[0] != want {
				t.Errorf("%v reported as %v, not %v", test.err, c.reports, want)
			}
		}
	})
}

func TestBreakerUsesTheClassifierUnlessJudged(t *testing.T) {
	c := new(fakeCircuit)
	classify := func(response any, _ error) policy.Verdict {
		if response == "answer" {
			return policy.Verdict{Outcome: policy.Failed}
		}
		return policy.Verdict{}
	}
	if _, err := Breaker(c, WithClassifier(classify))(noop)(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if c.reports[0].outcome != policy.Failed {
		t.Errorf("reported %v", c.reports)
	}
}

func TestBreakerOpen(t *testing.T) {
	c := &fakeCircuit{deny: true}
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	misjudge := func(any, error) policy.Verdict { return policy.Verdict{Outcome: policy.NeverSent} }
	_, err := Breaker(c, WithClassifier(misjudge))(noop)(ctx, nil)

	var open *OpenError
	if !errors.Is(err, ErrOpen) || !errors.As(err, &open) || open.Service != "orders" || open.Method != "Get" {
		t.Fatalf("got %v", err)
	}
	if want := "middleware: breaker of orders/Get is open"; err.Error() != want {
		t.Errorf("reads %q, not %q", err, want)
	}
	if v, ok := state.Verdict(); !ok || v.Outcome != policy.ShortCircuited {
		t.Errorf("judged %v %v", v, ok)
	}
	if got := policy.Classify(nil, err).Outcome; got != policy.ShortCircuited {
		t.Errorf("classified %v", got)
	}
	if len(c.reports) != 0 {
		t.Errorf("reported %v", c.reports)
	}
	if _, err := Breaker(c)(noop)(t.Context(), nil); err.Error() != ErrOpen.Error() {
		t.Errorf("without a name it reads %q", err)
	}
}

func TestBreakerReportsAPanic(t *testing.T) {
	c := new(fakeCircuit)
	_, err := Recover("endpoint", nil)(Breaker(c)(func(context.Context, any) (any, error) { panic("broken") }))(t.Context(), nil)
	if err == nil || len(c.reports) != 1 || c.reports[0].outcome != policy.Failed {
		t.Errorf("%v, reported %v", err, c.reports)
	}
}

// countless is a circuit that keeps nothing.
type countless struct{}

func (countless) Allow() (Ticket, bool)                        { return 0, true }
func (countless) State() string                                { return StateClosed }
func (countless) Report(Ticket, policy.Outcome, time.Duration) {}

func TestBreakerDoesNotAllocate(t *testing.T) {
	ctx, _ := call.Enter(t.Context(), "orders", "Get")
	get := Breaker(countless{})(noop)
	if n := testing.AllocsPerRun(100, func() { _, _ = get(ctx, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkBreaker(b *testing.B) {
	ctx, _ := call.Enter(b.Context(), "orders", "Get")
	get := Breaker(countless{})(noop)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = get(ctx, nil)
	}
}
