package registry

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/mailbox"
)

// ErrHeld is the Err of a Snapshot whose list is kept although a server has answered with an empty one, which is not
// believed before the grace period ends.
var ErrHeld = errors.New("registry: empty list held back")

// kept is what a Keeper knows of one service.
type kept struct {
	keeper *Keeper
	name   Service

	opening chan struct{} // holds one value while the service is being opened
	loaded  bool          // from disk, or there was nothing; belongs to who opens

	mu          sync.Mutex
	stop        func() // ends the watch; nil before it has begun
	current     Snapshot
	changed     chan struct{} // closed and replaced when current changes
	held        *hold         // nil: no empty list is held back
	cutOff      bool          // no server could be reached since the last list
	heard       bool          // the watcher has told something
	outages     uint64        // that it has told of
	recovery    *recovery     // nil: not just after an outage
	stored      *Snapshot     // what was last given to the disk
	subscribers map[*mailbox.Mailbox[Snapshot]]struct{}
	closed      bool
}

// hold is an empty list that is not believed yet.
type hold struct {
	list  Snapshot
	grace *grace
}

func newKept(k *Keeper, name Service) *kept {
	return &kept{
		keeper:      k,
		name:        name,
		opening:     make(chan struct{}, 1),
		current:     Snapshot{Service: name},
		changed:     make(chan struct{}),
		subscribers: map[*mailbox.Mailbox[Snapshot]]struct{}{},
	}
}

// open begins to follow the service unless that has been done: first what the disk has, then what the watcher says.
func (k *kept) open(ctx context.Context) error {
	if k.isOpen() {
		return nil
	}
	select {
	case k.opening <- struct{}{}:
		defer func() { <-k.opening }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if k.isOpen() {
		return nil
	}
	if !k.loaded {
		k.loaded = true
		k.load()
	}
	stop, err := k.keeper.watcher.Watch(ctx, k.name, k.receive)
	if err != nil {
		return err
	}
	if !k.opened(stop) {
		stop()
		return ErrClosed
	}
	return nil
}

func (k *kept) isOpen() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stop != nil
}

// opened leaves stop to close, unless that has been called.
func (k *kept) opened(stop func()) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return false
	}
	k.stop = stop
	return true
}

