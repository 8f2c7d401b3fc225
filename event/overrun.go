package event

import (
	"log/slog"
	"time"
)

// Overrun says that an endpoint went on working after its time was up, and held its caller up for so long: it does not
// obey its context.
type Overrun struct {
	Service, Method string
	Timeout         time.Duration
	Took            time.Duration
}

// Name is "timeout.overrun".
func (Overrun) Name() string { return "timeout.overrun" }

// Level is warn.
func (Overrun) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e Overrun) Attrs() []slog.Attr {
	return append(method(e.Service, e.Method), slog.Duration("timeout", e.Timeout), slog.Duration("took", e.Took))
}
