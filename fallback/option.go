package fallback

import (
	"context"

	"github.com/holdfast-go/holdfast/event"
)

// KeyFunc names what a request asks for. The key must hold everything that the answer depends on: not only the
// identifier in the request, but also the tenant, the user, the locale and whatever else of ctx the callee looks at.
// Who leaves out the tenant shows one tenant's data to another. Key joins the parts so that different parts never give
// the same key.
//
// With ok false, or an empty key, the answer to the request is neither kept nor taken from what was kept. The same goes
// for a KeyFunc that panics; this is reported as an event.Panicked.
type KeyFunc func(ctx context.Context, request any) (key string, ok bool)

// DefaultFunc makes an answer for a call that failed with cause. It must be quick and do no I/O: the time of ctx may
// already be up. When it returns an error or panics, the caller gets the original failure.
type DefaultFunc func(ctx context.Context, request any, cause error) (response any, err error)

// Option sets a collaborator of a Fallback.
type Option func(*Fallback)

// WithKey keeps good answers under the keys that key makes. Default: nothing is kept.
func WithKey(key KeyFunc) Option {
	return func(f *Fallback) { f.key = key }
}

// WithDefault asks byDefault when there is no kept answer. Default: the failure is returned.
func WithDefault(byDefault DefaultFunc) Option {
	return func(f *Fallback) { f.byDefault = byDefault }
}

// WithObserver sends events (event.FellBack, event.Panicked) to o. Default: nobody hears of them.
func WithObserver(o event.Observer) Option {
	return func(f *Fallback) {
		if o != nil {
			f.observer = o
		}
	}
}

// WithStore keeps the answers in s, which the Fallback does not close. A store belongs to one method: two methods must
// not share one, for their keys would meet. Default: a Cache of its own with policy.Fallback.MaxEntries.
func WithStore(s Store) Option {
	return func(f *Fallback) {
		if s != nil {
			f.store = s
		}
	}
}
