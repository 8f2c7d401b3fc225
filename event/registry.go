package event

import "log/slog"

// NodeChanged says that the registry's connection to a server came up or was lost.
type NodeChanged struct {
	Node  string
	Up    bool
	Cause error
}

// Name is "registry.node_changed".
func (NodeChanged) Name() string { return "registry.node_changed" }

// Level is warn when the connection was lost.
func (e NodeChanged) Level() slog.Level {
	if e.Up {
		return slog.LevelInfo
	}
	return slog.LevelWarn
}

// Attrs lists the fields.
func (e NodeChanged) Attrs() []slog.Attr {
	return withCause(e.Cause, slog.String("node", e.Node), slog.Bool("up", e.Up))
}

// RegistryUnreachable says that no server of the registry can be reached, and is observed each time that this was tried:
// what is known goes on serving.
type RegistryUnreachable struct {
	Subject string // "services" or "documents", which have a connection each
	Cause   error  // what is wrong with each server
}

// Name is "registry.unreachable".
func (RegistryUnreachable) Name() string { return "registry.unreachable" }

// Level is warn.
func (RegistryUnreachable) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e RegistryUnreachable) Attrs() []slog.Attr {
	return withCause(e.Cause, slog.String("subject", e.Subject))
}

// RegistryFailed says that a request to the registry failed and will be repeated.
type RegistryFailed struct {
	Doing   string // "register", "subscribe", "verify", "read config"
	Subject string // the service or the config
	Cause   error
}

// Name is "registry.failed".
func (RegistryFailed) Name() string { return "registry.failed" }

// Level is warn.
func (RegistryFailed) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e RegistryFailed) Attrs() []slog.Attr {
	return withCause(e.Cause, slog.String("doing", e.Doing), slog.String("subject", e.Subject))
}

// RegistrationRepaired says that a registration had vanished from the servers and was made again.
type RegistrationRepaired struct {
	Service, Instance string
}

// Name is "registry.registration_repaired".
func (RegistrationRepaired) Name() string { return "registry.registration_repaired" }

// Level is warn.
func (RegistrationRepaired) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e RegistrationRepaired) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.String("instance", e.Instance)}
}

// ListHeld says that an empty list was not believed and the known instances stay for the grace period, or that it has ended.
type ListHeld struct {
	Service string
	On      bool
	Kept    int
}

// Name is "registry.list_held".
func (ListHeld) Name() string { return "registry.list_held" }

// Level is warn.
func (ListHeld) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e ListHeld) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.Bool("on", e.On), slog.Int("kept", e.Kept)}
}

// ListRecovering says that just after an outage of all servers instances stay that the servers do not list yet, or that
// the time for that is over.
type ListRecovering struct {
	Service     string
	On          bool
	Unconfirmed int // instances that stay
}

// Name is "registry.list_recovering".
func (ListRecovering) Name() string { return "registry.list_recovering" }

// Level is info.
func (ListRecovering) Level() slog.Level { return slog.LevelInfo }

// Attrs lists the fields.
func (e ListRecovering) Attrs() []slog.Attr {
	return []slog.Attr{slog.String("service", e.Service), slog.Bool("on", e.On), slog.Int("unconfirmed", e.Unconfirmed)}
}

// DiskFailed says that the snapshot folder could not be used: unwritable, or a damaged file was skipped.
type DiskFailed struct {
	Path  string
	Cause error
}

// Name is "registry.disk_failed".
func (DiskFailed) Name() string { return "registry.disk_failed" }

// Level is warn.
func (DiskFailed) Level() slog.Level { return slog.LevelWarn }

// Attrs lists the fields.
func (e DiskFailed) Attrs() []slog.Attr { return withCause(e.Cause, slog.String("path", e.Path)) }

func withCause(cause error, attrs ...slog.Attr) []slog.Attr {
	if cause == nil {
		return attrs
	}
	return append(attrs, slog.Any("error", cause))
}
