package tracing_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-kit/kit/endpoint"
	"go.opentelemetry.io/otel/codes"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/tracing"
)

func TestSpansOfRetriedCall(t *testing.T) {
	r := newRig(t)
	get := endpoint.Chain(r.Client("orders", "Get"), trying("10.0.0.7:8080", "[fd00::7]:9090"), r.Attempt(nil))(
		returning(context.DeadlineExceeded, nil))
	if _, err := get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}

	top := r.span(t, "orders/Get")
	if top.SpanKind() != trace.SpanKindClient || top.Parent().IsValid() || top.Status().Code != codes.Unset {
		t.Errorf("call span: kind %v, parent %v, status %v", top.SpanKind(), top.Parent(), top.Status())
	}
	wantAttributes(t, top, "rpc.system.name=go-kit", "rpc.method=orders/Get", "server.address=orders",
		"holdfast.service=orders", "holdfast.attempts=2", "holdfast.source=live", "rpc.response.status_code=success",
		"!error.type", "!holdfast.fallback.cause")

	ended := r.spans.Ended()
	if len(ended) != 3 {
		t.Fatalf("%d spans", len(ended))
	}
	for i, want := range [][]string{
		{"holdfast.attempt=1", "server.address=10.0.0.7", "server.port=8080",
			"rpc.response.status_code=timed_out", "error.type=timed_out"},
		{"holdfast.attempt=2", "server.address=fd00::7", "server.port=9090", "rpc.response.status_code=success", "!error.type"},
	} {
		attempt := ended[i]
		if attempt.Name() != "Attempt.orders/Get" || attempt.SpanKind() != trace.SpanKindClient {
			t.Errorf("attempt %d: %s %v", i+1, attempt.Name(), attempt.SpanKind())
		}
		if attempt.Parent().SpanID() != top.SpanContext().SpanID() {
			t.Errorf("attempt %d is not a child of the call", i+1)
		}
		wantAttributes(t, attempt, append(want, "rpc.method=orders/Get", "rpc.system.name=go-kit")...)
	}
	if s := ended[0].Status(); s.Code != codes.Error || s.Description != context.DeadlineExceeded.Error() {
		t.Errorf("status of the failed attempt: %v", s)
	}

	const method = "holdfast.service=orders,"
	wantPoints(t, r.points(t, "holdfast.client.attempts"), map[string]int64{
		"error.type=timed_out," + method + "rpc.method=orders/Get,rpc.response.status_code=timed_out,rpc.system.name=go-kit,server.address=orders": 1,
		method + "rpc.method=orders/Get,rpc.response.status_code=success,rpc.system.name=go-kit,server.address=orders":                             1,
	})
}

func TestCallsByStatus(t *testing.T) {
	r := newRig(t)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for outcome, c := range map[policy.Outcome]struct {
		ctx context.Context
		err error
	}{
		policy.Success:        {},
		policy.Refused:        {err: statusError(404)},
		policy.Canceled:       {ctx: canceled, err: errDown},
		policy.NoInstance:     {err: judgedError(policy.NoInstance)},
		policy.ShortCircuited: {err: judgedError(policy.ShortCircuited)},
		policy.NeverSent:      {err: judgedError(policy.NeverSent)},
		policy.Throttled:      {err: statusError(429)},
		policy.TimedOut:       {err: context.DeadlineExceeded},
		policy.Failed:         {err: statusError(500)},
	} {
		if c.ctx == nil {
			c.ctx = t.Context()
		}
		method := outcome.String()
		if _, err := r.Client("orders", method)(returning(c.err))(c.ctx, nil); !errors.Is(err, c.err) {
			t.Errorf("%v: %v", outcome, err)
		}
		span := r.span(t, "orders/"+method)
		const form = "%sholdfast.service=orders,%srpc.method=orders/%s,rpc.response.status_code=%[3]s,rpc.system.name=go-kit,server.address=orders"
		if outcome == policy.Success {
			wantAttributes(t, span, "rpc.response.status_code="+method, "!error.type")
			wantPoint(t, r, fmt.Sprintf(form, "", "holdfast.source=live,", method))
			continue
		}
		wantAttributes(t, span, "rpc.response.status_code="+method, "error.type="+method, "!holdfast.source")
		if span.Status().Code != codes.Error || span.Status().Description != c.err.Error() {
			t.Errorf("%v: status %v", outcome, span.Status())
		}
		wantPoint(t, r, fmt.Sprintf(form, "error.type="+method+",", "", method))
	}
	if n := len(r.points(t, "rpc.client.call.duration")); n != 9 {
		t.Errorf("%d series, want one for each outcome", n)
	}
}

