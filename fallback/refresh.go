package fallback

import (
	"sync"
	"time"
)

// refreshes knows the keys whose last call failed and was answered stale, and lets one call of each go to the callee at
// a time. It holds at most max keys; beyond that it forgets one, whose calls are then let through as usual.
type refreshes struct {
	max int

	mu   sync.Mutex
	keys map[string]*refresh
}

// refresh is the state of one key. It is guarded by the mutex of its refreshes.
type refresh struct {
	underWay bool
	cause    error     // of the last failure
	until    time.Time // when the kept answer expires, and with it the need for this
}

func newRefreshes(maxKeys int) *refreshes {
	return &refreshes{max: max(1, maxKeys), keys: make(map[string]*refresh)}
}

// begin asks whether a call of key may go to the callee. If it is the key's refresh, it has the turn, which end gives
// back. If another call has it, known is why the key needs a refresh. Both are nil for a key that is well.
func (r *refreshes) begin(key string) (turn *refresh, known error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	state, failing := r.keys[key]
	switch {
	case !failing:
		return nil, nil
	case state.underWay:
		return nil, state.cause
	default:
		state.underWay = true
		return state, nil
	}
}

// end gives the turn back, however the refresh went.
func (r *refreshes) end(turn *refresh) {
	r.mu.Lock()
	defer r.mu.Unlock()
	turn.underWay = false
}

// failed notes that a call of key failed with cause and was answered with what is kept until then.
func (r *refreshes) failed(key string, cause error, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if state, failing := r.keys[key]; failing {
		state.cause, state.until = cause, until
		return
	}
	if len(r.keys) >= r.max {
		for other := range r.keys {
			delete(r.keys, other)
			break
		}
	}
	r.keys[key] = &refresh{cause: cause, until: until}
}

// succeeded notes that key needs no refresh.
func (r *refreshes) succeeded(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.keys, key)
}

// sweep forgets the keys whose kept answers have expired.
func (r *refreshes) sweep(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, state := range r.keys {
		if now.After(state.until) {
			delete(r.keys, key)
		}
	}
}
