package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

const (
	callsPerSecond = 200
	orderIDs       = 50
	concurrency    = 2 * callsPerSecond // calls under way at most
)

var errOverloaded = errors.New("too many calls are under way")

// load calls at a steady rate, however long the answers take, until ctx ends; then it waits for the calls under way.
func load(ctx context.Context, record *recorder, present func() *gateway) {
	var underWay sync.WaitGroup
	defer underWay.Wait()
	slots := make(chan struct{}, concurrency)
	timer := time.NewTimer(0)
	defer timer.Stop()
	began := time.Now()
	for n := 0; ; n++ {
		timer.Reset(time.Until(began.Add(time.Duration(n) * time.Second / callsPerSecond)))
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		id, p := fmt.Sprintf("order-%02d", n%orderIDs), record.enter()
		select {
		case slots <- struct{}{}:
		default:
			p.add(call{id: id, began: time.Now(), err: errOverloaded})
			continue
		}
		g := present()
		underWay.Go(func() {
			defer func() { g.calls.Done(); <-slots }()
			p.add(g.fetch(context.WithoutCancel(ctx), id))
		})
	}
}
