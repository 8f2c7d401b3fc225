package fallback_test

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/policy"
)

// slowAnswer asks for key 7 and is answered when told, or never if meanwhile comes to that.
func slowAnswer(t *testing.T, p policy.Fallback, meanwhile func(ask func(key string, endpoint func() (any, error)))) (kept bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := fallback.New(p, fallback.WithKey(byRequest))
		defer func() { _ = f.Close() }()
		answered, done := make(chan struct{}), make(chan struct{})
		go func() {
			defer close(done)
			_, _, _ = ask(t.Context(), f.Middleware()(func(context.Context, any) (any, error) {
				<-answered
				return "record", nil
			}), "7")
		}()
		synctest.Wait()
		time.Sleep(time.Millisecond)
		meanwhile(func(key string, endpoint func() (any, error)) {
			_, _, _ = ask(t.Context(), f.Middleware()(func(context.Context, any) (any, error) { return endpoint() }), key)
		})
		close(answered)
		<-done
		_, _, err := ask(t.Context(), f.Middleware()(func(context.Context, any) (any, error) { return nil, errDown }), "7")
		kept = err == nil
	})
	return kept
}

// An answer to what was asked before the record was deleted must not bring it back.
func TestSlowAnswerDoesNotBringBackWhatWasRemoved(t *testing.T) {
	if slowAnswer(t, policy.Fallback{}, func(ask func(string, func() (any, error))) { ask("7", isRefused) }) {
		t.Error("kept although it was removed after it had been asked for")
	}
	if !slowAnswer(t, policy.Fallback{}, func(ask func(string, func() (any, error))) { ask("8", isRefused) }) {
		t.Error("not kept although only another key was removed")
	}
	if !slowAnswer(t, policy.Fallback{}, func(ask func(string, func() (any, error))) { ask("7", works) }) {
		t.Error("not kept although nothing was removed")
	}
}

func TestForgottenRemovalsStillCount(t *testing.T) {
	if slowAnswer(t, policy.Fallback{MaxEntries: 2}, func(ask func(string, func() (any, error))) {
		for key := range 9 {
			ask(strconv.Itoa(key), isRefused)
		}
	}) {
		t.Error("kept although its removal had to make room for others")
	}
	if slowAnswer(t, policy.Fallback{}, func(ask func(string, func() (any, error))) {
		ask("7", isRefused)
		time.Sleep(10 * time.Minute)
	}) {
		t.Error("kept although it was removed long ago, but after it had been asked for")
	}
}

func TestRemovalsAreForgottenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fallback.New(policy.Fallback{}, fallback.WithKey(byRequest))
		defer func() { _ = f.Close() }()
		get := f.Middleware()(func(context.Context, any) (any, error) { return isRefused() })
		_, _, _ = ask(t.Context(), get, "7")
		if n := f.Removed(); n != 1 {
			t.Errorf("%d removals, want 1", n)
		}
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		if n := f.Removed(); n != 0 {
			t.Errorf("%d removals, want none", n)
		}
	})
}
