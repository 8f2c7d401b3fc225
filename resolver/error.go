package resolver

import (
	"errors"
	"fmt"

	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

// The errors that callers test for. Every failure to pick is ErrNoInstance.
var (
	ErrNoInstance = errors.New("resolver: no instance")
	ErrClosed     = errors.New("resolver: closed")
)

// PickError says why there was nobody to call. It is an ErrNoInstance.
type PickError struct {
	Service       string
	Listed        bool // a list has come, be it empty
	Total, Usable int  // instances in the list, and those of them that may get traffic

	// AllTried: there are instances, but this call has tried each of them, and its last failure (Err) was not one after
	// which an instance may be tried again.
	AllTried bool

	// Err is the cause, if there is one: the registry's error, the context's while waiting for the first list, a
	// factory's, ErrClosed, or the failure of the call's last attempt.
	Err error
}

func (e *PickError) Error() string {
	s := ErrNoInstance.Error() + " of " + e.Service
	switch {
	case !e.Listed:
		s += " (no list of them has come yet)"
	case e.AllTried:
		s += " left that was not tried"
	case e.Total > 0:
		s += fmt.Sprintf(" (%d of %d usable)", e.Usable, e.Total)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap returns the cause.
func (e *PickError) Unwrap() error { return e.Err }

// Is reports whether target is ErrNoInstance.
func (e *PickError) Is(target error) bool { return target == ErrNoInstance }

// Verdict is NoInstance, after which another attempt may find that the list has changed, or AllTried, after which none
// makes sense: the cause may be one that allows another attempt, but there is no instance to make it on. After ErrClosed
// there never will be.
func (e *PickError) Verdict() policy.Verdict {
	if e.AllTried || errors.Is(e.Err, ErrClosed) {
		return policy.Verdict{Outcome: policy.AllTried}
	}
	return policy.Verdict{Outcome: policy.NoInstance}
}

// failed says that v could not serve, and why.
func (v *view) failed(s registry.Service, cause error) *PickError {
	return &PickError{Service: s.String(), Listed: v.snapshot.Known(), Total: len(v.nodes), Usable: v.usable, Err: cause}
}
