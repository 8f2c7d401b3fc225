package registrytest

import "sync"

// queue calls fn with every value put into it, in order and one at a time, on a goroutine that lives while there is work.
type queue[T any] struct {
	fn func(T)

	mu      sync.Mutex
	waiting []T
	running bool
	stopped bool
	idle    sync.WaitGroup
}

func (q *queue[T]) put(value T) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stopped {
		return
	}
	q.waiting = append(q.waiting, value)
	if !q.running {
		q.running = true
		q.idle.Go(q.drain)
	}
}

func (q *queue[T]) drain() {
	for {
		q.mu.Lock()
		if q.stopped || len(q.waiting) == 0 {
			q.running = false
			q.mu.Unlock()
			return
		}
		next := q.waiting[0]
		q.waiting = q.waiting[1:]
		q.mu.Unlock()
		q.call(next)
	}
}

// call survives a panic of fn, as the contract asks of every implementation.
func (q *queue[T]) call(value T) {
	defer func() { _ = recover() }()
	q.fn(value)
}

// stop does not wait, so that fn may call it: fn may still be called with a value that has been taken.
func (q *queue[T]) stop() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.stopped, q.waiting = true, nil
}
