package main

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	drawEvery = 100 * time.Millisecond
	clearLine = "\r\x1b[K"
)

// drawing redraws one line of a terminal.
type drawing struct {
	out  io.Writer
	end  chan struct{}
	work sync.WaitGroup
}

func (d *drawing) start(line func() string) {
	d.stop()
	end := make(chan struct{})
	d.end = end
	d.work.Go(func() {
		tick := time.NewTicker(drawEvery)
		defer tick.Stop()
		for {
			fmt.Fprint(d.out, clearLine, line())
			select {
			case <-tick.C:
			case <-end:
				fmt.Fprint(d.out, clearLine)
				return
			}
		}
	})
}

func (d *drawing) stop() {
	if d.end != nil {
		close(d.end)
		d.work.Wait()
		d.end = nil
	}
}
