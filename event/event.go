// Package event holds what Holdfast reports about itself: one type for each thing that an operator may want to know,
// and the Observer that receives them.
package event

import "log/slog"

// Event is one thing that happened. Events are values and may be kept.
type Event interface {
	Name() string       // a stable identifier, such as "breaker.changed"
	Level() slog.Level  // how loudly a logger should say it
	Attrs() []slog.Attr // the facts, without secrets
}

// Observer receives events. Observe is called on the path of the work that it reports, by many goroutines at once:
// it must return quickly and must not panic.
type Observer interface {
	Observe(e Event)
}

// ObserverFunc lets a function be an Observer.
type ObserverFunc func(Event)

// Observe calls f.
func (f ObserverFunc) Observe(e Event) { f(e) }

// Observers passes each event to every one of them, in order; nil ones are left out.
func Observers(all ...Observer) Observer {
	kept := make(observers, 0, len(all))
	for _, o := range all {
		if o != nil {
			kept = append(kept, o)
		}
	}
	return kept
}

type observers []Observer

func (all observers) Observe(e Event) {
	for _, o := range all {
		o.Observe(e)
	}
}

// Discard is an Observer that does nothing.
type Discard struct{}

// Observe does nothing.
func (Discard) Observe(Event) {}
