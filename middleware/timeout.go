package middleware

import (
	"context"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// overrunGrace is how late an endpoint may return before that counts as an overrun: more than scheduling takes.
const overrunGrace = 50 * time.Millisecond

// TimeoutError says that a Timeout ended a call or a try. errors.Is(err, context.DeadlineExceeded) holds.
type TimeoutError struct {
	After time.Duration
	Err   error // what the endpoint returned then
}

func (e *TimeoutError) Error() string {
	text := "middleware: timed out after " + e.After.String()
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Is makes the error a context.DeadlineExceeded, whatever the endpoint made of that.
func (e *TimeoutError) Is(target error) bool {
	return target == context.DeadlineExceeded
}

// Unwrap returns what the endpoint returned.
func (e *TimeoutError) Unwrap() error { return e.Err }

// Timeout is true, for os.IsTimeout and its like.
func (e *TimeoutError) Timeout() bool { return true }

// Verdict is TimedOut.
func (e *TimeoutError) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.TimedOut} }

type timeout struct {
	after    time.Duration
	expired  error // the cause by which this middleware knows its own expiry
	observer event.Observer
}

// Timeout cancels the context of a call, or of one try of it, after d; d ≤ 0 does nothing. An error that the endpoint
// then returns becomes a *TimeoutError that wraps it. The caller's own cancellation or earlier deadline pass through as
// themselves.
//
// No goroutine is started: an endpoint that ignores its context holds the caller up, and its late answer is
// still returned. An event.Overrun counts that, also when it was the caller's own deadline that it ignored. As the context ends when the endpoint returns, a response must not go on
// reading from it, as one made with go-kit's BufferedStream does.
func Timeout(d time.Duration, opts ...TimeoutOption) endpoint.Middleware {
	t := &timeout{after: d, expired: &TimeoutError{After: d}, observer: event.Discard{}}
	for _, o := range opts {
		o.toTimeout(t)
	}
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		if d <= 0 {
			return next
		}
		return func(ctx context.Context, request any) (any, error) { return t.do(ctx, request, next) }
	}
}

func (t *timeout) do(ctx context.Context, request any, next endpoint.Endpoint) (any, error) {
	start := time.Now()
	end := start.Add(t.after)
	if earlier, ok := ctx.Deadline(); ok && !earlier.After(end) {
		response, err := next(ctx, request)
		if _, above := context.Cause(ctx).(*TimeoutError); !above { //nolint:errorlint // a Timeout above reports its own
			t.check(ctx, earlier.Sub(start), time.Since(start))
		}
		return response, err
	}
	limited, cancel := context.WithDeadlineCause(ctx, end, t.expired)
	defer cancel()

	response, err := next(limited, request)
	if limited.Err() == nil || context.Cause(limited) != t.expired { //nolint:errorlint // its own expiry, no other
		return response, err
	}
	t.check(ctx, t.after, time.Since(start))
	if err != nil {
		err = &TimeoutError{After: t.after, Err: err}
	}
	return response, err
}

// check reports an endpoint that took longer than it was given.
func (t *timeout) check(ctx context.Context, given, took time.Duration) {
	if took <= max(0, given)+overrunGrace {
		return
	}
	e := event.Overrun{Timeout: given, Took: took}
	if s := call.From(ctx); s != nil {
		e.Service, e.Method = s.Service, s.Method
	}
	t.observer.Observe(e)
}
