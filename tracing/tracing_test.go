package tracing_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/go-kit/kit/endpoint"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/tracing"
)

var errDown = errors.New("callee is down")

// rig is a Telemetry whose spans and metrics a test can read.
type rig struct {
	*tracing.Telemetry
	spans   *tracetest.SpanRecorder
	metrics *sdkmetric.ManualReader
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{spans: tracetest.NewSpanRecorder(), metrics: sdkmetric.NewManualReader()}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.spans))
	mp := sdkmetric.NewMeterProvider(sdkmetric.WithReader(r.metrics))
	var err error
	if r.Telemetry, err = tracing.New(tp, mp); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if started, ended := len(r.spans.Started()), len(r.spans.Ended()); started != ended {
			t.Errorf("%d spans were started, %d ended", started, ended)
		}
		if err := errors.Join(tp.Shutdown(context.Background()), mp.Shutdown(context.Background())); err != nil {
			t.Error(err)
		}
	})
	return r
}

// span returns the only span of that name.
func (r *rig) span(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	var found []sdktrace.ReadOnlySpan
	for _, s := range r.spans.Ended() {
		if s.Name() == name {
			found = append(found, s)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d spans %q", len(found), name)
	}
	return found[0]
}

// points returns how often an instrument was used, by attributes in the form "key=value,key=value".
func (r *rig) points(t *testing.T, instrument string) map[string]int64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.metrics.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != instrument {
				continue
			}
			switch data := m.Data.(type) {
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					counts[text(p.Attributes.ToSlice())] += int64(p.Count)
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					counts[text(p.Attributes.ToSlice())] += p.Value
				}
			}
		}
	}
	return counts
}

func text(attrs []attribute.KeyValue) string {
	var all []string
	for _, a := range attrs {
		all = append(all, string(a.Key)+"="+a.Value.String())
	}
	return strings.Join(all, ",")
}

// wantAttributes checks that a span has each of these "key=value", and none that begins with "!key".
func wantAttributes(t *testing.T, span sdktrace.ReadOnlySpan, want ...string) {
	t.Helper()
	has := "," + text(span.Attributes()) + ","
	for _, w := range want {
		if key, not := strings.CutPrefix(w, "!"); not {
			if strings.Contains(has, ","+key+"=") {
				t.Errorf("span %s has %s: %s", span.Name(), key, has)
			}
		} else if !strings.Contains(has, ","+w+",") {
			t.Errorf("span %s lacks %s: %s", span.Name(), w, has)
		}
	}
}

func wantPoints(t *testing.T, got, want map[string]int64) {
	t.Helper()
	for attrs, n := range want {
		if got[attrs] != n {
			t.Errorf("%s: %d, want %d", attrs, got[attrs], n)
		}
		delete(got, attrs)
	}
	for attrs, n := range got {
		t.Errorf("%s: %d, want none", attrs, n)
	}
}

// trying makes an attempt at each instance until one succeeds.
func trying(instances ...string) endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (response any, err error) {
			state := call.From(ctx)
			for _, instance := range instances {
				state.Next()
				state.Chose(instance, 2)
				if response, err = next(ctx, request); err == nil {
					break
				}
			}
			return response, err
		}
	}
}

func returning(errs ...error) endpoint.Endpoint {
	i := 0
	return func(context.Context, any) (any, error) {
		err := errs[min(i, len(errs)-1)]
		i++
		return "answer", err
	}
}

type statusError int

func (e statusError) Error() string   { return http.StatusText(int(e)) }
func (e statusError) StatusCode() int { return int(e) }

type judgedError policy.Outcome

func (e judgedError) Error() string           { return policy.Outcome(e).String() }
func (e judgedError) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.Outcome(e)} }