func wantPoint(t *testing.T, r *rig, attrs string) {
	t.Helper()
	if points := r.points(t, "rpc.client.call.duration"); points[attrs] != 1 {
		t.Errorf("no %s in %v", attrs, points)
	}
}

func TestFallbackIsSuccessWithSource(t *testing.T) {
	for _, source := range []string{call.SourceStale, call.SourceDefault} {
		r := newRig(t)
		fallback := func(next endpoint.Endpoint) endpoint.Endpoint {
			return func(ctx context.Context, request any) (any, error) {
				_, err := next(ctx, request)
				state := call.From(ctx)
				state.Source, state.Cause = source, err
				return "kept", nil
			}
		}
		get := endpoint.Chain(r.Client("orders", "Get"), fallback, trying("a:1", "b:1"), r.Attempt(nil))(returning(errDown))
		if _, err := get(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		span := r.span(t, "orders/Get")
		wantAttributes(t, span, "holdfast.source="+source, "holdfast.attempts=2", "rpc.response.status_code=success",
			"holdfast.fallback.cause="+errDown.Error(), "!error.type")
		if span.Status().Code != codes.Unset {
			t.Errorf("status = %v", span.Status())
		}
		wantPoints(t, r.points(t, "rpc.client.call.duration"), map[string]int64{
			"holdfast.service=orders,holdfast.source=" + source + ",rpc.method=orders/Get,rpc.response.status_code=success,rpc.system.name=go-kit,server.address=orders": 1,
		})
		wantPoints(t, r.points(t, "holdfast.client.fallbacks"), map[string]int64{
			"holdfast.service=orders,holdfast.source=" + source + ",rpc.method=orders/Get,rpc.system.name=go-kit,server.address=orders": 1,
		})
	}
}

// The classifier of the method decides the verdict that all stages go by, also on an answer without an error.
func TestAttemptDecidesTheVerdict(t *testing.T) {
	r := newRig(t)
	classify := func(response any, _ error) policy.Verdict {
		return policy.Verdict{Outcome: policy.Throttled, RetryAfter: time.Second}
	}
	var verdict policy.Verdict
	above := func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			response, err := next(ctx, request)
			verdict, _ = call.From(ctx).Verdict()
			return response, err
		}
	}
	get := endpoint.Chain(r.Client("orders", "Get"), above, trying("a:1"), r.Attempt(classify))(returning(nil))
	if _, err := get(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if verdict.Outcome != policy.Throttled || verdict.RetryAfter != time.Second {
		t.Errorf("verdict = %v", verdict)
	}
	for _, name := range []string{"orders/Get", "Attempt.orders/Get"} {
		span := r.span(t, name)
		wantAttributes(t, span, "rpc.response.status_code=throttled", "error.type=throttled")
		if span.Status().Description != "throttled" {
			t.Errorf("%s: status %v", name, span.Status())
		}
	}
}

