package holdfast

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
)

// lines collects what is logged.
type lines struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

// take returns the lines since it was last called.
func (l *lines) take() []string {
	synctest.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.out.Reset()
	return strings.Split(strings.TrimSuffix(l.out.String(), "\n"), "\n")
}

func logTo(to *lines) *eventLog {
	return newEventLog(slog.New(slog.NewTextHandler(to, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == slog.LevelKey {
			return slog.Attr{}
		}
		return a
	}})))
}

func wantLines(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("logged\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestRepeatedEventsAreSummedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged lines
		l := logTo(&logged)
		lost := func(node, why string) { l.Observe(event.NodeChanged{Node: node, Cause: errors.New(why)}) }
		for range 3 {
			lost("n1", "reset")
		}
		lost("n2", "refused")
		l.Observe(event.Retried{}) // below the logger's level
		wantLines(t, logged.take(),
			`msg="holdfast: registry.node_changed" node=n1 up=false error=reset`,
			`msg="holdfast: registry.node_changed" node=n2 up=false error=refused`)
		time.Sleep(logWindow)
		wantLines(t, logged.take(), `msg="holdfast: registry.node_changed" node=n1 up=false error=reset times=2 within=10s`)
		lost("n1", "refused")
		time.Sleep(2 * logWindow)
		wantLines(t, logged.take(), `msg="holdfast: registry.node_changed" node=n1 up=false error=refused times=1 within=10s`)
		lost("n1", "again")
		wantLines(t, logged.take(), `msg="holdfast: registry.node_changed" node=n1 up=false error=again`)
		lost("n1", "counted")
		l.Close()
		wantLines(t, logged.take(), `msg="holdfast: registry.node_changed" node=n1 up=false error=counted times=1`)
		lost("n1", "late")
		l.Close()
		wantLines(t, logged.take(), `msg="holdfast: registry.node_changed" node=n1 up=false error=late`)
	})
}

// A breaker that opens must not hide behind that of another method.
func TestMethodsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged lines
		l := logTo(&logged)
		defer l.Close()
		for _, method := range []string{"Get", "Put", "Get"} {
			l.Observe(event.BreakerChanged{Service: "orders", Method: method, From: "closed", To: "open"})
		}
		wantLines(t, logged.take(),
			`msg="holdfast: breaker.changed" service=orders method=Get from=closed to=open`,
			`msg="holdfast: breaker.changed" service=orders method=Put from=closed to=open`)
	})
}

func TestInstancesAndSubjectsAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged lines
		l := logTo(&logged)
		defer l.Close()
		for _, subject := range []string{"orders", "users", "users"} {
			l.Observe(event.RegistryFailed{Doing: "subscribe", Subject: subject})
		}
		for _, instance := range []string{"a:1", "b:1", "a:1"} {
			l.Observe(event.Returned{Service: "orders", Instance: instance})
		}
		wantLines(t, logged.take(),
			`msg="holdfast: registry.failed" doing=subscribe subject=orders`,
			`msg="holdfast: registry.failed" doing=subscribe subject=users`,
			`msg="holdfast: instance.returned" service=orders instance=a:1`,
			`msg="holdfast: instance.returned" service=orders instance=b:1`)
	})
}

// What something has become must not hide behind what it was a moment ago.
func TestStatesAreToldApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged lines
		l := logTo(&logged)
		defer l.Close()
		for _, up := range []bool{true, false, true, false} {
			l.Observe(event.NodeChanged{Node: "n1", Up: up})
		}
		for _, to := range []string{"open", "half-open", "open"} {
			l.Observe(event.BreakerChanged{Service: "orders", Method: "Get", From: "x", To: to})
		}
		wantLines(t, logged.take(),
			`msg="holdfast: registry.node_changed" node=n1 up=true`,
			`msg="holdfast: registry.node_changed" node=n1 up=false`,
			`msg="holdfast: breaker.changed" service=orders method=Get from=x to=open`,
			`msg="holdfast: breaker.changed" service=orders method=Get from=x to=half-open`)
	})
}

// When everything fails at once, the log stays short, and is as before in the next window.
func TestManyKindsAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged lines
		l := logTo(&logged)
		defer l.Close()
		for range 2 {
			for i := range 1000 {
				l.Observe(event.Returned{Service: "orders", Instance: strconv.Itoa(i)})
			}
			if got := logged.take(); len(got) != kindsToldApart+1 {
				t.Errorf("%d lines at once, want %d", len(got), kindsToldApart+1)
			}
			time.Sleep(logWindow)
			wantLines(t, logged.take(), `msg="holdfast: instance.returned" service=orders instance=999 times=979 within=10s`)
			time.Sleep(logWindow + time.Millisecond) // a window in which nothing comes
		}
	})
}
