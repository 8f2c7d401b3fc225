package holdfast

import (
	"errors"
	"io"
	"slices"
	"sync/atomic"

	"github.com/go-kit/kit/endpoint"
	"github.com/go-kit/kit/sd"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/middleware"
	"github.com/holdfast-go/holdfast/middleware/hystrix"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/resolver"
	"github.com/holdfast-go/holdfast/tracing"
)

// service is what the methods of one service share: its instances with their statistics, and its retry budget.
type service struct {
	id       registry.Service
	section  string // its name in the policy document
	policies policy.Document
	resolver *resolver.Resolver
	budget   *middleware.Budget
	circuits map[string]*hystrix.Circuit
	layers   map[string][]string // by method, outermost first
	closers  []io.Closer         // in the order in which they were opened
	closed   atomic.Bool
}

func newService(id registry.Service, section string, policies policy.Document, w registry.Watcher, o event.Observer) (*service, error) {
	shared := policies.For(section, "")
	r, err := resolver.New(w, id, shared.Ejection, resolver.WithObserver(o))
	if err != nil {
		return nil, err
	}
	return &service{
		id: id, section: section, policies: policies, resolver: r, budget: middleware.NewBudget(shared.Budget),
		circuits: map[string]*hystrix.Circuit{},
		layers:   map[string][]string{},
		closers:  []io.Closer{r},
	}, nil
}

// client builds the way of a call: from the instances outwards.
func (s *service) client(method string, factory sd.Factory, o clientOptions, t *tracing.Telemetry, obs event.Observer) endpoint.Endpoint {
	name := s.id.String()
	p := s.policies.For(s.section, method).Method
	classify := guarded(o.classify, "classifier of "+name+"/"+method, obs)

	var instance chain
	instance.add("attempt span", t.Attempt(classify))
	if p.Idempotent.On() && p.Timeout.Try > 0 && !p.Timeout.Disabled.On() {
		instance.add("try timeout", middleware.Timeout(p.Timeout.Try, middleware.WithObserver(obs)))
	}
	instance.add("recover", middleware.Recover("endpoint "+name+"/"+method, obs))
	instances := s.resolver.Client(factory, resolver.Classify(classify), resolver.Wrap(instance.middleware()))
	s.closers = append(s.closers, instances)

	var calls chain
	calls.add("tracing", t.Client(name, method))
	calls.add("account", s.account)
	if (o.key != nil || o.defaultValue != nil) && !p.Fallback.Disabled.On() {
		f := fallback.New(p.Fallback, fallback.WithKey(o.key), fallback.WithDefault(o.defaultValue), fallback.WithObserver(obs))
		s.closers = append(s.closers, f)
		calls.add("fallback", f.Middleware())
	}
	if !p.Timeout.Disabled.On() {
		calls.add("timeout", middleware.Timeout(p.Timeout.Call, middleware.WithObserver(obs)))
	}
	calls.add("retry", middleware.Retry(p.Retry, p.Idempotent.On(),
		middleware.WithBudget(s.budget), middleware.WithClassifier(classify), middleware.WithObserver(obs)))
	if !p.Breaker.Disabled.On() {
		calls.add("breaker", middleware.Breaker(s.circuit(method, p.Breaker, obs)))
	}
	s.layers[method] = slices.Concat(calls.names, []string{"resolver"}, instance.names)
	return calls.middleware()(instances.Endpoint())
}

// circuit returns the breaker of a method, which all its clients share.
func (s *service) circuit(method string, p policy.Breaker, o event.Observer) *hystrix.Circuit {
	c, ok := s.circuits[method]
	if !ok {
		c = hystrix.New(s.id.String(), method, p, hystrix.WithObserver(o))
		s.circuits[method] = c
		s.closers = append(s.closers, c)
	}
	return c
}

func (s *service) close() error {
	s.closed.Store(true)
	var errs []error
	for _, c := range slices.Backward(s.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

func serverChain(name, method string, t *tracing.Telemetry, o event.Observer) endpoint.Middleware {
	var c chain
	c.add("tracing", t.Server(name, method))
	c.add("recover", middleware.Recover("server "+name+"/"+method, o))
	return c.middleware()
}

// chain is a row of middlewares, outermost first.
type chain struct {
	names  []string
	layers []endpoint.Middleware
}

func (c *chain) add(name string, m endpoint.Middleware) {
	c.names = append(c.names, name)
	c.layers = append(c.layers, m)
}

func (c *chain) middleware() endpoint.Middleware {
	return endpoint.Chain(c.layers[0], c.layers[1:]...)
}
