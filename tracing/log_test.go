package tracing_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"reflect"
	"testing"
	"testing/slogtest"

	"go.opentelemetry.io/otel/trace"

	"github.com/holdfast-go/holdfast/tracing"
)

func inSpan(ctx context.Context) context.Context {
	return trace.ContextWithSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{0xab}, SpanID: trace.SpanID{0xcd},
	}))
}

func decode(t *testing.T, line []byte) map[string]any {
	t.Helper()
	var record map[string]any
	if err := json.Unmarshal(line, &record); err != nil {
		t.Fatalf("%v in %q", err, line)
	}
	return record
}

func TestLogRecordsCarryTheTrace(t *testing.T) {
	for name, c := range map[string]struct {
		with func(*slog.Logger) *slog.Logger
		want map[string]any
	}{
		"plain": {
			func(l *slog.Logger) *slog.Logger { return l },
			map[string]any{"n": 1.0},
		},
		"attributes": {
			func(l *slog.Logger) *slog.Logger { return l.With("a", 1).With("b", 2) },
			map[string]any{"a": 1.0, "b": 2.0, "n": 1.0},
		},
		"groups": {
			func(l *slog.Logger) *slog.Logger { return l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h") },
			map[string]any{"a": 1.0, "g": map[string]any{"b": 2.0, "h": map[string]any{"n": 1.0}}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			log := c.with(slog.New(tracing.LogHandler(slog.NewJSONHandler(&out, nil))))
			for _, spans := range []bool{true, false} {
				out.Reset()
				ctx := t.Context()
				if spans {
					ctx = inSpan(ctx)
					c.want["trace_id"], c.want["span_id"] = trace.TraceID{0xab}.String(), trace.SpanID{0xcd}.String()
				} else {
					delete(c.want, "trace_id")
					delete(c.want, "span_id")
				}
				log.InfoContext(ctx, "hello", "n", 1)
				got := decode(t, out.Bytes())
				for _, builtin := range []string{slog.TimeKey, slog.LevelKey, slog.MessageKey} {
					delete(got, builtin)
				}
				if !reflect.DeepEqual(got, c.want) {
					t.Errorf("in span %v: %v, want %v", spans, got, c.want)
				}
			}
		})
	}
}

// Two loggers made from one must not see each other's attributes.
func TestLoggersAreIndependent(t *testing.T) {
	var out bytes.Buffer
	base := slog.New(tracing.LogHandler(slog.NewJSONHandler(&out, nil))).WithGroup("g").With("a", 1).With("b", 2)
	one, two := base.With("one", 1), base.With("two", 2)
	for key, log := range map[string]*slog.Logger{"one": one, "two": two} {
		out.Reset()
		log.InfoContext(inSpan(t.Context()), "")
		group, ok := decode(t, out.Bytes())["g"].(map[string]any)
		if !ok || len(group) != 3 || group[key] == nil {
			t.Errorf("%s: %v", key, group)
		}
	}
}

func TestLogHandlerIsAProperHandler(t *testing.T) {
	var out bytes.Buffer
	if err := slogtest.TestHandler(tracing.LogHandler(slog.NewJSONHandler(&out, nil)), func() []map[string]any {
		var records []map[string]any
		for line := range bytes.Lines(out.Bytes()) {
			records = append(records, decode(t, line))
		}
		return records
	}); err != nil {
		t.Error(err)
	}
	quiet := slog.New(tracing.LogHandler(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})))
	if quiet.Enabled(t.Context(), slog.LevelInfo) {
		t.Error("the level of the next handler was not asked")
	}
}
