package middleware

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/go-kit/kit/endpoint"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/call"
	"github.com/holdfast-go/holdfast/policy"
)

// script answers each attempt with the next error, and the last one again and again.
func script(attempts *int, errs ...error) endpoint.Endpoint {
	return func(context.Context, any) (any, error) {
		err := errs[min(*attempts, len(errs)-1)]
		*attempts++
		if err != nil {
			return nil, err
		}
		return "answer", nil
	}
}

func TestRetryRepeatsWhatMayBeRepeated(t *testing.T) {
	for _, test := range []struct {
		outcome    policy.Outcome
		once, idem int // attempts, of a method that is idempotent and of one that is not
	}{
		{policy.Success, 1, 1},
		{policy.Refused, 1, 1},
		{policy.Canceled, 1, 1},
		{policy.ShortCircuited, 1, 1},
		{policy.NoInstance, 3, 3},
		{policy.NeverSent, 3, 3},
		{policy.Throttled, 3, 3},
		{policy.TimedOut, 1, 3},
		{policy.Failed, 1, 3},
	} {
		t.Run(test.outcome.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				for idempotent, want := range map[bool]int{false: test.once, true: test.idem} {
					attempts := 0
					_, err := Retry(policy.Retry{}, idempotent)(script(&attempts, fail(test.outcome)))(t.Context(), nil)
					if attempts != want {
						t.Errorf("idempotent %v: %d attempts, not %d", idempotent, attempts, want)
					}
					if err != fail(test.outcome) { //nolint:errorlint // it must be the very error
						t.Errorf("returned %v", err)
					}
				}
			})
		})
	}
}

func TestRetryHelps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, attempts := new(recorder), 0
		ctx, state := call.Enter(t.Context(), "orders", "Get")
		get := Retry(policy.Retry{}, true, WithObserver(seen))(script(&attempts, fail(policy.NeverSent), fail(policy.Failed), nil))

		response, err := get(ctx, nil)
		if response != "answer" || err != nil {
			t.Fatalf("got %v, %v", response, err)
		}
		if v, ok := state.Verdict(); state.Attempt != 3 || !ok || v.Outcome != policy.Success {
			t.Errorf("attempt %d, verdict %v %v", state.Attempt, v, ok)
		}
		told := events[event.Retried](seen)
		if len(told) != 2 {
			t.Fatalf("told %v", told)
		}
		for i, e := range told {
			if e.Service != "orders" || e.Method != "Get" || e.Attempt != i+2 || e.Cause == nil {
				t.Errorf("told %+v", e)
			}
		}
	})
}

func TestRetryJudgesOnceAndBelievesTheVerdict(t *testing.T) {
	judgements, attempts := 0, 0
	classify := func(any, error) policy.Verdict {
		judgements++
		return policy.Verdict{Outcome: policy.NeverSent}
	}
	inner := func(ctx context.Context, _ any) (any, error) {
		attempts++
		call.From(ctx).Judge(ctx, nil, nil, func(any, error) policy.Verdict { return policy.Verdict{Outcome: policy.Refused} })
		return nil, errors.New("refused")
	}
	if _, err := Retry(policy.Retry{}, true, WithClassifier(classify))(inner)(t.Context(), nil); err == nil {
		t.Fatal("no error")
	}
	if judgements != 0 || attempts != 1 {
		t.Errorf("%d judgements of its own, %d attempts", judgements, attempts)
	}
}

func TestRetryOfAnAnswerThatIsAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		classify := func(any, error) policy.Verdict { return policy.Verdict{Outcome: policy.Failed} }
		response, err := Retry(policy.Retry{Max: 1}, true, WithClassifier(classify))(script(&attempts, nil))(t.Context(), nil)
		if response != "answer" || err != nil || attempts != 2 {
			t.Errorf("got %v, %v after %d attempts", response, err, attempts)
		}
	})
}

func TestRetryDisabledTriesOnce(t *testing.T) {
	attempts := 0
	ctx, state := call.Enter(t.Context(), "orders", "Get")
	_, err := Retry(policy.Retry{Disabled: policy.True}, true)(script(&attempts, fail(policy.NeverSent)))(ctx, nil)
	if err == nil || attempts != 1 || state.Attempt != 1 {
		t.Errorf("%d attempts, state %d, %v", attempts, state.Attempt, err)
	}
}

func TestRetryWaitsAsLongAsTheCalleeAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := judged{Outcome: policy.Throttled, RetryAfter: 2 * time.Second}
		attempts, start := 0, time.Now()
		if _, err := Retry(policy.Retry{}, false)(script(&attempts, throttled, nil))(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(start); took < 2*time.Second || took > 2025*time.Millisecond {
			t.Errorf("waited %v", took)
		}

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		attempts, start = 0, time.Now()
		_, err := Retry(policy.Retry{}, false)(script(&attempts, throttled, nil))(ctx, nil)
		if err != throttled || attempts != 1 || time.Since(start) != 0 { //nolint:errorlint // it must be the very error
			t.Errorf("a pause that does not fit: %v after %v and %d attempts", err, time.Since(start), attempts)
		}

		throttled.RetryAfter = 31 * time.Second
		attempts, start = 0, time.Now()
		_, err = Retry(policy.Retry{}, false)(script(&attempts, throttled, nil))(t.Context(), nil)
		if err != throttled || attempts != 1 || time.Since(start) != 0 { //nolint:errorlint // it must be the very error
			t.Errorf("a pause too long for any call: %v after %v and %d attempts", err, time.Since(start), attempts)
		}
	})
}

