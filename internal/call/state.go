// Package call holds the state of one logical call, carried once in its context. Every stage reads and writes it;
// no stage needs another stage for it.
package call

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/policy"
)

// State belongs to the goroutine that makes the call: the stages run one after the other, so nothing is locked.
type State struct {
	Service, Method string
	Started         time.Time

	Attempt  int    // number of the attempt under way, from 1; 0 before the first
	Instance string // address that the attempt was sent to, "" before it was picked
	Alone    bool   // when that was picked, there was no other instance left that the call had not tried

	Source string        // how the answer came about, one of the Source constants
	Age    time.Duration // of a stale answer
	Cause  error         // what went wrong when the answer is not live

	judged  bool
	verdict policy.Verdict
	err     error

	last    policy.Verdict
	lastErr error

	tried   []string
	triedIn [4]string // keeps the usual few tries from allocating

	outsides [3]outside // so do these
	left     int        // how many of them are used
}

// How an answer came about.
const (
	SourceNone    = "" // there was no answer
	SourceLive    = "live"
	SourceStale   = "stale"
	SourceDefault = "default"
)

type key struct{}

// Enter begins a logical call. A call made within another has a state of its own.
func Enter(ctx context.Context, service, method string) (context.Context, *State) {
	s := &State{Service: service, Method: method, Started: time.Now()}
	return context.WithValue(ctx, key{}, s), s
}

// From returns the state of the call that ctx belongs to, or nil.
func From(ctx context.Context) *State {
	s, _ := ctx.Value(key{}).(*State)
	return s
}

// Ensure returns the state of the call that ctx belongs to, and begins one for a stage that is used alone.
func Ensure(ctx context.Context) (context.Context, *State) {
	if s := From(ctx); s != nil {
		return ctx, s
	}
	return Enter(ctx, "", "")
}

// Leave returns a context that does not belong to the call: for what the callee's endpoint does within an attempt.
func (s *State) Leave(ctx context.Context) context.Context {
	if s.left == len(s.outsides) {
		return &outside{ctx}
	}
	o := &s.outsides[s.left]
	s.left++
	o.Context = ctx
	return o
}

// outside is a context in which no call is found.
type outside struct{ context.Context }

func (o *outside) Value(k any) any {
	if k == (key{}) {
		return nil
	}
	return o.Context.Value(k)
}

// Next begins the next attempt.
func (s *State) Next() {
	if s.judged && s.Instance != "" {
		s.last, s.lastErr = s.verdict, s.err
	}
	s.Attempt++
	s.Instance, s.Alone = "", false
	s.judged = false
}

// Chose notes the instance of the attempt under way, of so many that it could have been, so that the next attempt can
// avoid it.
func (s *State) Chose(instance string, candidates int) {
	s.Instance = instance
	if s.tried == nil {
		s.tried = s.triedIn[:0]
	}
	s.tried = append(s.tried, instance)
	s.Alone = len(s.tried) >= candidates
}

// Tried reports whether an earlier attempt of this call was sent to the instance.
func (s *State) Tried(instance string) bool {
	for _, t := range s.tried {
		if t == instance {
			return true
		}
	}
	return false
}

// Forgive lets an instance that was tried before be chosen again.
func (s *State) Forgive(instance string) {
	kept := s.tried[:0]
	for _, t := range s.tried {
		if t != instance {
			kept = append(kept, t)
		}
	}
	s.tried = kept
}

// AnyTried reports whether any instance is to be avoided.
func (s *State) AnyTried() bool { return len(s.tried) > 0 }

// Judge returns the verdict on the attempt under way. The stage nearest to the callee is the first to ask and so
// decides it; the stages above get the same verdict. ctx is the context of the whole attempt: when the caller has
// given up, that is the verdict, whatever the error says.
func (s *State) Judge(ctx context.Context, response any, err error, classify policy.Classifier) policy.Verdict {
	if s.judged {
		return s.verdict
	}
	s.judged, s.err = true, err
	switch {
	case err != nil && errors.Is(ctx.Err(), context.Canceled):
		s.verdict = policy.Verdict{Outcome: policy.Canceled}
	case classify == nil:
		s.verdict = policy.Classify(response, err)
	default:
		s.verdict = classify(response, err).Known()
	}
	return s.verdict
}

// Last returns the verdict on the latest of the earlier attempts that were sent to an instance, and its error. Before
// there is one, they are zero.
func (s *State) Last() (policy.Verdict, error) { return s.last, s.lastErr }

// Verdict returns the verdict on the attempt under way, and whether there is one yet.
func (s *State) Verdict() (policy.Verdict, bool) { return s.verdict, s.judged }
