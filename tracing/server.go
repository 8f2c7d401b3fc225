package tracing

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/kit/endpoint"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/policy"
)

// Server is the outermost stage around a method that this process serves. It makes a SERVER span that continues the
// trace in its context (ExtractHTTP), and one measurement. The status is what policy.Classify says of the error. An error
// that is the caller's fault, or its cancellation, does not mark the span as an error.
//
// What go-kit's transport does around the endpoint, decoding and encoding, is not within the span.
func (t *Telemetry) Server(service, method string) endpoint.Middleware {
	m := t.method(service, method)
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (response any, err error) {
			started := time.Now()
			ctx, span := t.tracer.Start(ctx, m.callName, m.startServed...)
			end := ending{outcome: policy.Failed, panicked: true}
			defer func() { t.endServed(ctx, m, span, started, end) }()

			response, err = next(ctx, request)
			end = ending{outcome: outcomeOfServed(ctx, response, err), err: err}
			return response, err
		}
	}
}

func (t *Telemetry) endServed(ctx context.Context, m *method, span trace.Span, started time.Time, end ending) {
	record(ctx, t.serverDuration, time.Since(started).Seconds(), m.served[end.outcome])
	if span.IsRecording() {
		end.describe(span)
		if !end.outcome.OK() && end.outcome != policy.Canceled {
			end.fail(span)
		}
	}
	span.End()
}

func outcomeOfServed(ctx context.Context, response any, err error) policy.Outcome {
	if err != nil && errors.Is(ctx.Err(), context.Canceled) {
		return policy.Canceled
	}
	return policy.Classify(response, err).Outcome
}
