package nacossdk

import "time"

// loop is a goroutine that does what is due: when it is woken, and when the time that its last step named is over.
type loop struct{ wake chan struct{} }

func newLoop() loop { return loop{wake: make(chan struct{}, 1)} }

// rouse makes the loop look at what is due. It returns at once.
func (l loop) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run takes steps until done is closed. A step returns the time until the next is due.
func (l loop) run(done <-chan struct{}, step func() time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-done:
			return
		case <-l.wake:
		case <-timer.C:
		}
		timer.Reset(step())
	}
}
