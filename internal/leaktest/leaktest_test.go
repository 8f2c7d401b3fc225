package leaktest

import (
	"strings"
	"testing"
	"time"
)

func TestFindWaitsForGoroutinesThatEnd(t *testing.T) {
	time.AfterFunc(1500*time.Millisecond, lateEnd())
	if err := find(time.Minute); err != nil {
		t.Error(err)
	}
}

func TestFindReportsGoroutinesThatStay(t *testing.T) {
	end := lateEnd()
	defer end()
	if err := find(time.Millisecond); err == nil || !strings.Contains(err.Error(), "lateEnd") {
		t.Errorf("found %v", err)
	}
}

// lateEnd starts a goroutine and returns what ends it.
func lateEnd() (end func()) {
	done := make(chan struct{})
	go func() { <-done }()
	return func() { close(done) }
}
