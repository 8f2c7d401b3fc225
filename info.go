package holdfast

import (
	"context"
	"sync/atomic"
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

// WithInfo returns a context for one call and the Info that the call will fill in: the first one that is made with it.
func WithInfo(ctx context.Context) (context.Context, *Info) {
	w := new(wanted)
	return context.WithValue(ctx, infoKey{}, w), &w.info
}

// wanted is an Info that the first call under its context fills in. Calls made within that one, or later, leave it alone.
type wanted struct {
	info  Info
	taken atomic.Bool
}

// account is the stage that tells the caller how the call went: by Info, and by an error that names the call.
func (s *service) account(next endpoint.Endpoint) endpoint.Endpoint {
	return func(ctx context.Context, request any) (response any, err error) {
		state := call.From(ctx)
		w, ok := ctx.Value(infoKey{}).(*wanted)
		first := ok && w.taken.CompareAndSwap(false, true)
		if s.closed.Load() {
			err = ErrClosed
		} else {
			response, err = next(ctx, request)
		}
		if err == nil && state.Source == call.SourceNone {
			state.Source = call.SourceLive
		}
		if first {
			w.info = Info{
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
