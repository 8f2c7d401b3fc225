package registrytest

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/registry"
)

// Memory is a client of a registry that lives in this process, for tests: a Registrar, a Watcher and Configs in one.
// It delivers every state, also to slow watchers, and keeps no cache: after a failure a new watcher knows nothing. All
// methods may be called by many goroutines at once. It starts goroutines only for deliveries and works under fake time.
type Memory struct{ servers *servers }

// NewMemory starts an empty registry and returns a client of it.
func NewMemory() *Memory {
	return &Memory{servers: &servers{
		services: map[registry.Service]*service{},
		configs:  map[registry.ConfigKey]*config{},
		closed:   map[*Memory]bool{},
	}}
}

// Client returns another client of the same registry.
func (m *Memory) Client() *Memory { return &Memory{servers: m.servers} }

// servers is what all clients share; mu guards everything below it.
type servers struct {
	mu       sync.Mutex
	failure  error
	services map[registry.Service]*service
	configs  map[registry.ConfigKey]*config
	closed   map[*Memory]bool
}

type service struct {
	name     registry.Service
	declared []declaration
	current  registry.Snapshot
	revision uint64
	watchers map[*watcher]struct{}
}

type declaration struct {
	client   *Memory // nil: pushed
	instance registry.Instance
}

type watcher struct {
	queue[registry.Snapshot]
	client *Memory
	last   registry.Snapshot
}

// Register declares i, as registry.Registrar has it.
func (m *Memory) Register(ctx context.Context, s registry.Service, i registry.Instance) error {
	if err := i.Validate(); err != nil {
		return err
	}
	return m.declare(ctx, s, func(of *service) {
		of.remove(m, i.Addr)
		i = i.Clone().WithDefaults()
		i.Disabled = i.Disabled || i.Weight == 0
		of.declared = append(of.declared, declaration{m, i})
	})
}

// Deregister takes the declaration back, as registry.Registrar has it.
func (m *Memory) Deregister(ctx context.Context, s registry.Service, i registry.Instance) error {
	if _, _, err := i.HostPort(); err != nil {
		return err
	}
	return m.declare(ctx, s, func(of *service) { of.remove(m, i.Addr) })
}

func (m *Memory) declare(ctx context.Context, s registry.Service, change func(*service)) error {
	if err := s.Validate(); err != nil {
		return err
	}
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	if m.servers.closed[m] {
		return registry.ErrClosed
	}
	of := m.servers.service(s)
	change(of)
	if m.servers.failure != nil {
		return m.servers.failure
	}
	of.publish(registry.Snapshot{})
	return ctx.Err()
}

// Watch follows s, as registry.Watcher has it.
func (m *Memory) Watch(ctx context.Context, s registry.Service, fn func(registry.Snapshot)) (stop func(), err error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	if m.servers.closed[m] {
		return nil, registry.ErrClosed
	}
	of := m.servers.service(s)
	w := &watcher{queue: queue[registry.Snapshot]{fn: fn}, client: m}
	of.watchers[w] = struct{}{}
	if m.servers.failure != nil {
		of.fail(w, m.servers.failure)
	} else {
		of.tell(w, of.current)
	}
	return func() {
		w.stop()
		m.servers.mu.Lock()
		defer m.servers.mu.Unlock()
		delete(of.watchers, w)
	}, nil
}

// Watches says how many watches of s are open, over all clients.
func (m *Memory) Watches(s registry.Service) int {
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	return len(m.servers.service(s).watchers)
}

// Push replaces what the registry says of s.Service, whoever declared it, and tells every watcher. Source and At are
// filled in when left out. A snapshot with Err and no Source tells watchers just that and replaces nothing.
func (m *Memory) Push(s registry.Snapshot) {
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	of := m.servers.service(s.Service)
	if s.Err != nil && !s.Known() {
		s.Service = of.name
		for w := range of.watchers {
			w.put(s)
		}
		return
	}
	of.declared = nil
	for _, i := range s.Instances {
		i = i.Clone().WithDefaults()
		i.Disabled = i.Disabled || i.Weight == 0
		of.declared = append(of.declared, declaration{nil, i})
	}
	if m.servers.failure == nil {
		of.publish(s)
	}
}

// Fail makes all servers unreachable because of err, for all clients, until Fail(nil). What is declared meanwhile gets
// an error and shows afterwards; watchers get their last list with an error that wraps registry.ErrUnavailable and err.
func (m *Memory) Fail(err error) {
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	if err == nil {
		m.servers.failure = nil
		for _, of := range m.servers.services {
			of.publish(registry.Snapshot{})
		}
		for _, c := range m.servers.configs {
			c.publish()
		}
		return
	}
	m.servers.failure = fmt.Errorf("%w: %w", registry.ErrUnavailable, err)
	for _, of := range m.servers.services {
		for w := range of.watchers {
			of.fail(w, m.servers.failure)
		}
	}
}

// Close takes back what this client declared, ends its watches and listeners and waits for them: it must not be called
// from within one. Other clients stay open.
func (m *Memory) Close() error {
	for _, wait := range m.close() {
		wait()
	}
	return nil
}

func (m *Memory) close() (waits []func()) {
	m.servers.mu.Lock()
	defer m.servers.mu.Unlock()
	m.servers.closed[m] = true
	for _, of := range m.servers.services {
		maps.DeleteFunc(of.watchers, func(w *watcher, _ struct{}) bool {
			if w.client != m {
				return false
			}
			w.stop()
			waits = append(waits, w.idle.Wait)
			return true
		})
		if of.remove(m, "") && m.servers.failure == nil {
			of.publish(registry.Snapshot{})
		}
	}
	for _, c := range m.servers.configs {
		maps.DeleteFunc(c.listeners, func(l *listener, _ struct{}) bool {
			if l.client != m {
				return false
			}
			l.stop()
			waits = append(waits, l.idle.Wait)
			return true
		})
	}
	return waits
}

func (all *servers) service(s registry.Service) *service {
	s = s.WithDefaults()
	of := all.services[s]
	if of == nil {
		of = &service{name: s, watchers: map[*watcher]struct{}{}}
		of.publish(registry.Snapshot{})
		all.services[s] = of
	}
	return of
}

// remove takes away what client declared at addr, or all that it declared when addr is empty.
func (of *service) remove(client *Memory, addr string) bool {
	before := len(of.declared)
	of.declared = slices.DeleteFunc(of.declared, func(d declaration) bool {
		return d.client == client && (addr == "" || d.instance.Addr == addr)
	})
	return len(of.declared) < before
}

// publish makes what is declared the current list; like says where it came from.
func (of *service) publish(like registry.Snapshot) {
	s := registry.Snapshot{Service: of.name, Source: like.Source, At: like.At, Node: like.Node, Err: like.Err}
	if s.Source == "" {
		s.Source = registry.SourcePush
	}
	if s.At.IsZero() {
		s.At = time.Now()
	}
	for _, d := range of.declared {
		s.Instances = append(s.Instances, d.instance.Clone())
	}
	s.Instances = registry.Normalize(s.Instances)
	of.revision++
	s.Revision = of.revision
	of.current = s
	for w := range of.watchers {
		of.tell(w, s)
	}
}

func (of *service) tell(w *watcher, s registry.Snapshot) {
	w.last = s
	w.put(s)
}

func (of *service) fail(w *watcher, err error) {
	of.revision++
	s := w.last
	s.Service, s.Err, s.Revision = of.name, err, of.revision
	w.put(s)
}
