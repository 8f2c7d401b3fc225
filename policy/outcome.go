package policy

import "time"

// Outcome is the verdict on one attempt. Retry, breaker, ejection, fallback and telemetry all go by it.
type Outcome uint8

// The outcomes. An attempt that got an answer which is no fault of the callee is a success here, even when the
// application calls it an error.
const (
	Success        Outcome = iota
	Refused                // answered with an error that is the caller's own (most 4xx): not repeated, nobody's failure
	Canceled               // the caller gave up
	NoInstance             // there was nobody to call
	AllTried               // an earlier attempt failed, and there is no other instance that may be tried: not repeated
	ShortCircuited         // the breaker was open
	NeverSent              // the request did not reach the callee: may be repeated whatever it does
	Throttled              // the callee declined to work on it: may be repeated after a pause
	TimedOut               // no answer in time: the callee may have done the work
	Failed                 // a failure after which the callee may have done the work
)

var outcomeNames = [...]string{
	Success: "success", Refused: "refused", Canceled: "canceled", NoInstance: "no_instance", AllTried: "all_tried",
	ShortCircuited: "short_circuited", NeverSent: "never_sent", Throttled: "throttled", TimedOut: "timed_out", Failed: "failed",
}

func (o Outcome) String() string { return outcomeNames[o] }

// OK reports whether the callee answered as it should.
func (o Outcome) OK() bool { return o == Success || o == Refused }

// BlamesInstance reports whether the outcome counts towards the ejection of the instance.
func (o Outcome) BlamesInstance() bool { return o == NeverSent || o == TimedOut || o == Failed }

// BlamesService reports whether the outcome counts as an error for the breaker of the method.
func (o Outcome) BlamesService() bool { return o.BlamesInstance() || o == Throttled }

// Repeatable reports whether another attempt makes sense after this outcome.
func (o Outcome) Repeatable(idempotent bool) bool {
	switch o {
	case NeverSent, Throttled, NoInstance:
		return true
	case TimedOut, Failed:
		return idempotent
	default:
		return false
	}
}

// SameInstance reports whether an instance may be tried again after this outcome, once all others have been.
func (o Outcome) SameInstance() bool { return o == NeverSent || o == Throttled }

// Verdict is an outcome with what the callee said about trying again.
type Verdict struct {
	Outcome    Outcome
	RetryAfter time.Duration // 0: it said nothing
}

// Known returns v with an outcome that there is: any other is Failed.
func (v Verdict) Known() Verdict {
	v.Outcome = min(v.Outcome, Failed)
	return v
}

// Classifier judges one attempt by its response and error. It is called once for each attempt, on the call's own
// goroutine, and must not keep the response. An outcome that there is not counts as Failed.
type Classifier func(response any, err error) Verdict
