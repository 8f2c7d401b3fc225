package resolver

import (
	"errors"
	"slices"
	"sync"

	"github.com/go-kit/kit/sd"
)

// Instancer lets go-kit's own parts, such as sd.NewEndpointer, follow the list. By the nature of sd.Event it carries
// addresses only: those of the usable instances, without weights and ejection. While the registry cannot tell, it
// sends the error and no list, so that the last list stays in use.
//
// Register returns at once; a channel gets the current state as soon as somebody receives, and after that always the
// latest: states that were overtaken meanwhile are left out. Nothing is sent once Deregister or Stop has returned. Each
// call of Instancer returns another one, and its Stop stops that one only.
func (r *Resolver) Instancer() sd.Instancer {
	return &instancer{resolver: r, feeds: map[chan<- sd.Event]*feed{}}
}

type instancer struct {
	resolver *Resolver
	mu       sync.Mutex
	stopped  bool
	feeds    map[chan<- sd.Event]*feed
}

// Register begins to send to ch. A channel that is registered already, or registered after Stop, changes nothing.
func (i *instancer) Register(ch chan<- sd.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.stopped || i.feeds[ch] != nil {
		return
	}
	f := &feed{resolver: i.resolver, ch: ch, quit: make(chan struct{}), ended: make(chan struct{})}
	if i.resolver.start(f) {
		i.feeds[ch] = f
	}
}

// Deregister ends what Register began.
func (i *instancer) Deregister(ch chan<- sd.Event) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if f := i.feeds[ch]; f != nil {
		delete(i.feeds, ch)
		f.stop()
	}
}

// Stop deregisters all channels. It is idempotent.
func (i *instancer) Stop() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.stopped = true
	for _, f := range i.feeds {
		f.stop()
	}
	clear(i.feeds)
}

// feed sends to one channel.
type feed struct {
	resolver *Resolver
	ch       chan<- sd.Event
	quit     chan struct{}
	ended    chan struct{}
}

// start runs f unless the resolver is closed.
func (r *Resolver) start(f *feed) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return false
	}
	r.feeds.Go(f.run)
	return true
}

func (f *feed) stop() {
	close(f.quit)
	<-f.ended
}

func (f *feed) run() {
	defer close(f.ended)
	var sent feedState
	for {
		v := f.resolver.view.Load()
		next, event, news := sent.next(v)
		ch := f.ch
		if !news {
			ch = nil
		}
		select {
		case ch <- event:
			sent = next
		case <-v.superseded:
		case <-f.quit:
			return
		case <-f.resolver.done:
			return
		}
	}
}

// feedState is what a channel has been told.
type feedState struct {
	addrs []string // nil: no list yet
	err   error    // sent after the list
}

// next returns what to send now, if anything, and the state after that. A list that is not the newest goes out too, if
// it has not: its error follows it.
func (s feedState) next(v *view) (after feedState, event sd.Event, news bool) {
	known, failure := v.snapshot.Known(), v.snapshot.Err
	var addrs []string
	if known {
		addrs = v.addrs()
	}
	switch {
	case known && (s.addrs == nil || !slices.Equal(addrs, s.addrs) || s.err != nil && failure == nil):
		return feedState{addrs: addrs}, sd.Event{Instances: slices.Clone(addrs)}, true // the receiver may sort it
	case failure != nil && !errors.Is(failure, s.err):
		return feedState{addrs: s.addrs, err: failure}, sd.Event{Err: failure}, true
	default:
		return s, sd.Event{}, false
	}
}

// addrs are the usable addresses, ordered; never nil.
func (v *view) addrs() []string {
	addrs := make([]string, 0, v.usable)
	for i := range v.snapshot.Instances {
		if instance := &v.snapshot.Instances[i]; instance.Usable() {
			addrs = append(addrs, instance.Addr)
		}
	}
	return slices.Compact(addrs) // one may be in two clusters
}