// The wish of one instance does not bind another.
func TestRetryAsksAnotherInstanceWithoutWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := judged{Outcome: policy.Throttled, RetryAfter: 2 * time.Second}
		for candidates, least := range map[int]time.Duration{1: 2 * time.Second, 2: 0} {
			attempts, start := 0, time.Now()
			endpoint := script(&attempts, throttled, nil)
			_, err := Retry(policy.Retry{}, false)(func(ctx context.Context, request any) (any, error) {
				call.From(ctx).Chose("a", candidates)
				return endpoint(ctx, request)
			})(t.Context(), nil)
			if took := time.Since(start) - least; err != nil || took < 0 || took > 25*time.Millisecond {
				t.Errorf("%d candidates: %v, and %v longer than asked for", candidates, err, took)
			}
		}
	})
}

// What may not go to the same instance again is not repeated when there is no other, nor is anything drawn for it.
func TestRetryWithNobodyElseToAsk(t *testing.T) {
	for outcome, want := range map[policy.Outcome]int{policy.Failed: 1, policy.TimedOut: 1, policy.NeverSent: 3} {
		attempts, seen := 0, new(recorder)
		endpoint := script(&attempts, fail(outcome))
		_, err := Retry(policy.Retry{}, true, WithObserver(seen))(func(ctx context.Context, request any) (any, error) {
			call.From(ctx).Chose("a", 1)
			return endpoint(ctx, request)
		})(t.Context(), nil)
		if err == nil || attempts != want || len(events[event.Retried](seen)) != want-1 {
			t.Errorf("%v: %d attempts, %v, told %v", outcome, attempts, err, seen.events)
		}
	}
}

func TestRetryThatReachesNobodyIsFree(t *testing.T) {
	for _, outcome := range []policy.Outcome{policy.NoInstance, policy.AllTried, policy.ShortCircuited} {
		synctest.Test(t, func(t *testing.T) {
			attempts := 0
			shared := NewBudget(policy.Budget{Percent: 0.001, PerSecond: 0.001})
			before := shared.Tokens()
			_, _ = Retry(policy.Retry{}, true, WithBudget(shared))(script(&attempts, fail(policy.Failed), fail(outcome)))(t.Context(), nil)
			if spent := before - shared.Tokens(); attempts < 2 || spent > 0.01 {
				t.Errorf("%v: %d attempts, %v tokens spent", outcome, attempts, spent)
			}
		})
	}
}

func TestRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seen, attempts := new(recorder), 0
		shared := NewBudget(policy.Budget{Capacity: 2, MethodPercent: 100, PerSecond: 0.001, Percent: 0.001})
		get := Retry(policy.Retry{Max: 5}, true, WithBudget(shared), WithObserver(seen))(script(&attempts, fail(policy.Failed)))
		ctx, _ := call.Enter(t.Context(), "orders", "Get")
		if _, err := get(ctx, nil); err != fail(policy.Failed) { //nolint:errorlint // it must be the very error
			t.Errorf("returned %v", err)
		}
		want := event.BudgetExhausted{Service: "orders", Method: "Get", Cause: fail(policy.Failed)}
		if told := events[event.BudgetExhausted](seen); attempts != 3 || len(told) != 1 || told[0] != want {
			t.Errorf("%d attempts, told %v", attempts, told)
		}
	})
}

func TestRetryEndsWithItsCaller(t *testing.T) {
	t.Run("cancelled within a pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b, attempts := NewBudget(policy.Budget{}), 0
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			throttled := judged{Outcome: policy.Throttled, RetryAfter: 30 * time.Second}
			_, err := Retry(policy.Retry{}, true, WithBudget(b))(script(&attempts, throttled))(ctx, nil)
			if !errors.Is(err, context.Canceled) || !errors.Is(err, throttled) || attempts != 1 {
				t.Errorf("%d attempts, %v", attempts, err)
			}
			if took := time.Since(start); took != time.Second {
				t.Errorf("took %v", took)
			}
			if b.Tokens() != 30 {
				t.Errorf("the retry that did not happen cost a token: %v", b.Tokens())
			}
		})
	})
	t.Run("cancelled within an attempt", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		reset := errors.New("connection reset")
		attempts := 0
		_, err := Retry(policy.Retry{}, true)(func(context.Context, any) (any, error) {
			attempts++
			cancel()
			return nil, reset
		})(ctx, nil)
		if !errors.Is(err, context.Canceled) || !errors.Is(err, reset) || attempts != 1 {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
	t.Run("before it began", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		attempts := 0
		if _, err := Retry(policy.Retry{}, true)(script(&attempts, nil))(ctx, nil); !errors.Is(err, context.Canceled) || attempts != 0 {
			t.Errorf("%d attempts, %v", attempts, err)
		}
	})
}

func TestRetryUnderATimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start, attempts := time.Now(), 0
		hangs := func(ctx context.Context, request any) (any, error) {
			attempts++
			return obedient(ctx, request)
		}
		_, err := Timeout(time.Second)(Retry(policy.Retry{}, true)(hangs))(t.Context(), nil)
		var timeout *TimeoutError
		if !errors.As(err, &timeout) || attempts != 1 || time.Since(start) != time.Second {
			t.Errorf("the whole call: %v after %v and %d attempts", err, time.Since(start), attempts)
		}

		start, attempts = time.Now(), 0
		_, err = Timeout(time.Second)(Retry(policy.Retry{Max: 100}, true)(Timeout(250*time.Millisecond)(hangs)))(t.Context(), nil)
		if !errors.As(err, &timeout) || attempts < 3 || time.Since(start) > time.Second {
			t.Errorf("with a time for each try: %v after %v and %d attempts", err, time.Since(start), attempts)
		}
	})
}

func TestRetryStopsAtAnOpenBreaker(t *testing.T) {
	attempts := 0
	get := Retry(policy.Retry{}, true)(Breaker(&fakeCircuit{deny: true})(script(&attempts, nil)))
	_, err := get(t.Context(), nil)
	if !errors.Is(err, ErrOpen) || attempts != 0 || strings.Contains(fmt.Sprint(err), "last attempt") {
		t.Errorf("%d attempts, %v", attempts, err)
	}
}

func TestRetryTellsWhyTheBreakerOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, attempts := new(fakeCircuit), 0
		get := Retry(policy.Retry{}, true)(Breaker(c)(func(context.Context, any) (any, error) {
			attempts++
			c.deny = true
			return nil, fail(policy.Failed)
		}))
		_, err := get(t.Context(), nil)
		if !errors.Is(err, ErrOpen) || !errors.Is(err, fail(policy.Failed)) || attempts != 1 {
			t.Errorf("%d attempts, %v", attempts, err)
		}
		if got := policy.Classify(nil, err).Outcome; got != policy.ShortCircuited {
			t.Errorf("judged %v", got)
		}
	})
}

// In a full outage the callee gets 1.1 times the calls, and what time and the full bucket allow besides.
func TestRetryAmplification(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const calls, perSecond = 6000, 200
		b, attempts := NewBudget(policy.Budget{}), 0
		start := time.Now()
		methods := []string{"Get", "List", "Put"}
		get := Retry(policy.Retry{}, true, WithBudget(b))(script(&attempts, fail(policy.Failed)))
		for i := range calls {
			ctx, _ := call.Enter(t.Context(), "orders", methods[i%len(methods)])
			if _, err := get(ctx, nil); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(time.Second / perSecond)
		}
		retries, bound := attempts-calls, 0.1*calls+3*time.Since(start).Seconds()+30
		if float64(retries) > bound || float64(retries) < bound-5 {
			t.Errorf("%d retries, %v are allowed", retries, bound)
		}
	})
}

func TestJitter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := policy.Backoff{
			Base:   time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "base")),
			Factor: rapid.Float64Range(1, 100).Draw(t, "factor"),
			Max:    time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "max")),
		}
		n := rapid.IntRange(1, 10_000).Draw(t, "n")
		if got := jitter(b, n); got < 0 || got > b.Max || (n == 1 && got > b.Base) {
			t.Fatalf("pause %d: %v", n, got)
		}
	})
	b := policy.Backoff{}.WithDefaults()
	for n, ceiling := range map[int]time.Duration{1: 25, 2: 50, 3: 100, 4: 200, 5: 250, 50: 250} {
		ceiling *= time.Millisecond
		longest := time.Duration(0)
		for range 2000 {
			longest = max(longest, jitter(b, n))
		}
		if longest > ceiling || longest < ceiling*9/10 {
			t.Errorf("the longest of many pauses before retry %d is %v, not nearly %v", n, longest, ceiling)
		}
	}
}

func TestRetryDoesNotAllocate(t *testing.T) {
	ctx, _ := call.Enter(t.Context(), "orders", "Get")
	get := Retry(policy.Retry{}, true)(noop)
	if n := testing.AllocsPerRun(100, func() { _, _ = get(ctx, nil) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkRetry(b *testing.B) {
	ctx, _ := call.Enter(b.Context(), "orders", "Get")
	get := Retry(policy.Retry{}, true)(noop)
	b.ReportAllocs()
	for b.Loop() {
		_, _ = get(ctx, nil)
	}
}
