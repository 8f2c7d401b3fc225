package fallback_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-kit/kit/endpoint"
	"go.uber.org/goleak"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var errDown = errors.New("callee is down")

type judgedError policy.Outcome

func (e judgedError) Error() string           { return policy.Outcome(e).String() }
func (e judgedError) Verdict() policy.Verdict { return policy.Verdict{Outcome: policy.Outcome(e)} }

type appError struct{ err error }

func (a appError) Failed() error { return a.err }

// callee is an endpoint whose next answer the test sets.
type callee struct {
	response any
	err      error
	calls    int
}

func (c *callee) endpoint(context.Context, any) (any, error) {
	c.calls++
	return c.response, c.err
}

// log keeps the events of one test.
type log struct {
	mu     sync.Mutex
	events []event.Event
}

func (l *log) Observe(e event.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.events = append(l.events, e)
}

func (l *log) names() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	var names []string
	for _, e := range l.events {
		names = append(names, e.Name())
	}
	return names
}

func byRequest(_ context.Context, request any) (string, bool) {
	key, ok := request.(string)
	return key, ok
}

func open(t *testing.T, p policy.Fallback, opts ...fallback.Option) *fallback.Fallback {
	t.Helper()
	f := fallback.New(p, opts...)
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func ask(ctx context.Context, e endpoint.Endpoint, request any) (*call.State, any, error) {
	ctx, state := call.Enter(ctx, "orders", "Get")
	state.Next()
	response, err := e(ctx, request)
	return state, response, err
}

func wantAnswer(t *testing.T, response any, err error, want any) {
	t.Helper()
	if err != nil || response != want {
		t.Errorf("answer = %v, %v; want %v", response, err, want)
	}
}

func TestStaleAnswersForFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var seen log
		f := open(t, policy.Fallback{}, fallback.WithKey(byRequest), fallback.WithObserver(&seen))
		down := &callee{response: "first"}
		get := f.Middleware()(down.endpoint)

		state, response, err := ask(t.Context(), get, "7")
		wantAnswer(t, response, err, "first")
		if state.Source != call.SourceLive {
			t.Errorf("source = %q", state.Source)
		}

		time.Sleep(3 * time.Minute)
		down.response, down.err = nil, errDown
		state, response, err = ask(t.Context(), get, "7")
		wantAnswer(t, response, err, "first")
		if state.Source != call.SourceStale || state.Age != 3*time.Minute || !errors.Is(state.Cause, errDown) {
			t.Errorf("source %q, age %v, cause %v", state.Source, state.Age, state.Cause)
		}
		want := event.FellBack{Service: "orders", Method: "Get", Source: "stale", Age: 3 * time.Minute, Cause: errDown}
		if len(seen.events) != 1 || seen.events[0] != want {
			t.Errorf("events = %v", seen.events)
		}

		state, _, err = ask(t.Context(), get, "8")
		if !errors.Is(err, errDown) || state.Source != call.SourceNone {
			t.Errorf("another key: %v, source %q", err, state.Source)
		}
	})
}

func TestStaleExpires(t *testing.T) {
	for _, p := range []policy.Fallback{{}, {StaleIfError: time.Hour}} {
		synctest.Test(t, func(t *testing.T) {
			f := open(t, p, fallback.WithKey(byRequest))
			down := &callee{response: "kept"}
			get := f.Middleware()(down.endpoint)
			_, _, _ = ask(t.Context(), get, "7")
			down.err = errDown

			time.Sleep(p.WithDefaults().StaleIfError - time.Nanosecond)
			_, response, err := ask(t.Context(), get, "7")
			wantAnswer(t, response, err, "kept")

			time.Sleep(time.Nanosecond)
			if _, _, err = ask(t.Context(), get, "7"); !errors.Is(err, errDown) {
				t.Errorf("at the greatest age: %v", err)
			}
		})
	}
}

func TestWhatIsKept(t *testing.T) {
	for name, c := range map[string]struct {
		response any
		err      error
		want     any // answered in the outage that follows; nil: nothing
	}{
		"success":             {response: "new", want: "new"},
		"empty success":       {response: appError{}, want: appError{}},
		"application error":   {response: appError{errors.New("no such order")}},
		"the caller's fault":  {err: judgedError(policy.Refused)},
		"failure":             {err: errDown, want: "old"},
		"time-out":            {err: context.DeadlineExceeded, want: "old"},
		"open breaker":        {err: judgedError(policy.ShortCircuited), want: "old"},
		"nobody to call":      {err: judgedError(policy.NoInstance), want: "old"},
		"callee is throttled": {err: judgedError(policy.Throttled), want: "old"},
	} {
		t.Run(name, func(t *testing.T) {
			f := open(t, policy.Fallback{}, fallback.WithKey(byRequest))
			down := &callee{response: "old"}
			get := f.Middleware()(down.endpoint)
			_, _, _ = ask(t.Context(), get, "7")
			down.response, down.err = c.response, c.err
			_, _, _ = ask(t.Context(), get, "7")

			down.response, down.err = nil, errDown
			_, response, err := ask(t.Context(), get, "7")
			if c.want != nil {
				wantAnswer(t, response, err, c.want)
			} else if !errors.Is(err, errDown) {
				t.Errorf("answer = %v, %v; want the failure", response, err)
			}
		})
	}
}

