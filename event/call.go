package event

import (
	"log/slog"
	"time"
)

// Retried says that a call is about to be tried again.
type Retried struct {
	Service, Method string
	Attempt         int // the number of the attempt to come; the first retry is 2
	Delay           time.Duration
	Cause           error
}

// Name is "retry".
func (Retried) Name() string { return "retry" }

// Level is debug: a retry that helps needs nobody's attention.
func (Retried) Level() slog.Level { return slog.LevelDebug }

// Attrs lists the fields.
func (e Retried) Attrs() []slog.Attr {
	return append(method(e.Service, e.Method), slog.Int("attempt", e.Attempt), slog.Duration("delay", e.Delay), slog.Any("error", e.Cause))
}

// BudgetExhausted says that a call would have been tried again, had its service's retry budget allowed it.
type BudgetExhausted struct {
	Service, Method string
	Cause           error
}

// Name is "retry.budget_exhausted".
func (BudgetExhausted) Name() string { return "retry.budget_exhausted" }

// Level is warn.
func (BudgetExhausted) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e BudgetExhausted) Attrs() []slog.Attr {
	return append(method(e.Service, e.Method), slog.Any("error", e.Cause))
}

// BreakerChanged says that the breaker of a method opened, began to probe or closed.
type BreakerChanged struct {
	Service, Method string
	From, To        string // "closed", "open", "half-open"
}

// Name is "breaker.changed".
func (BreakerChanged) Name() string { return "breaker.changed" }

// Level is warn when the breaker opens.
func (e BreakerChanged) Level() slog.Level {
	if e.To == "open" {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Attrs lists the fields.
func (e BreakerChanged) Attrs() []slog.Attr {
	return append(method(e.Service, e.Method), slog.String("from", e.From), slog.String("to", e.To))
}

// FellBack says that a call was answered without its callee.
type FellBack struct {
	Service, Method string
	Source          string        // "stale" or "default"
	Age             time.Duration // of a stale value
	Cause           error
}

// Name is "fallback".
func (FellBack) Name() string { return "fallback" }

// Level is warn.
func (FellBack) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e FellBack) Attrs() []slog.Attr {
	return append(method(e.Service, e.Method), slog.String("source", e.Source), slog.Duration("age", e.Age), slog.Any("error", e.Cause))
}

// Panicked says that code which Holdfast called panicked, and where.
type Panicked struct {
	Where string // "endpoint orders/Get", "subscriber of orders"
	Value any
	Stack []byte
}

// Name is "panic".
func (Panicked) Name() string { return "panic" }

// Level is error.
func (Panicked) Level() slog.Level { return slog.LevelError }

// Attrs lists the fields.
func (e Panicked) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("where", e.Where), slog.Any("value", e.Value), slog.String("stack", string(e.Stack))}
}

func method(service, name string) []slog.Attr {
	return []slog.Attr{slog.String("service", service), slog.String("method", name)}
}
