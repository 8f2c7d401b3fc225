package registrytest

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// record keeps what a callback was called with and wakes who waits for more.
type record[T any] struct {
	mu      sync.Mutex
	entries []T
	changed chan struct{}
}

func newRecord[T any]() *record[T] { return &record[T]{changed: make(chan struct{})} }

func (r *record[T]) add(entry T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, entry)
	close(r.changed)
	r.changed = make(chan struct{})
}

func (r *record[T]) all() []T {
	all, _ := r.now()
	return all
}

func (r *record[T]) now() ([]T, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.entries), r.changed
}

// await returns the entries once accept likes them, which happens soon or the test fails.
func (r *record[T]) await(t *testing.T, what string, accept func(all []T) bool) []T {
	t.Helper()
	deadline := time.After(patience)
	for {
		all, changed := r.now()
		if accept(all) {
			return all
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("not within %s: %s; %d callbacks, the last ones %+v", patience, what, len(all), all[max(0, len(all)-3):])
		}
	}
}

// awaitLast returns the newest entry once accept likes it.
func (r *record[T]) awaitLast(t *testing.T, what string, accept func(last T) bool) T {
	t.Helper()
	all := r.await(t, what, func(all []T) bool { return len(all) > 0 && accept(all[len(all)-1]) })
	return all[len(all)-1]
}
