package call

import (
	"context"
	"errors"
	"testing"

	"github.com/holdfast-go/holdfast/policy"
)

var errBoom = errors.New("boom")

func classifier(calls *int, o policy.Outcome) policy.Classifier {
	return func(any, error) policy.Verdict {
		*calls++
		return policy.Verdict{Outcome: o}
	}
}

func TestAnAttemptIsJudgedOnce(t *testing.T) {
	ctx, s := Enter(t.Context(), "orders", "Get")
	var calls int
	s.Next()
	first := s.Judge(ctx, nil, errBoom, classifier(&calls, policy.Throttled))
	second := s.Judge(ctx, nil, nil, nil)
	if first != second || first.Outcome != policy.Throttled || calls != 1 {
		t.Errorf("%v, then %v, after %d judgements", first, second, calls)
	}
	s.Next()
	if _, judged := s.Verdict(); judged {
		t.Error("the next attempt is judged already")
	}
	if v := s.Judge(ctx, nil, nil, nil); v.Outcome != policy.Success {
		t.Errorf("next attempt: %v", v)
	}
}

func TestCancellationIsTheVerdictWhateverTheErrorSays(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	ctx, s := Enter(ctx, "orders", "Get")
	cancel()
	var calls int
	if v := s.Judge(ctx, nil, errBoom, classifier(&calls, policy.Failed)); v.Outcome != policy.Canceled || calls != 0 {
		t.Errorf("%v after %d judgements", v, calls)
	}
}

func TestTriedInstancesAreRemembered(t *testing.T) {
	_, s := Enter(t.Context(), "orders", "Get")
	if s.AnyTried() {
		t.Error("tried before the first attempt")
	}
	addrs := []string{"a", "b", "c", "d", "e"} // one more than fits without allocating
	for _, a := range addrs {
		s.Next()
		s.Chose(a, 9)
	}
	s.Forgive("c")
	for _, a := range addrs {
		if got, want := s.Tried(a), a != "c"; got != want {
			t.Errorf("%s tried: %t, want %t", a, got, want)
		}
	}
	if s.Attempt != len(addrs) || s.Instance != "e" {
		t.Errorf("attempt %d at %s", s.Attempt, s.Instance)
	}
}

func TestLastIsTheLatestAttemptThatReachedAnInstance(t *testing.T) {
	ctx, s := Enter(t.Context(), "orders", "Get")
	s.Next()
	s.Chose("a", 9)
	s.Judge(ctx, nil, errBoom, nil)
	s.Next() // finds nobody
	s.Judge(ctx, nil, errors.New("no instance"), nil)
	s.Next()
	if v, err := s.Last(); v.Outcome != policy.Failed || !errors.Is(err, errBoom) {
		t.Errorf("last was %v, %v", v, err)
	}
}

func TestACallWithinACallHasAStateOfItsOwn(t *testing.T) {
	ctx, outer := Enter(t.Context(), "orders", "Get")
	if same, s := Ensure(ctx); s != outer || same != ctx {
		t.Error("Ensure began a call within a call")
	}
	inner, s := Enter(ctx, "users", "Find")
	if s == outer || From(inner) != s || From(ctx) != outer {
		t.Error("the inner call shares its state")
	}
	if _, s := Ensure(t.Context()); s == nil {
		t.Error("Ensure began none")
	}
	if From(t.Context()) != nil {
		t.Error("a state out of nowhere")
	}
}

// Whatever is done in a context that has left the call begins a call of its own, also long after the call.
func TestAContextThatHasLeftTheCall(t *testing.T) {
	type other struct{}
	ctx, s := Enter(context.WithValue(t.Context(), other{}, "kept"), "orders", "Get")
	ctx, cancel := context.WithCancel(ctx)
	var left []context.Context
	for range 2 * len(s.outsides) {
		left = append(left, s.Leave(ctx))
	}
	cancel()
	for i, outside := range left {
		if From(outside) != nil || outside.Value(other{}) != "kept" || outside.Err() == nil {
			t.Errorf("%d: state %v, value %v, %v", i, From(outside), outside.Value(other{}), outside.Err())
		}
		if _, own := Ensure(outside); own == s {
			t.Errorf("%d: a stage takes the call's state for its own", i)
		}
	}
}

func TestOutcomeThatThereIsNotIsAFailure(t *testing.T) {
	s := new(State)
	if v := s.Judge(t.Context(), nil, nil, classifier(new(int), 42)); v.Outcome != policy.Failed {
		t.Errorf("%v", v.Outcome)
	}
}
