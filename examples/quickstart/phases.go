package main

import (
	"context"
	"sync"
	"time"
)

// phase is one thing that happens while the gateway goes on calling.
type phase struct {
	name    string
	lasts   time.Duration // at least: what was broken is mended, and used again, before the next phase
	kills   bool          // Nacos nodes
	returns bool          // Nacos nodes come back in it, or must in a later one
	fault   bool          // of providers
	stays   bool          // what is broken stays so in the next phase
	begin   func(context.Context, *world) error
}

const (
	steady           = "steady"
	allProvidersDown = "all providers down"
	everythingBack   = "everything back"
)

var phases = []phase{
	{name: steady, lasts: 5 * time.Second, begin: nothing},
	{name: "one Nacos node killed", lasts: 5 * time.Second, kills: true, begin: killNodeInUse},
	{name: "all Nacos nodes killed", lasts: 5 * time.Second, kills: true, returns: true, begin: killNodes},
	{name: "two providers killed", lasts: 5 * time.Second, fault: true, begin: killTwo},
	{name: "gateway restarted", lasts: 5 * time.Second, begin: restartGateway},
	{name: "Nacos back", lasts: 6 * time.Second, kills: true, returns: true, begin: startNodes},
	{name: "a provider answers 500", lasts: 5 * time.Second, fault: true, begin: answer500},
	{name: "a provider hangs", lasts: 5 * time.Second, fault: true, begin: hang},
	{name: allProvidersDown, lasts: 9 * time.Second, fault: true, stays: true, begin: killAllProviders},
	{name: everythingBack, lasts: 8 * time.Second, begin: startProviders},
	{name: "a provider joins", lasts: 5 * time.Second, begin: addSeventh},
}

// possible returns the phases that the cluster allows, and those left out with the reason.
func possible(all []phase, cluster *nacos) (kept []phase, leftOut []string) {
	for _, p := range all {
		switch {
		case p.kills && cluster.kill == nil:
			leftOut = append(leftOut, p.name+": needs -kill-cmd")
		case p.returns && cluster.start == nil:
			leftOut = append(leftOut, p.name+": needs -start-cmd")
		default:
			kept = append(kept, p)
		}
	}
	return kept, leftOut
}

func nothing(context.Context, *world) error { return nil }

func killNodeInUse(ctx context.Context, w *world) error {
	return w.nacos.killOne(ctx, w.gateway.status().Node)
}

func killNodes(ctx context.Context, w *world) error { return w.nacos.killAll(ctx) }

func killTwo(_ context.Context, w *world) error {
	w.killProviders(w.providers[:2]...)
	return nil
}

func restartGateway(ctx context.Context, w *world) error { return w.replaceGateway(ctx) }

func startNodes(ctx context.Context, w *world) error {
	if err := w.nacos.startAll(ctx); err != nil {
		return err
	}
	if err := w.await(ctx, "a Nacos node that is up", func() bool { return w.nacos.upCount() > 0 }); err != nil {
		return err
	}
	return w.revive(ctx)
}

func answer500(_ context.Context, w *world) error {
	w.providers[2].misbehave(false)
	return nil
}

func hang(_ context.Context, w *world) error {
	w.providers[3].misbehave(true)
	return nil
}

func killAllProviders(_ context.Context, w *world) error {
	w.killProviders(w.providers...)
	return nil
}

func startProviders(ctx context.Context, w *world) error {
	err := w.revive(ctx)
	for _, p := range w.providers {
		if p.since.After(w.returned) {
			w.returned = p.since
		}
	}
	return err
}

func addSeventh(ctx context.Context, w *world) error {
	began := time.Now()
	p, err := w.addProvider(ctx)
	if err != nil {
		return err
	}
	err = w.await(ctx, "a call of the new provider", func() bool { return p.calls.Load() > 0 })
	w.joined = &join{took: time.Since(began), err: err}
	return ctx.Err()
}

// watcher is told how the phases go.
type watcher interface {
	began(p *period, lasts time.Duration)
	finished(p *period)
}

// play lets the phases happen, one after the other, under load.
func (w *world) play(ctx context.Context, phases []phase, watch watcher) error {
	ctx, stop := context.WithCancel(ctx)
	var loading sync.WaitGroup
	defer func() { stop(); loading.Wait() }()

	var last *period
	finish := func() {
		if last != nil {
			last.underWay.Wait()
			watch.finished(last)
		}
	}
	for _, p := range phases {
		now := w.record.turn(p.name, p.fault)
		if last == nil {
			loading.Go(func() { load(ctx, w.record, w.present) })
		}
		finish()
		last = now
		watch.began(now, p.lasts)
		if err := w.phase(ctx, p, now); err != nil {
			return err
		}
	}
	stop()
	loading.Wait()
	w.record.close()
	finish()
	return nil
}

func (w *world) phase(ctx context.Context, p phase, seen *period) error {
	over := time.NewTimer(p.lasts)
	defer over.Stop()
	if err := p.begin(ctx, w); err != nil {
		return err
	}
	select {
	case <-over.C:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if !p.stays {
		if err := w.mend(ctx); err != nil {
			return err
		}
	}
	seen.nodesUp, seen.source = w.nacos.upCount(), w.gateway.status().Source
	return nil
}
