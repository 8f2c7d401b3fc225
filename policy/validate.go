package policy

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/holdfast-go/holdfast/internal/field"
)

// Error is one refused value: field, value, reason and, if it came from a document, where it stands.
type Error = field.Error

// faults collects what is wrong. Each check sees what was written (own) and, for contradictions between fields, what
// it amounts to (full).
type faults []error

func (f *faults) join() error { return errors.Join(*f...) }

func (f *faults) refuse(path string, value any, reason string) {
	*f = append(*f, field.New(path, value, reason))
}

func (f *faults) policy(path string, own, full Policy) {
	f.method(path, own.Method, full.Method)

	f.upTo(path+".budget.percent", own.Budget.Percent, 100)
	f.upTo(path+".budget.methodPercent", own.Budget.MethodPercent, 100)
	f.upTo(path+".budget.perSecond", own.Budget.PerSecond, 10_000) // far more could not be counted
	f.upTo(path+".budget.capacity", own.Budget.Capacity, 100_000)

	f.count(path+".ejection.consecutiveFailures", own.Ejection.ConsecutiveFailures)
	f.duration(path+".ejection.time", own.Ejection.Time)
	f.duration(path+".ejection.maxTime", own.Ejection.MaxTime)
	f.upTo(path+".ejection.maxPercent", float64(own.Ejection.MaxPercent), 100)
	f.upTo(path+".ejection.panicPercent", float64(own.Ejection.PanicPercent), 100)
	if full.Ejection.MaxTime < full.Ejection.Time {
		f.refuse(path+".ejection.maxTime", full.Ejection.MaxTime, fmt.Sprintf("is below the time of the first ejection, %v", full.Ejection.Time))
	}
}

func (f *faults) method(path string, own, full Method) {
	f.duration(path+".timeout.call", own.Timeout.Call)
	f.duration(path+".timeout.try", own.Timeout.Try)
	if full.Timeout.Call > 0 && full.Timeout.Try > full.Timeout.Call {
		f.refuse(path+".timeout.try", full.Timeout.Try, fmt.Sprintf("is above the whole call's, %v", full.Timeout.Call))
	}

	f.count(path+".retry.max", own.Retry.Max)
	f.duration(path+".retry.backoff.base", own.Retry.Backoff.Base)
	f.duration(path+".retry.backoff.max", own.Retry.Backoff.Max)
	if factor := own.Retry.Backoff.Factor; factor != 0 && !(factor >= 1) || math.IsInf(factor, 0) {
		f.refuse(path+".retry.backoff.factor", factor, "must be at least 1")
	}
	if full.Retry.Backoff.Max < full.Retry.Backoff.Base {
		f.refuse(path+".retry.backoff.max", full.Retry.Backoff.Max, fmt.Sprintf("is below the base, %v", full.Retry.Backoff.Base))
	}

	f.count(path+".breaker.requestVolume", own.Breaker.RequestVolume)
	f.upTo(path+".breaker.errorPercent", float64(own.Breaker.ErrorPercent), 100)
	f.duration(path+".breaker.sleep", own.Breaker.Sleep)

	f.duration(path+".fallback.staleIfError", own.Fallback.StaleIfError)
	f.count(path+".fallback.maxEntries", own.Fallback.MaxEntries)
}

func (f *faults) duration(path string, d time.Duration) {
	switch {
	case d < 0:
		f.refuse(path, d, "must not be negative")
	case d > 0 && d < time.Millisecond:
		f.refuse(path, d, "is below a millisecond")
	}
}

func (f *faults) count(path string, n int) {
	if n < 0 {
		f.refuse(path, n, "must be above 0")
	}
}

func (f *faults) upTo(path string, v, most float64) {
	if !(v >= 0 && v <= most) {
		f.refuse(path, v, fmt.Sprintf("must be above 0 and at most %v", most))
	}
}
