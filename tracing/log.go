package tracing

import (
	"context"
	"log/slog"
	"slices"

	"go.opentelemetry.io/otel/trace"
)

// LogHandler adds trace_id and span_id to the records that are logged with the context of a span (slog.InfoContext and
// its like), and passes all records on to next. The two stand at the top level of a record, also of loggers with
// groups.
func LogHandler(next slog.Handler) slog.Handler { return &logHandler{next: next} }

type logHandler struct {
	next slog.Handler

	// A handler puts what is added to a record into the groups that are open. So the handler from before the first
	// group is kept, and what happened to it since.
	ungrouped slog.Handler // nil while no group is open
	since     []func(slog.Handler) slog.Handler
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return h.next.Handle(ctx, record)
	}
	ids := []slog.Attr{
		slog.String("trace_id", span.TraceID().String()),
		slog.String("span_id", span.SpanID().String()),
	}
	if h.ungrouped == nil {
		record = record.Clone()
		record.AddAttrs(ids...)
		return h.next.Handle(ctx, record)
	}
	to := h.ungrouped.WithAttrs(ids)
	for _, do := range h.since {
		to = do(to)
	}
	return to.Handle(ctx, record)
}

func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	if len(attrs) == 0 {
		return h
	}
	return h.then(h.ungrouped, func(to slog.Handler) slog.Handler { return to.WithAttrs(attrs) })
}

func (h *logHandler) WithGroup(group string) slog.Handler {
	if group == "" {
		return h
	}
	ungrouped := h.ungrouped
	if ungrouped == nil {
		ungrouped = h.next
	}
	return h.then(ungrouped, func(to slog.Handler) slog.Handler { return to.WithGroup(group) })
}

func (h *logHandler) then(ungrouped slog.Handler, do func(slog.Handler) slog.Handler) slog.Handler {
	changed := &logHandler{next: do(h.next), ungrouped: ungrouped}
	if ungrouped != nil {
		changed.since = append(slices.Clone(h.since), do)
	}
	return changed
}
