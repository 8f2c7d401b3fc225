package tracing_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/go-kit/kit/endpoint"
	httptransport "github.com/go-kit/kit/transport/http"
	"go.opentelemetry.io/otel/baggage"
	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/tracing"
)

// serve runs an endpoint behind go-kit's HTTP transport and returns an endpoint that calls it, and its address.
func serve(t *testing.T, e endpoint.Endpoint) (client endpoint.Endpoint, addr string) {
	t.Helper()
	decode := func(context.Context, *http.Request) (any, error) { return nil, nil }
	server := httptest.NewServer(httptransport.NewServer(e, decode, httptransport.EncodeJSONResponse,
		httptransport.ServerBefore(tracing.ExtractHTTP())))
	t.Cleanup(server.Close)
	target, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	encode := func(context.Context, *http.Request, any) error { return nil }
	answer := func(_ context.Context, r *http.Response) (any, error) { return r.Status, r.Body.Close() }
	return httptransport.NewClient(http.MethodGet, target, encode, answer, httptransport.SetClient(server.Client()),
		httptransport.ClientBefore(tracing.InjectHTTP())).Endpoint(), target.Host
}

func TestServerContinuesTheTraceOverHTTP(t *testing.T) {
	caller, callee := newRig(t), newRig(t)
	var served []baggage.Baggage
	orders := callee.Server("orders", "Get")(func(ctx context.Context, _ any) (any, error) {
		served = append(served, baggage.FromContext(ctx))
		if len(served) == 1 {
			return nil, errDown
		}
		return "answer", nil
	})
	remote, addr := serve(t, orders)
	failing := func(ctx context.Context, request any) (any, error) {
		response, err := remote(ctx, request)
		if status, ok := response.(string); ok && status != "200 OK" {
			return nil, statusError(500)
		}
		return response, err
	}
	get := endpoint.Chain(caller.Client("orders", "Get"), trying(addr, addr), caller.Attempt(nil))(failing)

	state, err := trace.ParseTraceState("vendor=1")
	if err != nil {
		t.Fatal(err)
	}
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
	member, err := baggage.NewMember("tenant", "acme")
	if err != nil {
		t.Fatal(err)
	}
	bag, err := baggage.New(member)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := get(baggage.ContextWithBaggage(ctx, bag), nil); err != nil {
		t.Fatal(err)
	}

	attempts, servers := caller.spans.Ended()[:2], callee.spans.Ended()
	if len(servers) != 2 {
		t.Fatalf("%d server spans", len(servers))
	}
	for i, server := range servers {
		if server.SpanContext().TraceID() != (trace.TraceID{1}) || !server.Parent().IsRemote() {
			t.Errorf("server span %d does not continue the trace: %v", i, server.Parent())
		}
		if server.Parent().SpanID() != attempts[i].SpanContext().SpanID() {
			t.Errorf("server span %d is not below its attempt", i)
		}
		if got := server.SpanContext().TraceState().Get("vendor"); got != "1" {
			t.Errorf("tracestate %d = %q", i, got)
		}
		if got := served[i].Member("tenant").Value(); got != "acme" {
			t.Errorf("baggage %d = %q", i, got)
		}
	}
	if top := caller.span(t, "orders/Get"); top.Parent().SpanID() != (trace.SpanID{2}) {
		t.Error("the call is not below the caller's own span")
	}
}

func TestUnreadableHeadersBeginATrace(t *testing.T) {
	r := newRig(t)
	for _, header := range []string{"", "garbage", "00-00000000000000000000000000000000-0000000000000000-01"} {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		request.Header.Set("traceparent", header)
		ctx := tracing.ExtractHTTP()(t.Context(), request)
		_, _ = r.Server("orders", "Get")(endpoint.Nop)(ctx, nil)
	}
	for _, span := range r.spans.Ended() {
		if span.Parent().IsValid() {
			t.Errorf("parent %v", span.Parent())
		}
	}
}

func TestNothingToInjectOutsideASpan(t *testing.T) {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	tracing.InjectHTTP()(t.Context(), request)
	if len(request.Header) != 0 {
		t.Errorf("headers %v", request.Header)
	}
}
