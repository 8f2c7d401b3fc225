package middleware

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// The states of a Circuit.
const (
	StateClosed   = "closed"
	StateOpen     = "open"
	StateHalfOpen = "half-open"
)

// Circuit is a breaker engine: it decides whether attempts pass, by how earlier ones ended. It must be safe for
// concurrent use.
type Circuit interface {
	// Allow reports whether an attempt may pass. Every attempt that it lets pass is reported once.
	Allow() (Ticket, bool)

	// Report says how an attempt ended and how long it took.
	Report(Ticket, policy.Outcome, time.Duration)

	// State returns StateClosed, StateOpen or StateHalfOpen, without changing it.
	State() string
}

// Ticket is what a Circuit wants to know again with the report on an attempt that it let pass.
type Ticket uint64

// ErrOpen says that a breaker did not let an attempt pass. The error is an *OpenError.
var ErrOpen = errors.New("middleware: breaker is open")

// OpenError says whose breaker did not let an attempt pass. It is an ErrOpen.
type OpenError struct{ Service, Method string }

func (e *OpenError) Error() string {
	if e.Service == "" && e.Method == "" {
		return ErrOpen.Error()
	}
	return "middleware: breaker of " + e.Service + "/" + e.Method + " is open"
}

// Unwrap returns ErrOpen.
func (e *OpenError) Unwrap() error { return ErrOpen }

// Verdict is ShortCircuited.
func (e *OpenError) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.ShortCircuited} }

type breaker struct {
	circuit  Circuit
	classify policy.Classifier
}

// Breaker lets attempts pass as the circuit allows and reports to it how they ended; an attempt that may not pass fails
// with an *OpenError. A panic of the endpoint is reported as a failure and goes on.
func Breaker(c Circuit, opts ...BreakerOption) endpoint.Middleware {
	b := &breaker{circuit: c}
	for _, o := range opts {
		o.toBreaker(b)
	}
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) { return b.do(ctx, request, next) }
	}
}

func (b *breaker) do(ctx context.Context, request any, next endpoint.Endpoint) (any, error) {
	ctx, state := call.Ensure(ctx)
	ticket, ok := b.circuit.Allow()
	if !ok {
		err := &OpenError{Service: state.Service, Method: state.Method}
		state.Judge(ctx, nil, err, nil)
		return nil, err
	}
	start, outcome := time.Now(), policy.Failed // stays so if the endpoint panics
	defer func() { b.circuit.Report(ticket, outcome, time.Since(start)) }()

	response, err := next(ctx, request)
	outcome = state.Judge(ctx, response, err, b.classify).Outcome
	return response, err
}
