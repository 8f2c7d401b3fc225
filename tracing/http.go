package tracing

import (
	"context"
	"net/http"

	httptransport "github.com/go-kit/kit/transport/http"
	"go.opentelemetry.io/otel/propagation"
)

var propagator = propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{})

// InjectHTTP writes the trace of a call into the headers of its request: traceparent and tracestate (W3C Trace Context)
// and baggage (W3C Baggage), whatever the global propagator is. Use it with httptransport.ClientBefore; the endpoint must
// be below Attempt, or at least below Client.
func InjectHTTP() httptransport.RequestFunc {
	return func(ctx context.Context, r *http.Request) context.Context {
		propagator.Inject(ctx, propagation.HeaderCarrier(r.Header))
		return ctx
	}
}

// ExtractHTTP reads those headers, so that Server continues the caller's trace. Use it with httptransport.ServerBefore.
// A request without them, or with unreadable ones, begins a trace of its own.
func ExtractHTTP() httptransport.RequestFunc {
	return func(ctx context.Context, r *http.Request) context.Context {
		return propagator.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
}
