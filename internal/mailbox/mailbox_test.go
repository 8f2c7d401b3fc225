package mailbox

import (
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast/event"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// slow is a function that begins when it is told to, and what it got.
type slow struct {
	begun, proceed chan struct{}
	got            []int
}

func newSlow() *slow { return &slow{begun: make(chan struct{}), proceed: make(chan struct{})} }

func (s *slow) fn(v int) {
	s.begun <- struct{}{}
	<-s.proceed
	s.got = append(s.got, v)
}

func TestSlowFunctionSkipsToTheNewest(t *testing.T) {
	var work sync.WaitGroup
	s := newSlow()
	m := &Mailbox[int]{Fn: s.fn, Observer: event.Discard{}, Work: &work}
	m.Put(1)
	<-s.begun
	m.Put(2)
	m.Put(3)
	s.proceed <- struct{}{}
	<-s.begun
	s.proceed <- struct{}{}
	work.Wait()
	if want := []int{1, 3}; !slices.Equal(s.got, want) {
		t.Errorf("got %v, want %v", s.got, want)
	}
}

func TestStopDropsWhatIsWaitingAndWhatComesLater(t *testing.T) {
	var work sync.WaitGroup
	s := newSlow()
	m := &Mailbox[int]{Fn: s.fn, Observer: event.Discard{}, Work: &work}
	m.Put(1)
	<-s.begun
	m.Put(2)
	m.Stop()
	s.proceed <- struct{}{}
	work.Wait()
	m.Put(3)
	work.Wait()
	if want := []int{1}; !slices.Equal(s.got, want) {
		t.Errorf("got %v, want %v", s.got, want)
	}
}

func TestFunctionMayStopItsOwnMailbox(t *testing.T) {
	var work sync.WaitGroup
	calls := 0
	m := &Mailbox[int]{Observer: event.Discard{}, Work: &work}
	m.Fn = func(int) {
		calls++
		m.Put(2)
		m.Stop()
	}
	m.Put(1)
	work.Wait()
	if calls != 1 {
		t.Errorf("called %d times", calls)
	}
}

func TestPanicIsReportedAndTheNextValueHandedOver(t *testing.T) {
	var work sync.WaitGroup
	var panics []event.Panicked
	calls := 0
	m := &Mailbox[int]{
		Where: "subscriber of orders", Work: &work,
		Observer: event.ObserverFunc(func(e event.Event) { panics = append(panics, e.(event.Panicked)) }),
	}
	m.Fn = func(v int) {
		calls++
		if v == 1 {
			m.Put(2)
			panic("oops")
		}
	}
	m.Put(1)
	work.Wait()
	if calls != 2 || len(panics) != 1 || panics[0].Where != "subscriber of orders" || panics[0].Value != "oops" || len(panics[0].Stack) == 0 {
		t.Errorf("%d calls, panics %+v", calls, panics)
	}
}
