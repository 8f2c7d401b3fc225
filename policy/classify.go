package policy

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// Judged is an error that knows its own verdict. Every error that Holdfast makes itself is one; an application's
// errors may be.
type Judged interface {
	error
	Verdict() Verdict
}

// Classify is the default classifier. It asks, in this order:
//
//   - the error itself, if any in its chain is Judged;
//   - its HTTP status, if any in its chain has a method StatusCode() int (go-kit's StatusCoder), with its method
//     RetryAfter() time.Duration if there is one: see FromStatus;
//   - the network: a failure before the request was sent (DNS, dial, refused, no route) is NeverSent, a time-out is
//     TimedOut;
//   - otherwise an error is Failed.
//
// A response with an error of its own (go-kit's endpoint.Failer) is an application's answer, hence a Success.
func Classify(_ any, err error) Verdict {
	if err == nil {
		return Verdict{Outcome: Success}
	}
	var judged Judged
	if errors.As(err, &judged) {
		return judged.Verdict().Known()
	}
	var status interface{ StatusCode() int }
	if errors.As(err, &status) {
		var pause time.Duration
		var after interface{ RetryAfter() time.Duration }
		if errors.As(err, &after) {
			pause = after.RetryAfter()
		}
		return FromStatus(status.StatusCode(), pause)
	}
	return Verdict{Outcome: fromNetwork(err)}
}

// FromStatus judges an HTTP status: 429 is Throttled, and so is 503 when it says when to come back (retryAfter above 0);
// 408 and 504 are TimedOut, other 5xx Failed, other 4xx Refused, the rest Success.
func FromStatus(code int, retryAfter time.Duration) Verdict {
	switch {
	case code == http.StatusTooManyRequests, code == http.StatusServiceUnavailable && retryAfter > 0:
		return Verdict{Outcome: Throttled, RetryAfter: retryAfter}
	case code == http.StatusRequestTimeout, code == http.StatusGatewayTimeout:
		return Verdict{Outcome: TimedOut}
	case code >= http.StatusInternalServerError:
		return Verdict{Outcome: Failed}
	case code >= http.StatusBadRequest:
		return Verdict{Outcome: Refused}
	default:
		return Verdict{Outcome: Success}
	}
}

func fromNetwork(err error) Outcome {
	if neverSent(err) {
		return NeverSent
	}
	var netErr net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || (errors.As(err, &netErr) && netErr.Timeout()) {
		return TimedOut
	}
	if errors.Is(err, context.Canceled) {
		return Canceled
	}
	return Failed
}

func neverSent(err error) bool {
	var dns *net.DNSError
	if errors.As(err, &dns) {
		return true
	}
	var op *net.OpError
	if errors.As(err, &op) && op.Op == "dial" {
		return true
	}
	return errors.Is(err, syscall.ECONNREFUSED)
}