func TestAttemptAlone(t *testing.T) {
	r := newRig(t)
	for _, instance := range []string{"", "somewhere", "host:http"} {
		ctx, state := call.Enter(t.Context(), "orders", "To"+instance)
		state.Instance = instance
		_, _ = r.Attempt(nil)(returning(nil))(ctx, nil)
	}
	wantAttributes(t, r.span(t, "Attempt.orders/To"), "holdfast.attempt=1", "!server.address")
	wantAttributes(t, r.span(t, "Attempt.orders/Tosomewhere"), "server.address=somewhere", "!server.port")
	wantAttributes(t, r.span(t, "Attempt.orders/Tohost:http"), "server.address=host", "!server.port")

	if _, err := r.Attempt(nil)(returning(nil))(t.Context(), nil); err != nil {
		t.Error(err)
	}
}

func TestPanicEndsSpans(t *testing.T) {
	r := newRig(t)
	panics := func(context.Context, any) (any, error) { panic("bug") }
	badClassifier := func(any, error) policy.Verdict { panic("bug") }
	for method, e := range map[string]endpoint.Endpoint{
		"Get":  endpoint.Chain(r.Client("orders", "Get"), trying("a:1"), r.Attempt(nil))(panics),
		"Put":  endpoint.Chain(r.Client("orders", "Put"), trying("a:1"), r.Attempt(badClassifier))(returning(nil)),
		"Head": r.Server("orders", "Head")(panics),
	} {
		func() {
			defer func() {
				if value := recover(); value != "bug" {
					t.Errorf("%s: the panic became %v", method, value)
				}
			}()
			_, _ = e(t.Context(), nil)
		}()
		span := r.span(t, "orders/"+method)
		wantAttributes(t, span, "error.type=panic", "rpc.response.status_code=failed")
		if span.Status().Code != codes.Error {
			t.Errorf("%s: status %v", method, span.Status())
		}
	}
	wantAttributes(t, r.span(t, "Attempt.orders/Get"), "error.type=panic")
	if n := len(r.points(t, "rpc.client.call.duration")); n != 2 {
		t.Errorf("%d series, want those of Get and Put", n)
	}
}

func TestUnsampledCallIsStillMeasured(t *testing.T) {
	r := newRig(t)
	quiet := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample()))
	parent, span := quiet.Tracer("").Start(t.Context(), "parent")
	defer span.End()
	_, _ = r.Client("orders", "Get")(returning(nil))(parent, nil)
	if n := len(r.points(t, "rpc.client.call.duration")); n != 1 || len(r.spans.Ended()) != 0 {
		t.Errorf("%d series, %d spans", n, len(r.spans.Ended()))
	}
}

func wholeCall(tb testing.TB, t *tracing.Telemetry, err error) endpoint.Endpoint {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	attempt := func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			call.From(ctx).Next()
			return next(ctx, request)
		}
	}
	return endpoint.Chain(t.Client("orders", "Get"), attempt, t.Attempt(nil))(endpoint.Nop)
}

// The call's state and its context are 2 allocations; OpenTelemetry makes the rest for the span of the call.
func TestCostWithoutProviders(t *testing.T) {
	for name, c := range map[string]struct {
		tp   trace.TracerProvider
		most float64
	}{
		"no-op":            {tracenoop.NewTracerProvider(), 3},
		"global never set": {nil, 5},
	} {
		telemetry, err := tracing.New(c.tp, metricnoop.NewMeterProvider())
		get := wholeCall(t, telemetry, err)
		if n := testing.AllocsPerRun(100, func() { _, _ = get(t.Context(), nil) }); n > c.most {
			t.Errorf("%s: %v allocations, want at most %v", name, n, c.most)
		}
	}
}

func BenchmarkCall(b *testing.B) {
	for name, tp := range map[string]trace.TracerProvider{
		"noop":   tracenoop.NewTracerProvider(),
		"global": nil,
		"sdk":    sdktrace.NewTracerProvider(),
	} {
		b.Run(name, func(b *testing.B) {
			telemetry, err := tracing.New(tp, nil)
			get := wholeCall(b, telemetry, err)
			b.ReportAllocs()
			for b.Loop() {
				_, _ = get(b.Context(), nil)
			}
		})
	}
}
