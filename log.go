package holdfast

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/event"
)

// logWindow is the time for which a repeated event is counted rather than logged again.
const logWindow = 10 * time.Second

// kindsToldApart bounds the kinds of one name within a window: with more, the rest count as one kind. When everything
// fails at once, a line for each instance helps nobody.
const kindsToldApart = 20

// told are the attributes by which events about the same thing are of different kinds: of what in it, and what it has become.
var told = []string{"method", "instance", "subject", "up", "to", "on"}

// eventLog writes events to a logger. The first of a kind is written at once; those of the same kind that follow within
// the window are counted, and the last of them is written at its end with their number. Kinds are told apart by the
// event's name, its first attribute, which names the service, node or file, and by all that is in told.
type eventLog struct {
	logger *slog.Logger

	mu     sync.Mutex
	closed bool
	kinds  map[kind]*repeated
	apart  map[string]int // kinds by name
	timers sync.WaitGroup // windows that have not ended
}

type kind struct{ name, about, detail string }

type repeated struct {
	last  event.Event
	count int
	timer *time.Timer
}

func newEventLog(l *slog.Logger) *eventLog {
	return &eventLog{logger: l, kinds: map[kind]*repeated{}, apart: map[string]int{}}
}

// Observe logs e or counts it.
func (l *eventLog) Observe(e event.Event) {
	if !l.logger.Enabled(context.Background(), e.Level()) {
		return
	}
	if l.first(e) {
		l.write(e)
	}
}

func (l *eventLog) first(e event.Event) bool {
	k := kindOf(e)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return true
	}
	if _, ok := l.kinds[k]; !ok && l.apart[k.name] >= kindsToldApart {
		k = kind{name: k.name}
	}
	if r, ok := l.kinds[k]; ok {
		r.last, r.count = e, r.count+1
		return false
	}
	l.apart[k.name]++
	l.timers.Add(1)
	l.kinds[k] = &repeated{timer: time.AfterFunc(logWindow, func() { l.sumUp(k) })}
	return true
}

func kindOf(e event.Event) kind {
	k := kind{name: e.Name()}
	for i, a := range e.Attrs() {
		switch {
		case i == 0:
			k.about = a.Value.String()
		case slices.Contains(told, a.Key):
			k.detail += a.Value.String() + " "
		}
	}
	return k
}

// sumUp ends the window of a kind, or begins the next one if the kind goes on.
func (l *eventLog) sumUp(k kind) {
	defer l.timers.Done()
	l.mu.Lock()
	r, ok := l.kinds[k]
	if !ok {
		l.mu.Unlock()
		return
	}
	last, count := r.last, r.count
	if count == 0 {
		delete(l.kinds, k)
		l.apart[k.name]--
	} else {
		r.last, r.count = nil, 0
		l.timers.Add(1)
		r.timer.Reset(logWindow)
	}
	l.mu.Unlock()
	if count > 0 {
		l.write(last, slog.Int("times", count), slog.Duration("within", logWindow))
	}
}

func (l *eventLog) write(e event.Event, more ...slog.Attr) {
	l.logger.LogAttrs(context.Background(), e.Level(), "holdfast: "+e.Name(), append(e.Attrs(), more...)...)
}

// Close writes what was only counted and ends the windows. What is observed later is written at once.
func (l *eventLog) Close() {
	l.mu.Lock()
	l.closed = true
	kinds := l.kinds
	l.kinds = map[kind]*repeated{}
	l.mu.Unlock()
	for _, r := range kinds {
		if r.timer.Stop() {
			l.timers.Done()
		}
		if r.count > 0 {
			l.write(r.last, slog.Int("times", r.count))
		}
	}
	l.timers.Wait()
}
