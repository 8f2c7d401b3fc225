// Package fallback answers calls whose callee failed: with the last good answer, if it is young enough, or else with a
// default.
//
// # What answers, and when
//
// An answer that is a success is kept under the key that a KeyFunc makes of its request. When a later call with the
// same key fails, the kept answer stands in for it as long as it is younger than policy.Fallback.StaleIfError: the
// stale-if-error of RFC 5861. Where there is none, the DefaultFunc is asked, and where that has nothing to say either,
// the caller gets the failure.
//
//   - Without a KeyFunc nothing is kept: two requests are the same only if the application says so.
//   - An error that is the caller's own (policy.Refused, most 4xx) is no failure: it is what the callee has to say.
//     It and an application's error in a response (go-kit's endpoint.Failer) are never kept, and they remove what was
//     kept before: a record that was deleted, or a permission that was withdrawn, must not come back in an outage, nor
//     by a slow answer to a question that was asked before.
//   - A caller that gave up gets its own error and nothing else. When only its time is up, it still gets the kept
//     answer or the default; neither needs any I/O.
//   - Kept answers are shared by all calls with the same key. Whoever receives a response must not change it.
//
// # One refresh per key
//
// Once a call was answered stale, at most one call at a time with that key goes to the callee until one succeeds; the
// others get the kept answer at once. So an outage is not multiplied by the number of callers who want the same thing,
// and they do not all wait for the same time-out. A refresh that is cancelled or panics hands its turn to the next.
package fallback

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// ErrUnfit is the cause of a fallback when the callee returned no error, but a response that the method's classifier
// judged a failure, or whose own error could not be asked for.
var ErrUnfit = errors.New("fallback: response judged a failure")

const sweepEvery = time.Minute

// Fallback answers for one method of a service. It is safe for concurrent use.
type Fallback struct {
	staleIfError time.Duration
	key          KeyFunc
	byDefault    DefaultFunc
	observer     event.Observer
	store        Store
	refreshes    *refreshes
	removals     *removals

	closing sync.Once
	stop    chan struct{}
	stopped sync.WaitGroup
}

// New makes a Fallback for one method. With a KeyFunc it starts a goroutine that removes what has expired, once a
// minute; Close ends it. A policy that is Disabled leaves calls alone.
func New(p policy.Fallback, opts ...Option) *Fallback {
	p = p.WithDefaults()
	f := &Fallback{staleIfError: p.StaleIfError, observer: event.Discard{}, stop: make(chan struct{})}
	for _, opt := range opts {
		opt(f)
	}
	if p.Disabled.On() {
		f.key, f.byDefault = nil, nil
	}
	if f.key == nil {
		return f
	}
	if f.store == nil {
		f.store = NewCache(p.MaxEntries)
	}
	f.refreshes = newRefreshes(p.MaxEntries)
	f.removals = newRemovals(p.MaxEntries)
	f.stopped.Go(f.sweep)
	return f
}

// Close ends what runs in the background and waits for it. Calls are answered as before. It may be called more than
// once.
func (f *Fallback) Close() error {
	f.closing.Do(func() { close(f.stop) })
	f.stopped.Wait()
	return nil
}

func (f *Fallback) sweep() {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		select {
		case <-f.stop:
			return
		case <-tick.C:
			f.refreshes.sweep(time.Now())
			f.removals.sweep(time.Now())
			if cache, ok := f.store.(*Cache); ok {
				cache.Sweep()
			}
		}
	}
}

// Middleware is the stage in the way of a call. It belongs above all stages that can fail, and notes in the state of the
// call how the answer came about.
func (f *Fallback) Middleware() endpoint.Middleware {
	return func(next endpoint.Endpoint) endpoint.Endpoint {
		return func(ctx context.Context, request any) (any, error) {
			ctx, state := call.Ensure(ctx)
			key, ok := f.keyOf(ctx, state, request)
			if !ok {
				response, err := next(ctx, request)
				return f.withoutKey(ctx, state, request, response, err)
			}
			if late := ctx.Err(); late != nil && !gaveUp(ctx) { // asking would tell nothing of the callee
				if entry, age, ok := f.load(key); ok {
					return f.stale(state, entry, age, late)
				}
			}

			turn, known := f.refreshes.begin(key)
			if turn != nil {
				defer f.refreshes.end(turn)
			} else if known != nil && !gaveUp(ctx) {
				if entry, age, ok := f.load(key); ok {
					return f.stale(state, entry, age, known)
				}
			}
			response, err := next(ctx, request)
			return f.withKey(ctx, state, key, request, response, err)
		}
	}
}

