package holdfast

import (
	"context"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/internal/call"
)

// Source says how an answer came about.
type Source string

// The sources.
const (
	SourceNone    Source = call.SourceNone    // there was no answer
	SourceLive    Source = call.SourceLive    // the callee answered this call
	SourceStale   Source = call.SourceStale   // an earlier answer was kept
	SourceDefault Source = call.SourceDefault // the configured default
)

// Info says how one answer came about. It is valid once the endpoint has returned.
type Info struct {
	Source   Source
	Age      time.Duration // of a stale answer
	Cause    error         // why the answer is not live
	Attempts int           // attempts begun, also one that an open breaker or an empty list ended; 0 when none was
	Instance string        // address that the last attempt was sent to, "" if it was not sent
}

type infoKey struct{}

// WithInfo returns a context for one call and the Info that the call will fill in.
func WithInfo(ctx context.Context) (context.Context, *Info) {
	info := new(Info)
	return context.WithValue(ctx, infoKey{}, info), info
}

// account is the stage that tells the caller how the call went: by Info, and by an error that names the call.
func account(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (any, error) {
		state := call.From(ctx)
		response, err := next(ctx, request)
		if err == nil && state.Source == call.SourceNone {
			state.Source = call.SourceLive
		}
		if info, ok := ctx.Value(infoKey{}).(*Info); ok {
			*info = Info{
				Source: Source(state.Source), Age: state.Age, Cause: state.Cause,
				Attempts: state.Attempt, Instance: state.Instance,
			}
		}
		if err != nil {
			err = callError(state, err)
		}
		return response, err
	}
}
