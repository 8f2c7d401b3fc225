package middleware

import (
	"context"
	"errors"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

func TestTimeoutEndsTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		_, err := Timeout(time.Second)(obedient)(t.Context(), nil)

		if took := time.Since(start); took != time.Second {
			t.Errorf("took %v", took)
		}
		var timeout *TimeoutError
		if !errors.As(err, &timeout) || timeout.After != time.Second {
			t.Fatalf("got %v", err)
		}
		if !errors.Is(err, context.DeadlineExceeded) || !os.IsTimeout(err) {
			t.Errorf("%v is no deadline error", err)
		}
		if got := policy.Classify(nil, err).Outcome; got != policy.TimedOut {
			t.Errorf("judged %v", got)
		}
	})
}

func TestTimeoutKeepsTheLastCause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("connection reset")
		_, err := Timeout(time.Second)(func(ctx context.Context, _ any) (any, error) {
			<-ctx.Done()
			return nil, cause
		})(t.Context(), nil)
		if !errors.Is(err, cause) || !errors.Is(err, context.DeadlineExceeded) {
			t.Fatalf("got %v", err)
		}
		if want := "middleware: timed out after 1s: connection reset"; err.Error() != want {
			t.Errorf("reads %q, not %q", err, want)
		}
	})
}

func TestTimeoutLetsTheCallersOwnEndThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var timeout *TimeoutError

		sooner, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := Timeout(time.Second)(obedient)(sooner, nil)
		if err != context.DeadlineExceeded { //nolint:errorlint // it must be the very error
			t.Errorf("after the caller's deadline: %v", err)
		}

		later, cancel := context.WithTimeout(t.Context(), time.Minute)
		time.AfterFunc(time.Millisecond, cancel)
		_, err = Timeout(time.Second)(obedient)(later, nil)
		if err != context.Canceled { //nolint:errorlint // it must be the very error
			t.Errorf("after the caller's cancellation: %v", err)
		}

		failing := errors.New("failing")
		_, err = Timeout(time.Second)(func(context.Context, any) (any, error) { return nil, failing })(t.Context(), nil)
		if !errors.Is(err, failing) || errors.As(err, &timeout) {
			t.Errorf("before the deadline: %v", err)
		}
	})
}

func TestTimeoutsNest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, err := Timeout(time.Second)(Timeout(10*time.Millisecond)(obedient))(t.Context(), nil)
		var timeout *TimeoutError
		if !errors.As(err, &timeout) || timeout.After != 10*time.Millisecond {
			t.Errorf("the try's own: %v", err)
		}
		_, err = Timeout(10*time.Millisecond)(Timeout(time.Second)(obedient))(t.Context(), nil)
		if !errors.As(err, &timeout) || timeout.After != 10*time.Millisecond {
			t.Errorf("the call's: %v", err)
		}
	})
}

func TestTimeoutCountsAnEndpointThatIgnoresIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := new(recorder)
		ctx, _ := call.Enter(t.Context(), "orders", "Get")
		late := Timeout(time.Second, WithObserver(seen))

		response, err := late(takes(3*time.Second))(ctx, nil)
		if response != "answer" || err != nil {
			t.Errorf("a late answer: %v, %v", response, err)
		}
		want := event.Overrun{Service: "orders", Method: "Get", Timeout: time.Second, Took: 3 * time.Second}
		if got := events[event.Overrun](seen); len(got) != 1 || got[0] != want {
			t.Fatalf("told %v", got)
		}
		if _, err := late(obedient)(ctx, nil); err == nil {
			t.Fatal("no error")
		}
		if _, err := late(takes(time.Millisecond))(ctx, nil); err != nil {
			t.Fatal(err)
		}
		if got := events[event.Overrun](seen); len(got) != 1 {
			t.Errorf("told of an obedient endpoint: %v", got)
		}
	})
}

func TestTimeoutCountsAnEndpointThatIgnoresTheCallersDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen := new(recorder)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, _ = Timeout(time.Second, WithObserver(seen))(takes(600*time.Millisecond))(ctx, nil)
		want := event.Overrun{Timeout: 100 * time.Millisecond, Took: 600 * time.Millisecond}
		if got := events[event.Overrun](seen); len(got) != 1 || got[0] != want {
			t.Errorf("told %v", got)
		}

		seen = new(recorder)
		nested := Timeout(time.Second, WithObserver(seen))(Timeout(time.Minute, WithObserver(seen))(takes(3 * time.Second)))
		_, _ = nested(t.Context(), nil)
		if got := events[event.Overrun](seen); len(got) != 1 {
			t.Errorf("told of one call %v", got)
		}
	})
}

func TestTimeoutOfZeroDoesNothing(t *testing.T) {
	for _, d := range []time.Duration{0, -time.Second} {
		_, err := Timeout(d)(func(ctx context.Context, _ any) (any, error) {
			if _, ok := ctx.Deadline(); ok {
				t.Errorf("Timeout(%v) sets a deadline", d)
			}
			return nil, nil
		})(t.Context(), nil)
		if err != nil {
			t.Error(err)
		}
	}
}

func BenchmarkTimeout(b *testing.B) {
	e := Timeout(time.Second)(noop)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		_, _ = e(ctx, nil)
	}
}