func (f *Fallback) withoutKey(ctx context.Context, state *call.State, request, response any, err error) (any, error) {
	verdict := state.Judge(ctx, response, err, nil)
	if verdict.Outcome.OK() || gaveUp(ctx) {
		return live(state, response, err)
	}
	return f.orDefault(ctx, state, request, response, err)
}

func (f *Fallback) withKey(ctx context.Context, state *call.State, key string, request, response any, err error) (any, error) {
	verdict := state.Judge(ctx, response, err, nil)
	switch {
	case verdict.Outcome.OK():
		f.keep(state, key, response, verdict.Outcome == policy.Success && err == nil)
		f.refreshes.succeeded(key)
		return live(state, response, err)
	case gaveUp(ctx):
		return live(state, response, err)
	}
	entry, age, ok := f.load(key)
	if !ok {
		f.refreshes.succeeded(key) // nothing is left to answer with meanwhile
		return f.orDefault(ctx, state, request, response, err)
	}
	cause := f.causeOf(state, response, err)
	f.refreshes.failed(key, cause, entry.Stored.Add(f.staleIfError))
	return f.stale(state, entry, age, cause)
}

// keep keeps a good answer, and forgets what was kept when the callee has something else to say.
func (f *Fallback) keep(state *call.State, key string, response any, good bool) {
	if !good || f.failed(state, response) != nil {
		f.removals.note(key)
		f.store.Delete(key)
		return
	}
	if !f.removals.since(key, state.Started) {
		f.store.Save(key, Entry{Response: response, Stored: time.Now()}, f.staleIfError)
	}
}

func (f *Fallback) load(key string) (Entry, time.Duration, bool) {
	entry, ok := f.store.Load(key)
	if !ok {
		return Entry{}, 0, false
	}
	age := time.Since(entry.Stored)
	return entry, age, age < f.staleIfError
}

func (f *Fallback) stale(state *call.State, entry Entry, age time.Duration, cause error) (any, error) {
	state.Source, state.Age, state.Cause = call.SourceStale, age, cause
	f.observer.Observe(event.FellBack{
		Service: state.Service, Method: state.Method, Source: call.SourceStale, Age: age, Cause: cause,
	})
	return entry.Response, nil
}

func (f *Fallback) orDefault(ctx context.Context, state *call.State, request, response any, err error) (any, error) {
	if f.byDefault == nil {
		return live(state, response, err)
	}
	cause := f.causeOf(state, response, err)
	answer, refused := f.askDefault(ctx, state, request, cause)
	if refused != nil {
		return live(state, response, err)
	}
	state.Source, state.Cause = call.SourceDefault, cause
	f.observer.Observe(event.FellBack{
		Service: state.Service, Method: state.Method, Source: call.SourceDefault, Cause: cause,
	})
	return answer, nil
}

// live passes on what the callee said.
func live(state *call.State, response any, err error) (any, error) {
	if err == nil {
		state.Source = call.SourceLive
	}
	return response, err
}

// keyOf returns the key of a request. A request whose key cannot be made is a request without a key.
func (f *Fallback) keyOf(ctx context.Context, state *call.State, request any) (key string, ok bool) {
	if f.key == nil {
		return "", false
	}
	defer func() {
		if value := recover(); value != nil {
			f.panicked("key function", state, value)
			key, ok = "", false
		}
	}()
	key, ok = f.key(ctx, request)
	return key, ok && key != ""
}

func (f *Fallback) askDefault(ctx context.Context, state *call.State, request any, cause error) (response any, err error) {
	defer func() {
		if value := recover(); value != nil {
			f.panicked("default function", state, value)
			response, err = nil, fmt.Errorf("fallback: default function panicked: %v", value)
		}
	}()
	return f.byDefault(ctx, request, cause)
}

func (f *Fallback) panicked(what string, state *call.State, value any) {
	f.observer.Observe(event.Panicked{
		Where: what + " of " + state.Service + "/" + state.Method, Value: value, Stack: debug.Stack(),
	})
}

// gaveUp reports whether the caller itself ended the call; that its time is up does not count.
func gaveUp(ctx context.Context) bool { return errors.Is(ctx.Err(), context.Canceled) }

func (f *Fallback) causeOf(state *call.State, response any, err error) error {
	if err != nil {
		return err
	}
	if err := f.failed(state, response); err != nil {
		return err
	}
	return ErrUnfit
}

// failed returns the application's error in a response. One that panics when it is asked, as a nil pointer may, is unfit.
func (f *Fallback) failed(state *call.State, response any) (err error) {
	failer, ok := response.(endpoint.Failer)
	if !ok {
		return nil
	}
	defer func() {
		if value := recover(); value != nil {
			f.panicked("response", state, value)
			err = ErrUnfit
		}
	}()
	return failer.Failed()
}
