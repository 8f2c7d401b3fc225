package e2e

import (
	"slices"
	"sync"
	"testing"
	"time"
)

// patience is what a test grants the servers. A Java cluster that lost its leader elects the next one in 8 s or more.
const patience = time.Minute

// entry is a value and the time at which it came.
type entry[T any] struct {
	value T
	at    time.Time
}

// record keeps what a callback was given.
type record[T any] struct {
	mu      sync.Mutex
	entries []entry[T]
	changed chan struct{}
}

func newRecord[T any]() *record[T] { return &record[T]{changed: make(chan struct{})} }

func (r *record[T]) add(value T) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.entries = append(r.entries, entry[T]{value, time.Now()})
	close(r.changed)
	r.changed = make(chan struct{})
}

// since returns the entries from the latest before a time on: what the callback's receiver believed since then.
func (r *record[T]) since(from time.Time) []entry[T] {
	r.mu.Lock()
	defer r.mu.Unlock()
	later := slices.IndexFunc(r.entries, func(e entry[T]) bool { return e.at.After(from) })
	if later < 0 {
		later = len(r.entries)
	}
	return slices.Clone(r.entries[max(later-1, 0):])
}

// await waits until the callback's receiver believes what is wanted, from a time on.
func (r *record[T]) await(t *testing.T, what string, from time.Time, wanted func(T) bool) entry[T] {
	t.Helper()
	deadline := time.After(patience)
	for {
		r.mu.Lock()
		changed := r.changed
		r.mu.Unlock()
		entries := r.since(from)
		if i := slices.IndexFunc(entries, func(e entry[T]) bool { return wanted(e.value) }); i >= 0 {
			return entries[i]
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%s: not seen within %v, but %+v", what, patience, entries)
		}
	}
}
