package middleware

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/policy"
)

// PanicError is a panic that Recover made an error of. It wraps the value if that is an error.
type PanicError struct {
	Value any
	Stack []byte // as printed by runtime/debug
}

func (e *PanicError) Error() string { return fmt.Sprintf("middleware: endpoint panicked: %v", e.Value) }

// Unwrap returns the panic's value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Verdict is Failed.
func (e *PanicError) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.Failed} }

// Recover makes a panic of the endpoint a *PanicError and an event.Panicked, which gives where as the place. A panic
// of a goroutine that the endpoint started is beyond its reach. o may be nil.
func Recover(where string, o event.Observer) endpoint.Middleware {
	if o == nil {
		o = event.Discard{}
	}
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (response any, err error) {
			defer func() {
				if v := recover(); v != nil {
					stack := debug.Stack()
					o.Observe(event.Panicked{Where: where, Value: v, Stack: stack})
					response, err = nil, &PanicError{Value: v, Stack: stack}
				}
			}()
			return next(ctx, request)
		}
	}
}
