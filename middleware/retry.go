package middleware

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// maxRetryAfter is the longest wish of a callee that a call waits for, be its own time unbounded.
const maxRetryAfter = 30 * time.Second

type retry struct {
	max        int
	backoff    policy.Backoff
	idempotent bool
	budget     *Budget
	classify   policy.Classifier
	observer   event.Observer
}

// Retry repeats an attempt that failed, after a pause, when all of this holds:
//
//   - its outcome may be repeated, which for an ambiguous failure takes an idempotent method (policy.Outcome.Repeatable);
//   - there is an instance that this call has not tried, or the outcome is one after which the same may be tried again;
//   - p.Max retries have not been made yet;
//   - the pause, and an attempt after it, fit into the time that remains to ctx;
//   - the service's Budget has a token left; an event.BudgetExhausted tells when it has not.
//
// The pause is exponential with full jitter. A callee's own wish (policy.Verdict.RetryAfter) comes first and the jitter
// is added to it, so that its callers do not all return at once; one of more than 30 s ends the call. The wish of one
// instance does not bind the others: while there is one that was not tried, it is asked without waiting for that.
//
// The last attempt's response and error are returned as they are; when it got no further than an open breaker or an empty
// list of instances, the error wraps that of the attempt before, too. When the caller cancels, the error is a
// context.Canceled; when ctx ends within a pause, it is ctx's error; both wrap the last attempt's. A call whose ctx has ended
// already is refused with ctx's error, without an attempt.
//
// With p.Disabled there is one attempt; it still earns its service a part of a retry.
func Retry(p policy.Retry, idempotent bool, opts ...RetryOption) endpoint.Middleware {
	p = p.WithDefaults()
	r := &retry{max: p.Max, backoff: p.Backoff, idempotent: idempotent, observer: event.Discard{}}
	if p.Disabled.On() {
		r.max = 0
	}
	for _, o := range opts {
		o.toRetry(r)
	}
	if r.budget == nil {
		r.budget = NewBudget(policy.Budget{})
	}
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) { return r.do(ctx, request, next) }
	}
}

func (r *retry) do(ctx context.Context, request any, next endpoint.Endpoint) (any, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	ctx, state := call.Ensure(ctx)
	r.budget.deposit()
	var sent error // of the last attempt that an instance was chosen for
	for n := 1; ; n++ {
		state.Next()
		response, err := next(ctx, request)
		verdict := state.Judge(ctx, response, err, r.classify)
		switch verdict.Outcome {
		case policy.ShortCircuited, policy.NoInstance:
			r.giveBack(n, state)
			err = because(err, sent)
		case policy.AllTried:
			r.giveBack(n, state)
		default:
			sent = err
		}
		switch {
		case verdict.Outcome == policy.Canceled:
			return response, ended(ctx, err)
		case n > r.max || !verdict.Outcome.Repeatable(r.idempotent):
			return response, err
		case state.Alone && !verdict.Outcome.SameInstance():
			return response, err
		}
		if again, err := r.pause(ctx, state, n, verdict, err); !again {
			return response, err
		}
	}
}

// giveBack returns the token of a retry that reached nobody.
func (r *retry) giveBack(n int, s *call.State) {
	if n > 1 {
		r.budget.repay(s.Method)
	}
}

// pause waits before the n-th retry. When there is to be none, it returns the call's error.
func (r *retry) pause(ctx context.Context, s *call.State, n int, v policy.Verdict, cause error) (bool, error) {
	wish := v.RetryAfter
	if s.Instance != "" && !s.Alone {
		wish = 0 // of one instance, while another can be asked
	}
	delay := wish + jitter(r.backoff, n)
	if wish > maxRetryAfter || !fits(ctx, delay) {
		return false, cause
	}
	if !r.budget.draw(s.Method) {
		r.observer.Observe(event.BudgetExhausted{Service: s.Service, Method: s.Method, Cause: cause})
		return false, cause
	}
	if !sleep(ctx, delay) {
		r.budget.repay(s.Method)
		return false, ended(ctx, cause)
	}
	r.observer.Observe(event.Retried{Service: s.Service, Method: s.Method, Attempt: s.Attempt + 1, Delay: delay, Cause: cause})
	return true, nil
}

// ended makes err an error of ctx, if ctx has ended.
func ended(ctx context.Context, err error) error {
	end := ctx.Err()
	if end == nil || errors.Is(err, end) {
		return err
	}
	return because(end, err)
}

// because adds to an error what went wrong before, if anything did.
func because(err, before error) error {
	if err == nil || before == nil {
		return err
	}
	return fmt.Errorf("%w; last attempt: %w", err, before)
}
