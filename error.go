package holdfast

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/resolver"
)

// ErrClosed is returned by a Kit that has been closed, and by its clients.
var ErrClosed = errors.New("holdfast: kit is closed")

// CallError is the error of every call that got no answer. It wraps the last cause.
type CallError struct {
	Service, Method string
	Attempts        int            // begun, also one that an open breaker or an empty list ended
	Instance        string         // address that the last attempt was sent to, "" if it was not sent
	Outcome         policy.Outcome // verdict on the last attempt
	Err             error
}

func (e *CallError) Error() string {
	at := ""
	if e.Instance != "" {
		at = " at " + e.Instance
	}
	plural := "s"
	if e.Attempts == 1 {
		plural = ""
	}
	return fmt.Sprintf("holdfast: %s/%s: %s after %d attempt%s%s: %v", e.Service, e.Method, e.Outcome, e.Attempts, plural, at, e.Err)
}

func (e *CallError) Unwrap() error { return e.Err }

// Verdict is what a call that this one was a part of is judged by. That one may have done work of its own already, so that
// what would have been harmless to repeat here is a failure there.
func (e *CallError) Verdict() policy.Verdict {
	switch e.Outcome {
	case policy.NeverSent, policy.Throttled, policy.NoInstance:
		return policy.Verdict{Outcome: policy.Failed}
	default:
		return policy.Verdict{Outcome: e.Outcome}
	}
}

func callError(state *call.State, err error) error {
	verdict, judged := state.Verdict()
	if !judged {
		verdict = policy.Classify(nil, err)
	}
	if errors.Is(err, resolver.ErrClosed) {
		err = fmt.Errorf("%w: %w", ErrClosed, err)
	}
	return &CallError{
		Service: state.Service, Method: state.Method,
		Attempts: state.Attempt, Instance: state.Instance,
		Outcome: verdict.Outcome, Err: err,
	}
}
