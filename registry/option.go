package registry

import "github.com/holdfast-go/holdfast/event"

// Option is a collaborator that NewKeeper and NewSDRegistrar can do without.
type Option func(*options)

type options struct{ observer event.Observer }

// WithObserver reports to o. Default: nobody.
func WithObserver(o event.Observer) Option {
	return func(all *options) {
		if o != nil {
			all.observer = o
		}
	}
}

func newOptions(opts []Option) options {
	all := options{observer: event.Discard{}}
	for _, opt := range opts {
		opt(&all)
	}
	return all
}
