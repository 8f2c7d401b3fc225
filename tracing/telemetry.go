// Package tracing tells OpenTelemetry about calls: a span and a measurement for each logical call, a span for each of
// its attempts, and a span and a measurement for each call that is served. It also carries the trace over go-kit's HTTP
// transport and puts its ids into log records.
//
// # Spans
//
//	orders/Get                    CLIENT  one logical call, whatever it took
//	├─ Attempt.orders/Get         CLIENT  one attempt at one instance
//	└─ Attempt.orders/Get         CLIENT  the next, elsewhere
//	   └─ orders/Get              SERVER  in the process of the callee
//
// This is how gRPC does it (proposal A72): the attempt's context is the one that goes to the callee, so each span on
// the other side hangs below the attempt that caused it.
//
// # Metrics
//
//	rpc.client.call.duration    histogram, s   logical calls by method, status and source of the answer
//	rpc.server.call.duration    histogram, s   served calls by method and status
//	holdfast.client.attempts    counter        attempts by method and status
//	holdfast.client.fallbacks   counter        answers without the callee, by method and source
//	holdfast.events             counter        what Holdfast reports about itself, by name and service
//
// The histograms also count. The status, rpc.response.status_code, is a policy.Outcome in words: "success", "refused",
// "canceled", "no_instance", "all_tried", "short_circuited", "never_sent", "throttled", "timed_out", "failed". Where it
// is an error it is repeated as error.type. A call that was answered by a fallback is a success to its caller;
// holdfast.source tells it from others.
package tracing

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// Telemetry makes the stages that report to one tracer provider and one meter provider. It is safe for concurrent use
// and has nothing to close; the providers belong to the caller.
type Telemetry struct {
	tracer trace.Tracer

	clientDuration metric.Float64Histogram
	serverDuration metric.Float64Histogram
	attempts       metric.Int64Counter
	fallbacks      metric.Int64Counter
	events         metric.Int64Counter

	adding  sync.Mutex
	methods atomic.Pointer[map[name]*method] // replaced when a method is met for the first time
}

// New makes a Telemetry. A provider that is nil means OpenTelemetry's global one (otel.GetTracerProvider,
// otel.GetMeterProvider), which does nothing until the program sets it. The error is a meter's refusal to make an
// instrument.
func New(tp trace.TracerProvider, mp metric.MeterProvider) (*Telemetry, error) {
	if tp == nil {
		tp = otel.GetTracerProvider()
	}
	if mp == nil {
		mp = otel.GetMeterProvider()
	}
	t := &Telemetry{tracer: tp.Tracer(scope, trace.WithSchemaURL(schemaURL))}
	t.methods.Store(&map[name]*method{})
	if err := t.instruments(mp.Meter(scope, metric.WithSchemaURL(schemaURL))); err != nil {
		return nil, fmt.Errorf("tracing: %w", err)
	}
	return t, nil
}

// method returns what was prepared for a method, so that a call need not build it.
func (t *Telemetry) method(service, call string) *method {
	n := name{service, call}
	if m, ok := (*t.methods.Load())[n]; ok {
		return m
	}
	t.adding.Lock()
	defer t.adding.Unlock()
	known := *t.methods.Load()
	if m, ok := known[n]; ok {
		return m
	}
	more := maps.Clone(known)
	more[n] = newMethod(n)
	t.methods.Store(&more)
	return more[n]
}

func record(ctx context.Context, h metric.Float64Histogram, seconds float64, opts []metric.RecordOption) {
	if h.Enabled(ctx) {
		h.Record(ctx, seconds, opts...)
	}
}

func count(ctx context.Context, c metric.Int64Counter, opts []metric.AddOption) {
	if c.Enabled(ctx) {
		c.Add(ctx, 1, opts...)
	}
}