func (k *kept) load() {
	if k.keeper.disk == nil {
		return
	}
	s, ok := k.keeper.disk.load(k.name)
	if !ok {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.set(s)
}

func (k *kept) subscribe(fn func(Snapshot)) (stop func(), err error) {
	s := &mailbox.Mailbox[Snapshot]{
		Fn: fn, Where: "subscriber of " + k.name.String(), Observer: k.keeper.observer, Work: &k.keeper.work,
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, ErrClosed
	}
	k.subscribers[s] = struct{}{}
	if k.current.Known() || k.current.Err != nil {
		s.Put(k.current)
	}
	return func() {
		s.Stop()
		k.mu.Lock()
		defer k.mu.Unlock()
		delete(k.subscribers, s)
	}, nil
}

// now returns the current state and a channel that is closed when there is another.
func (k *kept) now() (Snapshot, <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current, k.changed
}

// receive takes what the watcher says.
func (k *kept) receive(s Snapshot) {
	k.mu.Lock()
	reports := k.judge(s)
	k.mu.Unlock()
	for _, e := range reports {
		k.keeper.observer.Observe(e)
	}
}

// judge decides what s changes and returns what there is to report. It is called with mu held.
func (k *kept) judge(s Snapshot) (reports []event.Event) {
	if k.closed || !s.Known() && s.Err == nil {
		return nil
	}
	if k.heard && s.Outages > k.outages { // perhaps one that was too short to be told of
		reports = k.interrupt()
	}
	k.heard, k.outages = true, s.Outages
	doubtful := len(s.Instances) == 0 && k.expectsInstances()
	switch {
	case s.Err != nil && (doubtful || !s.Known() || k.cutOff):
		// An empty list that was held back dies with the connection to the server that told it.
		reports = append(reports, k.release()...)
		k.fail(s.Err)
	case doubtful && k.held != nil:
		k.held.list = s
	case doubtful:
		reports = append(reports, k.hold(s)...)
	default:
		reports = append(reports, k.release()...)
		reports = append(reports, k.take(s)...)
	}
	if errors.Is(s.Err, ErrUnavailable) {
		reports = append(reports, k.interrupt()...)
	}
	return reports
}

// expectsInstances reports whether some known instance has not said goodbye.
func (k *kept) expectsInstances() bool {
	return slices.ContainsFunc(k.current.Instances, func(i Instance) bool { return !saidGoodbye(i) })
}

// hold keeps what is known in the face of an empty list, and returns what there is to report.
func (k *kept) hold(s Snapshot) (reports []event.Event) {
	h := &hold{list: s}
	k.held = h
	if k.recovery != nil {
		reports = k.interrupt() // what was waited for is waited for again
	}
	h.grace = newGrace(k.keeper.emptyGrace, &k.keeper.work, func() { k.believe(h) })
	k.fail(ErrHeld)
	return append(reports, event.ListHeld{Service: k.name.String(), On: true, Kept: len(k.current.Instances)})
}

// believe takes the held list over at the end of its grace period.
func (k *kept) believe(h *hold) {
	k.mu.Lock()
	if k.closed || k.held != h {
		k.mu.Unlock()
		return
	}
	k.held = nil
	k.set(h.list)
	k.mu.Unlock()
	k.keeper.observer.Observe(event.ListHeld{Service: k.name.String()})
}

// release forgets a list that is held back.
func (k *kept) release() []event.Event {
	if k.held == nil {
		return nil
	}
	k.held.grace.stop()
	k.held = nil
	return []event.Event{event.ListHeld{Service: k.name.String(), Kept: len(k.current.Instances)}}
}

// fail says of the known list, if any, why there is none newer.
func (k *kept) fail(err error) {
	next := k.current
	next.Err = err
	k.set(next)
}

// set makes next the current state and tells the subscribers if it says anything new.
func (k *kept) set(next Snapshot) {
	before := k.current
	next.Service, next.Revision = k.name, before.Revision
	k.current = next
	k.store(next)
	if same(before, next) {
		return
	}
	k.current.Revision++
	close(k.changed)
	k.changed = make(chan struct{})
	for s := range k.subscribers {
		s.Put(k.current)
	}
}

// store gives the disk a list that a server has just confirmed, unless it has it.
func (k *kept) store(s Snapshot) {
	confirmed := s.Err == nil && k.recovery == nil && (s.Source == SourcePush || s.Source == SourcePoll)
	if k.keeper.disk == nil || !confirmed || k.stored != nil && sameInstances(*k.stored, s) {
		return
	}
	k.stored = &s
	k.keeper.disk.store(s)
}

// storeAge gives the disk the list that it has once more, if a server has confirmed it since.
func (k *kept) storeAge() {
	if k.stored == nil || !k.current.At.After(k.stored.At) || !sameInstances(*k.stored, k.current) {
		return
	}
	k.keeper.disk.store(k.current)
}

func same(a, b Snapshot) bool {
	return a.Source == b.Source && a.Node == b.Node && sameError(a.Err, b.Err) && sameInstances(a, b)
}

func sameInstances(a, b Snapshot) bool {
	return slices.EqualFunc(a.Instances, b.Instances, Instance.Equal)
}

func sameError(a, b error) bool {
	if a == nil || b == nil {
		return a == nil && b == nil
	}
	return a.Error() == b.Error()
}

// close ends the watch, or leaves that to an open that is still running.
func (k *kept) close() {
	k.mu.Lock()
	if !k.closed {
		k.storeAge()
	}
	k.closed = true
	k.release()
	k.endRecovery()
	for s := range k.subscribers {
		s.Stop()
	}
	clear(k.subscribers)
	stop := k.stop
	k.mu.Unlock()
	if stop != nil {
		stop()
	}
}