func TestRefusedAndApplicationErrorsAreTheAnswer(t *testing.T) {
	never := func(context.Context, any, error) (any, error) { return "default", nil }
	for _, opts := range [][]fallback.Option{
		{fallback.WithDefault(never)},
		{fallback.WithDefault(never), fallback.WithKey(byRequest)},
	} {
		f := open(t, policy.Fallback{}, opts...)
		answer := &callee{response: "kept"}
		get := f.Middleware()(answer.endpoint)
		_, _, _ = ask(t.Context(), get, "7")

		answer.response, answer.err = nil, judgedError(policy.Refused)
		if _, _, err := ask(t.Context(), get, "7"); !errors.Is(err, judgedError(policy.Refused)) {
			t.Errorf("refused: %v", err)
		}
		sold := appError{errors.New("sold out")}
		answer.response, answer.err = sold, nil
		state, response, err := ask(t.Context(), get, "7")
		wantAnswer(t, response, err, sold)
		if state.Source != call.SourceLive {
			t.Errorf("source = %q", state.Source)
		}
	}
}

// A classifier may call an answer without an error a failure. Then the answer is returned only if there is no better.
func TestUnfitResponse(t *testing.T) {
	var causes []error
	byDefault := func(_ context.Context, _ any, cause error) (any, error) {
		causes = append(causes, cause)
		if len(causes) == 1 {
			return nil, errors.New("no default either")
		}
		return "default", nil
	}
	f := open(t, policy.Fallback{}, fallback.WithDefault(byDefault))
	unfit := func(any, error) policy.Verdict { return policy.Verdict{Outcome: policy.Failed} }
	broken := errors.New("broken")
	for i, response := range []any{"odd", appError{broken}} {
		get := f.Middleware()(func(ctx context.Context, _ any) (any, error) {
			call.From(ctx).Judge(ctx, response, nil, unfit)
			return response, nil
		})
		state, got, err := ask(t.Context(), get, "7")
		wantAnswer(t, got, err, []any{"odd", "default"}[i])
		if want := []string{call.SourceLive, call.SourceDefault}[i]; state.Source != want {
			t.Errorf("source = %q, want %q", state.Source, want)
		}
	}
	if !errors.Is(causes[0], fallback.ErrUnfit) || !errors.Is(causes[1], broken) {
		t.Errorf("causes = %v", causes)
	}
}

func TestDefault(t *testing.T) {
	var seen log
	byDefault := func(_ context.Context, request any, cause error) (any, error) {
		switch request {
		case "none":
			return nil, errors.New("nothing for you")
		case "panic":
			panic("no default")
		}
		if !errors.Is(cause, errDown) {
			t.Errorf("cause = %v", cause)
		}
		return "default", nil
	}
	f := open(t, policy.Fallback{}, fallback.WithDefault(byDefault), fallback.WithObserver(&seen))
	get := f.Middleware()((&callee{err: errDown}).endpoint)

	state, response, err := ask(t.Context(), get, "7")
	wantAnswer(t, response, err, "default")
	if state.Source != call.SourceDefault || state.Age != 0 || !errors.Is(state.Cause, errDown) {
		t.Errorf("source %q, age %v, cause %v", state.Source, state.Age, state.Cause)
	}
	for _, request := range []string{"none", "panic"} {
		if state, _, err := ask(t.Context(), get, request); !errors.Is(err, errDown) || state.Source != call.SourceNone {
			t.Errorf("%s: %v, source %q", request, err, state.Source)
		}
	}
	if names := seen.names(); len(names) != 2 || names[0] != "fallback" || names[1] != "panic" {
		t.Errorf("events = %v", names)
	}
	if p, ok := seen.events[1].(event.Panicked); !ok || p.Value != "no default" || len(p.Stack) == 0 {
		t.Errorf("event = %v", seen.events[1])
	}
}

func TestCallersOwnEnd(t *testing.T) {
	f := open(t, policy.Fallback{}, fallback.WithKey(byRequest),
		fallback.WithDefault(func(context.Context, any, error) (any, error) { return "default", nil }))
	get := f.Middleware()(func(ctx context.Context, request any) (any, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		return "kept", nil
	})
	_, _, _ = ask(t.Context(), get, "7")

	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, request := range []string{"7", "8"} {
		if state, _, err := ask(canceled, get, request); !errors.Is(err, context.Canceled) || state.Source != call.SourceNone {
			t.Errorf("canceled: %v, source %q", err, state.Source)
		}
	}

	late, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()
	_, response, err := ask(late, get, "7")
	wantAnswer(t, response, err, "kept")
	_, response, err = ask(late, get, "8")
	wantAnswer(t, response, err, "default")
}

