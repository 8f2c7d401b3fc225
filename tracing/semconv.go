package tracing

import (
	"errors"
	"net"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/rpcconv"

	"github.com/holdfast-go/holdfast/policy"
)

// All names that leave this package stand here: OpenTelemetry's where its conventions have one, and ours.

const (
	scope     = "github.com/holdfast-go/holdfast/tracing"
	schemaURL = semconv.SchemaURL

	attemptPrefix = "Attempt."

	panicked = "panic" // error.type of a call that did not return

	keyService  = attribute.Key("holdfast.service")
	keySource   = attribute.Key("holdfast.source")
	keyAttempts = attribute.Key("holdfast.attempts")       // how many a call made
	keyAttempt  = attribute.Key("holdfast.attempt")        // which one it is, from 1
	keyCause    = attribute.Key("holdfast.fallback.cause") // why the answer is not live
	keyEvent    = attribute.Key("holdfast.event")
)

func (t *Telemetry) instruments(m metric.Meter) error {
	client, errClient := rpcconv.NewClientCallDuration(m)
	server, errServer := rpcconv.NewServerCallDuration(m)
	t.clientDuration, t.serverDuration = client.Inst(), server.Inst()

	var errAttempts, errFallbacks, errEvents error
	t.attempts, errAttempts = m.Int64Counter("holdfast.client.attempts",
		metric.WithUnit("{attempt}"), metric.WithDescription("Attempts to call an instance."))
	t.fallbacks, errFallbacks = m.Int64Counter("holdfast.client.fallbacks",
		metric.WithUnit("{call}"), metric.WithDescription("Calls that were answered without their callee."))
	t.events, errEvents = m.Int64Counter("holdfast.events",
		metric.WithUnit("{event}"), metric.WithDescription("What Holdfast reports about itself."))
	return errors.Join(errClient, errServer, errAttempts, errFallbacks, errEvents)
}

func system() attribute.KeyValue { return semconv.RPCSystemNameKey.String("go-kit") }

// ofMethod identifies a method, on either side.
func ofMethod(n name) []attribute.KeyValue {
	return []attribute.KeyValue{system(), semconv.RPCMethod(n.String()), keyService.String(n.service)}
}

// ofCall identifies what a client calls: the service is the group of servers that the call is sent to.
func ofCall(n name) []attribute.KeyValue {
	return append(ofMethod(n), semconv.ServerAddress(n.service))
}

func statusOf(o policy.Outcome) attribute.KeyValue { return semconv.RPCResponseStatusCode(o.String()) }

func errorType(class string) attribute.KeyValue { return semconv.ErrorTypeKey.String(class) }

// status describes an outcome.
func status(o policy.Outcome) []attribute.KeyValue {
	if o == policy.Success {
		return []attribute.KeyValue{statusOf(o)}
	}
	return []attribute.KeyValue{statusOf(o), errorType(o.String())}
}

// ofInstance says where an attempt went.
func ofInstance(addr string) []attribute.KeyValue {
	if addr == "" {
		return nil
	}
	host, digits, err := net.SplitHostPort(addr)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(addr)}
	}
	port, err := strconv.ParseUint(digits, 10, 16)
	if err != nil {
		return []attribute.KeyValue{semconv.ServerAddress(host)}
	}
	return []attribute.KeyValue{semconv.ServerAddress(host), semconv.ServerPort(int(port))}
}
