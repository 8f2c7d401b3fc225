// Package holdfast keeps go-kit services calling each other while Nacos, the network or the callee fails.
//
// Open wires the parts, each of which is usable alone, into a Kit: a registry with its last known lists on disk
// (packages registry and registry/nacossdk), a balancer that takes failing instances out (resolver), and around every
// call a span, a cached answer for the worst case, time limits, retries within a budget and a Hystrix breaker (packages
// tracing, fallback and middleware), all by one policy document (policy).
package holdfast

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/nacossdk"
	"github.com/holdfast-go/holdfast/tracing"
)

// Kit is one program's connection to its services. Its methods may be called by many goroutines at once.
type Kit struct {
	cfg       Config
	telemetry *tracing.Telemetry
	log       *eventLog
	observer  event.Observer
	registrar registry.Registrar
	keeper    *registry.Keeper
	sdk       *nacossdk.Client // nil when the registry was handed in
	closing   func() error

	mu       sync.Mutex
	closed   bool
	services map[registry.Service]*service
	declared map[declaration]registry.Instance
}

type declaration struct {
	service registry.Service
	addr    string
}

// Open makes a Kit. It does no network I/O: a program starts while Nacos is down. A configuration that cannot be meant
// is refused as a whole, with every *policy.Error joined.
func Open(cfg Config, opts ...Option) (*Kit, error) {
	o := options{logger: slog.Default()}
	for _, opt := range opts {
		opt(&o)
	}
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("holdfast: configuration refused: %w", err)
	}
	telemetry, err := tracing.New(o.tracer, o.meter)
	if err != nil {
		return nil, fmt.Errorf("holdfast: telemetry: %w", err)
	}
	k := &Kit{
		cfg:       cfg,
		telemetry: telemetry,
		log:       newEventLog(o.logger),
		services:  map[registry.Service]*service{},
		declared:  map[declaration]registry.Instance{},
	}
	k.closing = sync.OnceValue(k.close)
	k.observer = event.Observers(k.log, telemetry.Observer(), o.observer)
	watcher := registry.Watcher(o.registry)
	k.registrar = o.registry
	if o.registry == nil {
		k.sdk, err = nacossdk.Open(cfg.Nacos.Connection, nacossdk.WithObserver(k.observer), nacossdk.WithLogger(o.logger))
		if err != nil {
			k.log.Close()
			return nil, fmt.Errorf("holdfast: configuration refused: %w", err)
		}
		watcher, k.registrar = k.sdk, k.sdk
	}
	k.keeper = registry.NewKeeper(watcher, cfg.Nacos.keeperConfig(o.registry != nil), registry.WithObserver(k.observer))
	return k, nil
}

// Client returns an endpoint that calls a method of a service, layered by the method's policy. factory makes the endpoint
// of one instance from its address, as everywhere in go-kit; each is closed exactly once. The service is "name" or
// "group@@name". The error is a *policy.Error for a name that Nacos would refuse, or ErrClosed.
func (k *Kit) Client(serviceName, method string, factory sd.Factory, opts ...ClientOption) (endpoint.Endpoint, error) {
	var o clientOptions
	for _, opt := range opts {
		opt(&o)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s, err := k.service(serviceName)
	if err != nil {
		return nil, err
	}
	return s.client(method, factory, o, k.telemetry, k.observer), nil
}

// Server returns the middleware for a method that this program serves: a SERVER span that continues the caller's trace,
// call count and duration, and panics turned into errors.
func (k *Kit) Server(serviceName, method string) endpoint.Middleware {
	return serverChain(serviceName, method, k.telemetry, k.observer)
}

// service returns the state of a service, made at its first use. k.mu is held.
func (k *Kit) service(name string) (*service, error) {
	if k.closed {
		return nil, ErrClosed
	}
	id, err := k.parse(name)
	if err != nil {
		return nil, err
	}
	if s, ok := k.services[id]; ok {
		return s, nil
	}
	s, err := newService(id, k.section(id), k.cfg.Document, k.keeper, k.observer)
	if err != nil {
		return nil, fmt.Errorf("holdfast: service %s: %w", id, err)
	}
	k.services[id] = s
	return s, nil
}

// section is the name of a service in the policy document: as a program with this configuration may call it. The one with
// its group comes first, if the document has both.
func (k *Kit) section(id registry.Service) string {
	full := id.Group + "@@" + id.Name
	_, named := k.cfg.Services[full]
	if named || id.Group != k.cfg.Nacos.Connection.WithDefaults().Group {
		return full
	}
	return id.Name
}

// Ready is nil when every service that this program calls has a list of instances, from wherever; else it says which
// has none. It is meant for readiness probes: it does not ask for Nacos, without which calls go on.
func (k *Kit) Ready() error {
	var missing []error
	for _, s := range k.Status().Services {
		if s.Source == "" {
			missing = append(missing, unlisted(s))
		}
	}
	return errors.Join(missing...)
}

func unlisted(s ServiceStatus) error {
	why := s.Err
	if why == nil {
		why = errors.New("no server has answered yet")
	}
	if !errors.Is(why, registry.ErrUnavailable) {
		why = fmt.Errorf("%w: %w", registry.ErrUnavailable, why)
	}
	return fmt.Errorf("holdfast: no list of instances of %s: %w", s.Name, why)
}

// Close takes back what was registered, within Nacos.RequestTimeout, lets go of every instance once its calls in flight
// have ended, and stops all that runs in the background. Further calls wait for the first one and return what it did.
func (k *Kit) Close() error { return k.closing() }

func (k *Kit) close() error {
	k.mu.Lock()
	k.closed = true
	declared := k.declared
	k.declared = nil
	k.mu.Unlock()

	errs := []error{k.takeBack(declared)}
	for _, s := range k.services {
		errs = append(errs, s.close())
	}
	errs = append(errs, k.keeper.Close())
	if k.sdk != nil {
		errs = append(errs, k.sdk.Close())
	}
	k.log.Close()
	return errors.Join(errs...)
}

func (k *Kit) takeBack(declared map[declaration]registry.Instance) error {
	ctx, cancel := context.WithTimeout(context.Background(), k.cfg.Nacos.Connection.WithDefaults().RequestTimeout)
	defer cancel()
	var errs []error
	told := map[string]bool{} // the same outage for every declaration
	for d, i := range declared {
		if err := k.registrar.Deregister(ctx, d.service, i); err != nil && !told[err.Error()] {
			told[err.Error()] = true
			errs = append(errs, fmt.Errorf("holdfast: deregister: %w", err))
		}
	}
	return errors.Join(errs...)
}