func TestWithoutUsableKey(t *testing.T) {
	var seen log
	key := func(_ context.Context, request any) (string, bool) {
		switch request {
		case "empty":
			return "", true
		case "not ok":
			return "key", false
		default:
			panic("no key")
		}
	}
	f := open(t, policy.Fallback{}, fallback.WithKey(key), fallback.WithObserver(&seen))
	down := &callee{response: "good"}
	get := f.Middleware()(down.endpoint)
	for _, request := range []string{"empty", "not ok", "panic"} {
		down.err = nil
		_, response, err := ask(t.Context(), get, request)
		wantAnswer(t, response, err, "good")
		down.err = errDown
		if _, _, err = ask(t.Context(), get, request); !errors.Is(err, errDown) {
			t.Errorf("%s: %v", request, err)
		}
	}
	if names := seen.names(); len(names) != 2 || names[0] != "panic" {
		t.Errorf("events = %v", names)
	}
}

func TestDisabledAndBare(t *testing.T) {
	all := []fallback.Option{
		fallback.WithKey(byRequest),
		fallback.WithDefault(func(context.Context, any, error) (any, error) { return "default", nil }),
	}
	for _, f := range []*fallback.Fallback{
		open(t, policy.Fallback{Disabled: policy.True}, all...),
		open(t, policy.Fallback{}),
	} {
		down := &callee{response: "good"}
		get := f.Middleware()(down.endpoint)
		state, response, err := ask(t.Context(), get, "7")
		wantAnswer(t, response, err, "good")
		if state.Source != call.SourceLive {
			t.Errorf("source = %q", state.Source)
		}
		down.err = errDown
		if _, _, err := ask(t.Context(), get, "7"); !errors.Is(err, errDown) {
			t.Error(err)
		}
	}
}

func TestAloneWithoutCallState(t *testing.T) {
	f := open(t, policy.Fallback{}, fallback.WithKey(byRequest))
	down := &callee{response: "kept"}
	get := f.Middleware()(down.endpoint)
	_, _ = get(t.Context(), "7")
	down.err = errDown
	response, err := get(t.Context(), "7")
	wantAnswer(t, response, err, "kept")
}

func TestCloseTwiceAndCallAfterwards(t *testing.T) {
	f := fallback.New(policy.Fallback{}, fallback.WithKey(byRequest))
	get := f.Middleware()((&callee{response: "good"}).endpoint)
	var closers sync.WaitGroup
	for range 3 {
		closers.Go(func() {
			if err := f.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	closers.Wait()
	_, response, err := ask(t.Context(), get, "7")
	wantAnswer(t, response, err, "good")
}

func TestStoreOutlivesFallback(t *testing.T) {
	store := fallback.NewCache(10)
	down := &callee{response: "kept"}
	old := open(t, policy.Fallback{}, fallback.WithKey(byRequest), fallback.WithStore(store))
	_, _, _ = ask(t.Context(), old.Middleware()(down.endpoint), "7")
	_ = old.Close()

	down.err = errDown
	renewed := open(t, policy.Fallback{}, fallback.WithKey(byRequest), fallback.WithStore(store))
	_, response, err := ask(t.Context(), renewed.Middleware()(down.endpoint), "7")
	wantAnswer(t, response, err, "kept")
}

func TestSweeperFreesMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := fallback.NewCache(10)
		f := fallback.New(policy.Fallback{StaleIfError: time.Second}, fallback.WithKey(byRequest), fallback.WithStore(store))
		_, _, _ = ask(t.Context(), f.Middleware()((&callee{}).endpoint), "7")
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if n := store.Len(); n != 0 {
			t.Errorf("%d entries are still held", n)
		}
		_ = f.Close()
	})
}

func TestSuccessDoesNotAllocate(t *testing.T) {
	f := open(t, policy.Fallback{}, fallback.WithKey(byRequest))
	get := f.Middleware()((&callee{response: "good"}).endpoint)
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	var request any = "7"
	if n := testing.AllocsPerRun(100, func() {
		state.Next()
		_, _ = get(ctx, request)
	}); n != 0 {
		t.Errorf("%v allocations for a success", n)
	}
}

func BenchmarkSuccess(b *testing.B) {
	f := fallback.New(policy.Fallback{}, fallback.WithKey(byRequest))
	defer func() { _ = f.Close() }()
	get := f.Middleware()((&callee{response: "good"}).endpoint)
	ctx, state := call.Enter(b.Context(), "orders", "Get")
	var request any = "7"
	b.ReportAllocs()
	for b.Loop() {
		state.Next()
		_, _ = get(ctx, request)
	}
}
