package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/registry"
)

const firstProviders = 6

// world is the cluster, the providers and the gateway, with what can be done to them.
type world struct {
	nacos     *nacos
	record    *recorder
	logger    *slog.Logger
	policy    holdfast.Config // the gateway's
	providers []*provider

	mu      sync.Mutex
	gateway *gateway // that gets the traffic

	restarted *restart
	joined    *join
	returned  time.Time // of the last provider, after all had been down
	unmended  error     // what was mended and not used again
	listening []string  // addresses of ours
}

// restart is how a gateway began on the cache folder of another.
type restart struct {
	answered time.Duration // from before Open until the first answer
	first    call
	source   registry.Source
}

// join is how long it took from the start of another provider until its first call.
type join struct {
	took time.Duration
	err  error // there was none
}

// perform starts everything, lets the phases happen, ends everything, and returns what was seen.
func perform(ctx context.Context, cluster *nacos, cfg holdfast.Config, logger *slog.Logger, phases []phase, watch watcher) (*account, error) {
	w := &world{
		nacos: cluster, record: &recorder{}, logger: logger, policy: cfg, listening: cluster.own,
	}
	err := w.build(ctx)
	if err == nil {
		err = w.play(ctx, phases, watch)
	}
	if err = errors.Join(err, w.close()); err != nil {
		return nil, err
	}
	return &account{
		recorder: w.record, sleep: cfg.For(service, method).Breaker.Sleep,
		restarted: w.restarted, joined: w.joined, returned: w.returned, unmended: w.unmended, listened: w.listening,
	}, nil
}

// build starts the providers and the gateway and waits until it has the list.
func (w *world) build(ctx context.Context) error {
	folder, err := os.MkdirTemp("", "quickstart-")
	if err != nil {
		return err
	}
	w.policy.Nacos.Servers = w.nacos.servers
	w.policy.Nacos.Disk.Dir = folder
	for range firstProviders {
		if _, err := w.addProvider(ctx); err != nil {
			return err
		}
	}
	if w.gateway, err = w.openGateway(); err != nil {
		return err
	}
	return w.await(ctx, "the gateway's first list", func() bool { return w.gateway.status().Usable == firstProviders })
}

func (w *world) openGateway() (*gateway, error) {
	return openGateway(w.policy, w.record, holdfast.WithLogger(w.logger))
}

func (w *world) addProvider(ctx context.Context) (*provider, error) {
	cfg := holdfast.Config{Nacos: w.policy.Nacos}
	cfg.Nacos.Disk.Disabled = true // it calls nobody
	p := newProvider(func() (*holdfast.Kit, error) { return holdfast.Open(cfg, holdfast.WithLogger(w.logger)) })
	err := p.start(ctx)
	if p.up {
		w.providers = append(w.providers, p)
		w.listening = append(w.listening, p.addr)
	}
	return p, err
}

// present returns the gateway that gets the traffic, with one more call under way.
func (w *world) present() *gateway {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.gateway.calls.Add(1)
	return w.gateway
}

// replaceGateway opens a second gateway on the cache folder, moves the traffic to it and closes the first.
func (w *world) replaceGateway(ctx context.Context) error {
	began := time.Now()
	next, err := w.openGateway()
	if err != nil {
		return err
	}
	p := w.record.enter()
	first := next.fetch(ctx, "order-00")
	w.restarted = &restart{answered: time.Since(began), first: first, source: next.status().Source}
	p.add(first)

	w.mu.Lock()
	old := w.gateway
	w.gateway = next
	w.mu.Unlock()
	return old.close()
}

// revive starts the providers that are down.
func (w *world) revive(ctx context.Context) error {
	errs := make([]error, len(w.providers))
	var all sync.WaitGroup
	for i, p := range w.providers {
		if !p.up {
			all.Go(func() {
				if err := p.start(ctx); !errors.Is(err, registry.ErrUnavailable) {
					errs[i] = err
				}
			})
		}
	}
	all.Wait()
	return errors.Join(errs...)
}

func (w *world) killProviders(providers ...*provider) {
	var all sync.WaitGroup
	for _, p := range providers {
		all.Go(p.kill)
	}
	all.Wait()
}

// mend ends all faults of providers and waits until each that had one is listed by a server and called again. While no
// Nacos is up the dead ones stay dead.
func (w *world) mend(ctx context.Context) error {
	for _, p := range w.providers {
		p.heal()
	}
	var errs []error
	if w.nacos.upCount() > 0 {
		if err := w.revive(ctx); err != nil {
			return err
		}
		errs = append(errs, w.await(ctx, "a server's list of all providers", w.listed))
	}
	for _, p := range w.providers {
		if p.up && p.mended {
			p.mended = false
			before := p.calls.Load()
			errs = append(errs, w.await(ctx, "a call of "+p.addr, func() bool { return p.calls.Load() > before }))
		}
	}
	w.unmended = errors.Join(append(errs, w.unmended)...)
	return ctx.Err()
}

// listed reports whether a server has confirmed all providers.
func (w *world) listed() bool {
	status := w.gateway.status()
	return status.Err == nil && status.Source != registry.SourceDisk && status.Usable == len(w.providers)
}

func (w *world) await(ctx context.Context, what string, done func() bool) error {
	ctx, cancel := context.WithTimeoutCause(ctx, w.nacos.patience, fmt.Errorf("waited %s in vain for %s", w.nacos.patience, what))
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for !done() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// close ends everything: the gateway first, so that nobody misses the providers.
func (w *world) close() error {
	var err error
	if w.gateway != nil {
		err = w.gateway.close()
	}
	var all sync.WaitGroup
	for _, p := range w.providers {
		all.Go(p.close)
	}
	all.Wait()
	w.nacos.close()
	if folder := w.policy.Nacos.Disk.Dir; folder != "" {
		err = errors.Join(err, os.RemoveAll(folder))
	}
	return err
}
