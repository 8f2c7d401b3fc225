package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/holdfast-go/holdfast/event"
)

// Observer counts events in holdfast.events: by name and service, and by those of their facts that take few values,
// such as the method, the state that a breaker went to, or the registry's server that was lost.
func (t *Telemetry) Observer() event.Observer {
	return event.ObserverFunc(func(e event.Event) {
		ctx := context.Background()
		if t.events.Enabled(ctx) {
			t.events.Add(ctx, 1, metric.WithAttributeSet(ofEvent(e)))
		}
	})
}

func ofEvent(e event.Event) attribute.Set {
	labels := []attribute.KeyValue{keyEvent.String(e.Name())}
	var of name
	for _, fact := range e.Attrs() {
		switch fact.Key {
		case "service":
			of.service = fact.Value.String()
			labels = append(labels, keyService.String(of.service))
		case "method":
			of.method = fact.Value.String()
		case "to", "source", "on", "up", "doing", "node":
			labels = append(labels, attribute.String("holdfast."+fact.Key, fact.Value.String()))
		}
	}
	if of.method != "" {
		labels = append(labels, semconv.RPCMethod(of.String()))
	}
	return attribute.NewSet(labels...)
}
