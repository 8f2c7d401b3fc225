// Package mailbox hands values to functions that may be slow or panic, without holding up who has the values.
package mailbox

import (
	"runtime/debug"
	"sync"

	"github.com/holdfast-go/holdfast/event"
)

// Mailbox hands values to Fn one at a time, on a goroutine that lives while there is one to hand over. A value that Fn was
// too slow for is replaced by the next: Fn skips values but gets the newest. A panic of Fn is reported, and the next value
// is handed over as usual.
type Mailbox[T any] struct {
	Fn       func(T)
	Where    string // for reports of panics
	Observer event.Observer
	Work     *sync.WaitGroup // counts the goroutine

	mu      sync.Mutex
	next    T
	pending bool
	running bool
	stopped bool
}

// Put leaves a value. It returns at once.
func (m *Mailbox[T]) Put(next T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped {
		return
	}
	m.next, m.pending = next, true
	if !m.running {
		m.running = true
		m.Work.Go(m.drain)
	}
}

func (m *Mailbox[T]) drain() {
	for {
		next, ok := m.take()
		if !ok {
			return
		}
		m.call(next)
	}
}

func (m *Mailbox[T]) take() (next T, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.stopped || !m.pending {
		m.running = false
		return next, false
	}
	var none T
	next, m.next, m.pending = m.next, none, false
	return next, true
}

func (m *Mailbox[T]) call(value T) {
	defer func() {
		if v := recover(); v != nil {
			m.Observer.Observe(event.Panicked{Where: m.Where, Value: v, Stack: debug.Stack()})
		}
	}()
	m.Fn(value)
}

// Stop does not wait, so that Fn may call it: Fn may still be called with a value that has been taken.
func (m *Mailbox[T]) Stop() {
	m.mu.Lock()
	defer m.mu.Unlock()
	var none T
	m.stopped, m.pending, m.next = true, false, none
}
