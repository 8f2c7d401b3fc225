package tracing_test

import (
	"context"
	"errors"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

func TestServedByStatus(t *testing.T) {
	r := newRig(t)
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	want := map[string]int64{}
	for status, c := range map[string]struct {
		ctx  context.Context
		err  error
		span codes.Code
	}{
		"success":   {t.Context(), nil, codes.Unset},
		"refused":   {t.Context(), statusError(400), codes.Unset},
		"canceled":  {canceled, errDown, codes.Unset},
		"timed_out": {t.Context(), context.DeadlineExceeded, codes.Error},
		"failed":    {t.Context(), errDown, codes.Error},
	} {
		if _, err := r.Server("orders", status)(returning(c.err))(c.ctx, nil); !errors.Is(err, c.err) {
			t.Errorf("%s: %v", status, err)
		}
		span := r.span(t, "orders/"+status)
		if span.SpanKind() != trace.SpanKindServer || span.Status().Code != c.span {
			t.Errorf("%s: kind %v, status %v", status, span.SpanKind(), span.Status())
		}
		wantAttributes(t, span, "rpc.response.status_code="+status, "rpc.method=orders/"+status, "rpc.system.name=go-kit")
		series := "holdfast.service=orders,rpc.method=orders/" + status + ",rpc.response.status_code=" + status + ",rpc.system.name=go-kit"
		if c.err != nil {
			series = "error.type=" + status + "," + series
		}
		want[series] = 1
	}
	wantPoints(t, r.points(t, "rpc.server.call.duration"), want)
}
