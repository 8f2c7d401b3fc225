package fallback_test

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// outage is an endpoint that has answered all keys once, and since then hangs until told how to end.
type outage struct {
	mu    sync.Mutex
	live  map[any]int
	most  int
	calls int
	end   chan func() (any, error)
}

func (o *outage) endpoint(ctx context.Context, request any) (any, error) {
	o.mu.Lock()
	o.calls++
	o.live[request]++
	o.most = max(o.most, o.live[request])
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		o.live[request]--
		o.mu.Unlock()
	}()
	select {
	case answer := <-o.end:
		return answer()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func fails() (any, error)     { return nil, errDown }
func works() (any, error)     { return "new", nil }
func blowsUp() (any, error)   { panic("bug") }
func isRefused() (any, error) { return nil, judgedError(policy.Refused) }

// failing returns an endpoint whose key "7" was answered once and has failed once.
func failing(t *testing.T, opts ...fallback.Option) (endpoint.Endpoint, *outage, func()) {
	t.Helper()
	store := fallback.NewCache(10)
	store.Save("7", fallback.Entry{Response: "old", Stored: time.Now()}, time.Hour)
	opts = append([]fallback.Option{fallback.WithKey(byRequest), fallback.WithStore(store)}, opts...)
	f := fallback.New(policy.Fallback{}, opts...)
	o := &outage{live: map[any]int{}, end: make(chan func() (any, error), 1)}
	get := f.Middleware()(o.endpoint)
	o.end <- fails
	_, response, err := ask(t.Context(), get, "7")
	wantAnswer(t, response, err, "old")
	o.calls, o.most = 0, 0
	return get, o, func() { _ = f.Close() }
}

func TestOneRefreshPerKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		get, o, end := failing(t)
		defer end()
		var callers sync.WaitGroup
		var stale int
		var mu sync.Mutex
		for range 100 {
			callers.Go(func() {
				state, response, err := ask(t.Context(), get, "7")
				if err != nil || response != "old" || !errors.Is(state.Cause, errDown) {
					t.Errorf("%v, %v, cause %v", response, err, state.Cause)
				}
				mu.Lock()
				defer mu.Unlock()
				if state.Source == call.SourceStale {
					stale++
				}
			})
		}
		synctest.Wait() // 99 have their answer, one waits for the callee
		if o.calls != 1 || stale != 99 {
			t.Errorf("%d calls went live, %d were answered at once", o.calls, stale)
		}
		o.end <- fails
		callers.Wait()

		o.end <- works
		state, response, err := ask(t.Context(), get, "7")
		wantAnswer(t, response, err, "new")
		if state.Source != call.SourceLive {
			t.Errorf("source = %q", state.Source)
		}

		// The key is well again: nobody waits for anybody.
		o.calls = 0
		for range 10 {
			callers.Go(func() { _, _, _ = ask(t.Context(), get, "7") })
		}
		synctest.Wait()
		if o.calls != 10 {
			t.Errorf("%d of 10 calls went live after the recovery", o.calls)
		}
		for range 10 {
			o.end <- works
		}
		callers.Wait()
	})
}

func TestRefreshTurnIsHandedOn(t *testing.T) {
	for name, finish := range map[string]func(o *outage, cancel func()){
		"panic":    func(o *outage, _ func()) { o.end <- blowsUp },
		"canceled": func(_ *outage, cancel func()) { cancel() },
		"failed":   func(o *outage, _ func()) { o.end <- fails },
		"refused":  func(o *outage, _ func()) { o.end <- isRefused },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				get, o, end := failing(t)
				defer end()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var first sync.WaitGroup
				first.Go(func() {
					defer func() { _ = recover() }()
					_, _, _ = ask(ctx, get, "7")
				})
				synctest.Wait()
				finish(o, cancel)
				first.Wait()

				o.end <- works
				_, response, err := ask(t.Context(), get, "7")
				wantAnswer(t, response, err, "new")
				if o.calls != 2 {
					t.Errorf("%d calls went live, want both", o.calls)
				}
			})
		})
	}
}

func TestWaitingBehindRefresh(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		get, o, end := failing(t)
		defer end()
		var first sync.WaitGroup
		first.Go(func() { _, _, _ = ask(t.Context(), get, "7") })
		synctest.Wait()

		canceled, cancel := context.WithCancel(t.Context())
		cancel()
		if _, _, err := ask(canceled, get, "7"); !errors.Is(err, context.Canceled) {
			t.Errorf("canceled caller: %v", err)
		}

		time.Sleep(11 * time.Minute) // the kept answer has expired: no reason to hold anybody back
		var second sync.WaitGroup
		second.Go(func() {
			_, response, err := ask(t.Context(), get, "7")
			wantAnswer(t, response, err, "new")
		})
		synctest.Wait()
		o.end <- works
		o.end <- works
		first.Wait()
		second.Wait()
	})
}

// What is known of failing keys does not grow without bound either.
func TestManyFailingKeys(t *testing.T) {
	f := open(t, policy.Fallback{MaxEntries: 2}, fallback.WithKey(byRequest), fallback.WithStore(endless{}))
	get := f.Middleware()((&callee{err: errDown}).endpoint)
	for i := range 100 {
		_, response, err := ask(t.Context(), get, strconv.Itoa(i))
		wantAnswer(t, response, err, strconv.Itoa(i))
	}
	if n := f.Refreshing(); n > 2 {
		t.Errorf("%d keys are remembered as failing", n)
	}
}

func TestFailingKeysAreForgottenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fallback.New(policy.Fallback{StaleIfError: time.Second}, fallback.WithKey(byRequest), fallback.WithStore(endless{}))
		defer func() { _ = f.Close() }()
		_, _, _ = ask(t.Context(), f.Middleware()((&callee{err: errDown}).endpoint), "7")
		if n := f.Refreshing(); n != 1 {
			t.Errorf("%d keys, want 1", n)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := f.Refreshing(); n != 0 {
			t.Errorf("%d keys, want none", n)
		}
	})
}

// endless has a fresh answer for every key.
type endless struct{}

func (endless) Load(key string) (fallback.Entry, bool) {
	return fallback.Entry{Response: key, Stored: time.Now()}, true
}
func (endless) Save(string, fallback.Entry, time.Duration) {}
func (endless) Delete(string)                              {}

// A caller whose time was up before it asked says nothing about the callee.
func TestLateCallerLeavesTheKeyWell(t *testing.T) {
	f := open(t, policy.Fallback{}, fallback.WithKey(byRequest))
	live := 0
	get := f.Middleware()(func(ctx context.Context, _ any) (any, error) {
		live++
		return "kept", ctx.Err()
	})
	_, _, _ = ask(t.Context(), get, "7")
	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	state, response, err := ask(late, get, "7")
	wantAnswer(t, response, err, "kept")
	if state.Source != call.SourceStale || !errors.Is(state.Cause, context.DeadlineExceeded) {
		t.Errorf("source %q, cause %v", state.Source, state.Cause)
	}
	if live != 1 {
		t.Errorf("%d calls went live, want 1: the caller could not have waited for the second", live)
	}
	if n := f.Refreshing(); n != 0 {
		t.Errorf("%d keys count as failing", n)
	}
}
