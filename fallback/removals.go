package fallback

import (
	"sync"
	"time"
)

// removalsKept is how long a removal is remembered by its key: longer than calls usually take.
const removalsKept = time.Minute

// removals knows what the callee has said no of lately, so that an answer to an earlier question, which came later, does
// not bring it back. It holds at most max keys.
type removals struct {
	max int

	mu     sync.Mutex
	at     map[string]time.Time
	before time.Time // what was asked before then may have been removed since: its key is forgotten
}

func newRemovals(maxKeys int) *removals {
	return &removals{max: max(1, maxKeys), at: make(map[string]time.Time)}
}

// note says that key has just been removed.
func (r *removals) note(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	if len(r.at) >= r.max {
		clear(r.at)
		r.before = now
	}
	r.at[key] = now
}

// since reports whether key was removed, or may have been, since the time at which it was asked for.
func (r *removals) since(key string, asked time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.at[key].After(asked) || r.before.After(asked)
}

// sweep forgets the removals that are old.
func (r *removals) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	limit := now.Add(-removalsKept)
	for key, at := range r.at {
		if at.Before(limit) {
			delete(r.at, key)
			r.before = limit
		}
	}
}
