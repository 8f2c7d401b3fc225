package tracing

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// name identifies a method of a service.
type name struct{ service, method string }

func (n name) String() string { return n.service + "/" + n.method }

const (
	outcomes = int(policy.Failed) + 1
	sources  = 4
)

// method is all that can be said of a method's calls, prepared before they are made.
type method struct {
	callName, attemptName                string
	startCall, startAttempt, startServed []trace.SpanStartOption

	calls     [sources][outcomes][]metric.RecordOption
	served    [outcomes][]metric.RecordOption
	attempts  [outcomes][]metric.AddOption
	fallbacks [sources][]metric.AddOption
}

func newMethod(n name) *method {
	m := &method{
		callName:     n.String(),
		attemptName:  attemptPrefix + n.String(),
		startCall:    start(trace.SpanKindClient, ofCall(n)),
		startAttempt: start(trace.SpanKindClient, ofMethod(n)),
		startServed:  start(trace.SpanKindServer, ofMethod(n)),
	}
	for o := range policy.Outcome(outcomes) {
		called, served := slices.Concat(ofCall(n), status(o)), slices.Concat(ofMethod(n), status(o))
		m.attempts[o] = []metric.AddOption{measured(called)}
		m.served[o] = []metric.RecordOption{measured(served)}
		m.calls[sourceIndex(call.SourceNone)][o] = []metric.RecordOption{measured(called)}
		for _, source := range []string{call.SourceLive, call.SourceStale, call.SourceDefault} {
			m.calls[sourceIndex(source)][o] = []metric.RecordOption{measured(called, keySource.String(source))}
		}
	}
	for _, source := range []string{call.SourceStale, call.SourceDefault} {
		m.fallbacks[sourceIndex(source)] = []metric.AddOption{measured(ofCall(n), keySource.String(source))}
	}
	return m
}

func start(kind trace.SpanKind, attrs []attribute.KeyValue) []trace.SpanStartOption {
	return []trace.SpanStartOption{trace.WithSpanKind(kind), trace.WithAttributes(attrs...)}
}

func measured(attrs []attribute.KeyValue, more ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributeSet(attribute.NewSet(slices.Concat(attrs, more)...))
}

func sourceIndex(source string) int {
	switch source {
	case call.SourceLive:
		return 1
	case call.SourceStale:
		return 2
	case call.SourceDefault:
		return 3
	default:
		return 0
	}
}
