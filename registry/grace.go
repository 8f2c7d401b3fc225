package registry

import (
	"sync"
	"time"
)

// grace is a period at whose end something is believed that was doubted. What runs then is counted in work.
type grace struct {
	timer *time.Timer
	work  *sync.WaitGroup
}

func newGrace(d time.Duration, work *sync.WaitGroup, end func()) *grace {
	work.Add(1)
	return &grace{work: work, timer: time.AfterFunc(d, func() {
		defer work.Done()
		end()
	})}
}

// stop ends the period before its time. It does not wait for what runs at its end.
func (g *grace) stop() {
	if g.timer.Stop() {
		g.work.Done()
	}
}
