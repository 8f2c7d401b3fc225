package event

import (
	"log/slog"
	"time"
)

// InstancesChanged says that a resolver has taken over a new list.
type InstancesChanged struct {
	Service        string
	Source         string // "push", "poll", "disk", "static"
	Node           string // which server told it, if one did
	Added, Removed int
	Total, Usable  int
}

// Name is "instances.changed".
func (InstancesChanged) Name() string { return "instances.changed" }

// Level is info.
func (InstancesChanged) Level() slog.Level { return slog.LevelInfo }

// Attrs lists the fields.
func (e InstancesChanged) Attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("service", e.Service), slog.String("source", e.Source), slog.String("node", e.Node),
		slog.Int("added", e.Added), slog.Int("removed", e.Removed), slog.Int("total", e.Total), slog.Int("usable", e.Usable),
	}
}

// Ejected says that an instance gets no traffic for a while.
type Ejected struct {
	Service, Instance string
	Failures          int // consecutive
	For               time.Duration
}

// Name is "instance.ejected".
func (Ejected) Name() string { return "instance.ejected" }

// Level is warn.
func (Ejected) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e Ejected) Attrs() []slog.Attr {
	return []slog.Attr{
		slog.String("service", e.Service), slog.String("instance", e.Instance),
		slog.Int("failures", e.Failures), slog.Duration("for", e.For),
	}
}

// EjectionRefused says that an instance deserved ejection but too many are out already.
type EjectionRefused struct {
	Service, Instance string
	Failures          int
}

// Name is "instance.ejection_refused".
func (EjectionRefused) Name() string { return "instance.ejection_refused" }

// Level is warn.
func (EjectionRefused) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e EjectionRefused) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.String("instance", e.Instance), slog.Int("failures", e.Failures)}
}

// Returned says that an ejected instance gets traffic again.
type Returned struct {
	Service, Instance string
}

// Name is "instance.returned".
func (Returned) Name() string { return "instance.returned" }

// Level is info.
func (Returned) Level() slog.Level { return slog.LevelInfo }

// Attrs lists the fields.
func (e Returned) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.String("instance", e.Instance)}
}

// FactoryFailed says that no endpoint could be made for an instance; it gets no traffic from that client.
type FactoryFailed struct {
	Service, Instance string
	Cause             error
}

// Name is "instance.factory_failed".
func (FactoryFailed) Name() string { return "instance.factory_failed" }

// Level is error.
func (FactoryFailed) Level() slog.Level { return slog.LevelError }

// Attrs lists the fields.
func (e FactoryFailed) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.String("instance", e.Instance), slog.Any("error", e.Cause)}
}

// PanicMode says that too few instances of a service are available, so that all are used (or that this is over).
type PanicMode struct {
	Service          string
	On               bool
	Available, Total int
}

// Name is "instances.panic_mode".
func (PanicMode) Name() string { return "instances.panic_mode" }

// Level is warn when it begins.
func (e PanicMode) Level() slog.Level {
	if e.On {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// Attrs lists the fields.
func (e PanicMode) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.Bool("on", e.On), slog.Int("available", e.Available), slog.Int("total", e.Total)}
}
