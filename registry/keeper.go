package registry

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/event"
)

const (
	defaultEmptyGrace    = 30 * time.Second
	defaultRecoveryGrace = 15 * time.Second
)

// Keeper is a Watcher that adds to another one what must survive the registry itself:
//
//   - One watch of a service serves all its subscribers, each on its own goroutine: a slow or panicking one holds up
//     nobody else. A panic is reported (event.Panicked) and the subscriber goes on.
//   - The last list of each service is kept on disk; what cannot be written is tried again. At start it is served at
//     once, with SourceDisk, until a server answers; its previous generation takes over when it is damaged.
//   - An error never takes a list away: subscribers get the last known one with Err set.
//   - An empty list does not wipe a service for the grace period, unless all its instances said goodbye. Until it is
//     believed or refuted, subscribers get the known list with an Err that wraps ErrHeld.
//   - After a time in which no server could be reached, the first lists hold only who has registered again so far. Known
//     instances that they leave out stay for the recovery grace, marked Unconfirmed, unless they said goodbye.
//
// A service once asked for is followed until Close. One that names no namespace or group is in public and DEFAULT_GROUP,
// whatever the watcher beneath takes for its own. Keepers that follow different registries need different folders: a
// file is named after namespace, group and service alone. All methods may be called by many goroutines at once.
type Keeper struct {
	watcher       Watcher
	emptyGrace    time.Duration
	recoveryGrace time.Duration
	observer      event.Observer
	disk          *disk // nil: disabled

	done chan struct{}  // closed by Close
	work sync.WaitGroup // subscribers' goroutines and running grace periods

	mu       sync.Mutex
	services map[Service]*kept
	closed   bool
}

// NewKeeper returns a Keeper over w. It does no I/O: the folder is first touched when a service is asked for.
func NewKeeper(w Watcher, cfg KeeperConfig, opts ...Option) *Keeper {
	k := &Keeper{
		watcher:       w,
		emptyGrace:    cmp.Or(max(cfg.EmptyGrace, 0), defaultEmptyGrace),
		recoveryGrace: cmp.Or(max(cfg.RecoveryGrace, 0), defaultRecoveryGrace),
		observer:      newOptions(opts).observer,
		done:          make(chan struct{}),
		services:      map[Service]*kept{},
	}
	if !cfg.Disk.Disabled {
		k.disk = newDisk(cfg.Disk.Dir, k.observer)
	}
	return k
}

// Watch is as Watcher has it. stop does not wait for a call of fn that has already begun.
func (k *Keeper) Watch(ctx context.Context, s Service, fn func(Snapshot)) (stop func(), err error) {
	service, err := k.open(ctx, s)
	if err != nil {
		return nil, err
	}
	return service.subscribe(fn)
}

// First returns the current list of s or waits for the first one until ctx ends. While nothing is known and the watcher
// says why, it fails at once with that error, which wraps ErrUnavailable when every server refused. It does not take an
// empty list from disk for an answer: it waits for a server to confirm it or for an error.
func (k *Keeper) First(ctx context.Context, s Service) (Snapshot, error) {
	service, err := k.open(ctx, s)
	if err != nil {
		return Snapshot{}, err
	}
	for {
		current, changed := service.now()
		switch {
		case current.Conclusive():
			return current, nil
		case current.Err != nil:
			return Snapshot{}, noList(service.name, current.Err)
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Snapshot{}, noList(service.name, ctx.Err())
		case <-k.done:
			return Snapshot{}, ErrClosed
		}
	}
}

func noList(s Service, err error) error { return fmt.Errorf("registry: no list of %s yet: %w", s, err) }

// Snapshots returns what is known now of every service that was asked for, in the order of namespace, group and name.
func (k *Keeper) Snapshots() []Snapshot {
	var all []Snapshot
	for _, service := range k.all() {
		current, _ := service.now()
		all = append(all, current)
	}
	slices.SortFunc(all, func(a, b Snapshot) int {
		return cmp.Or(
			cmp.Compare(a.Service.Namespace, b.Service.Namespace),
			cmp.Compare(a.Service.Group, b.Service.Group),
			cmp.Compare(a.Service.Name, b.Service.Name),
		)
	})
	return all
}

// Close ends all watches, waits for the subscribers' running calls and for what is still to be written to disk. It may
// be called again, but not from within a subscriber. The watcher beneath stays open. The error is always nil.
func (k *Keeper) Close() error {
	k.mu.Lock()
	if !k.closed {
		k.closed = true
		close(k.done)
	}
	k.mu.Unlock()
	for _, service := range k.all() {
		service.close()
	}
	k.work.Wait()
	if k.disk != nil {
		k.disk.close()
	}
	return nil
}

// open returns the state of s, followed from now on.
func (k *Keeper) open(ctx context.Context, s Service) (*kept, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	s = s.WithDefaults()
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil, ErrClosed
	}
	service := k.services[s]
	if service == nil {
		service = newKept(k, s)
		k.services[s] = service
	}
	k.mu.Unlock()
	return service, service.open(ctx)
}

func (k *Keeper) all() []*kept {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]*kept, 0, len(k.services))
	for _, service := range k.services {
		all = append(all, service)
	}
	return all
}
