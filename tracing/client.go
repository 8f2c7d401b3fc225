package tracing

import (
	"context"
	"errors"
	"time"

	"github.com/go-kit/kit/endpoint"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// Client is the outermost stage in the way of a call. It begins the state of the call that the stages below share, and
// makes one CLIENT span and one measurement of the call with all its attempts. A panic from below passes, but ends the
// span.
func (t *Telemetry) Client(service, method string) endpoint.Middleware {
	m := t.method(service, method)
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (response any, err error) {
			ctx, state := call.Enter(ctx, service, method)
			ctx, span := t.tracer.Start(ctx, m.callName, m.startCall...)
			end := ending{outcome: policy.Failed, panicked: true}
			defer func() { t.endCall(ctx, m, span, state, end) }()

			response, err = next(ctx, request)
			if err == nil && state.Source == call.SourceNone {
				state.Source = call.SourceLive
			}
			end = ending{outcome: outcomeOfCall(ctx, state, response, err), err: err}
			return response, err
		}
	}
}

// Attempt is the stage around one attempt at one instance. It makes a CLIENT span below that of the call, whose context
// is the one to be sent to the callee (InjectHTTP), and counts the attempt. It belongs above what bounds a single try.
// Where the span of the call goes nowhere, because OpenTelemetry has no SDK, the attempt has none.
//
// classify is the classifier of the method, nil for policy.Classify. As the stage nearest to the callee, Attempt is
// the first to judge, so all others go by what classify says here.
func (t *Telemetry) Attempt(classify policy.Classifier) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (response any, err error) {
			ctx, state := call.Ensure(ctx)
			m := t.method(state.Service, state.Method)
			ctx, span := t.startAttempt(ctx, m)
			end := ending{outcome: policy.Failed, panicked: true}
			defer func() { t.endAttempt(ctx, m, span, state, end) }()

			response, err = next(ctx, request)
			end = ending{outcome: state.Judge(ctx, response, err, classify).Outcome, err: err}
			return response, err
		}
	}
}

// startAttempt makes no span below one that nobody receives, as the call's is when OpenTelemetry has no SDK: it would
// only cost.
func (t *Telemetry) startAttempt(ctx context.Context, m *method) (context.Context, trace.Span) {
	none := trace.SpanFromContext(context.Background())
	above := trace.SpanFromContext(ctx)
	if above != none && !above.IsRecording() && !above.SpanContext().IsValid() {
		return ctx, none
	}
	return t.tracer.Start(ctx, m.attemptName, m.startAttempt...)
}

func (t *Telemetry) endCall(ctx context.Context, m *method, span trace.Span, state *call.State, end ending) {
	source := sourceIndex(state.Source)
	record(ctx, t.clientDuration, time.Since(state.Started).Seconds(), m.calls[source][end.outcome])
	if m.fallbacks[source] != nil {
		count(ctx, t.fallbacks, m.fallbacks[source])
	}
	if span.IsRecording() {
		span.SetAttributes(keyAttempts.Int(state.Attempt))
		if state.Source != call.SourceNone {
			span.SetAttributes(keySource.String(state.Source))
		}
		if state.Cause != nil {
			span.SetAttributes(keyCause.String(state.Cause.Error()))
		}
		end.describe(span)
		end.fail(span)
	}
	span.End()
}

func (t *Telemetry) endAttempt(ctx context.Context, m *method, span trace.Span, state *call.State, end ending) {
	count(ctx, t.attempts, m.attempts[end.outcome])
	if span.IsRecording() {
		span.SetAttributes(keyAttempt.Int(max(1, state.Attempt)))
		span.SetAttributes(ofInstance(state.Instance)...)
		end.describe(span)
		end.fail(span)
	}
	span.End()
}

// outcomeOfCall judges the whole call as its caller sees it: an answer from a fallback is a success.
func outcomeOfCall(ctx context.Context, state *call.State, response any, err error) policy.Outcome {
	switch {
	case err == nil && state.Source != call.SourceLive:
		return policy.Success
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		return policy.Canceled
	default:
		return state.Judge(ctx, response, err, nil).Outcome
	}
}

// ending is how a call, an attempt or a served call ended.
type ending struct {
	outcome  policy.Outcome
	err      error
	panicked bool
}

// describe writes the outcome to a span.
func (e ending) describe(span trace.Span) {
	if e.panicked {
		span.SetAttributes(statusOf(e.outcome), errorType(panicked))
		return
	}
	span.SetAttributes(status(e.outcome)...)
}

// fail marks the span as an error unless all went well.
func (e ending) fail(span trace.Span) {
	switch {
	case e.panicked:
		span.SetStatus(codes.Error, panicked)
	case e.outcome == policy.Success:
	case e.err != nil:
		span.SetStatus(codes.Error, e.err.Error())
	default:
		span.SetStatus(codes.Error, e.outcome.String())
	}
}
