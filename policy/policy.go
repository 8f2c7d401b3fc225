// Package policy holds what a service's calls are allowed to cost and how failures are judged: data only, no behaviour.
//
// In every struct the zero value of a field means the documented default, and a part is switched off with Disabled,
// never with 0. WithDefaults returns a copy in which nothing is left at zero.
package policy

import "time"

// Method is what can be set for one method of a service.
type Method struct {
	// Idempotent declares that repeating a call of the method does no harm, so that a failure after which the
	// callee may or may not have done its work can be tried again. Default: not idempotent.
	Idempotent Bool `yaml:"idempotent,omitempty"`

	Timeout  Timeout  `yaml:"timeout,omitempty"`
	Retry    Retry    `yaml:"retry,omitempty"`
	Breaker  Breaker  `yaml:"breaker,omitempty"`
	Fallback Fallback `yaml:"fallback,omitempty"`
}

// Policy is what can be set for a whole service: the settings of its methods, and those that its methods share.
type Policy struct {
	Method   `yaml:",inline"`
	Budget   Budget   `yaml:"budget,omitempty"`
	Ejection Ejection `yaml:"ejection,omitempty"`
}

// Timeout bounds a call.
type Timeout struct {
	Disabled Bool `yaml:"disabled,omitempty"`

	// Call bounds the whole call with all its tries. Default: 1s.
	Call time.Duration `yaml:"call,omitempty"`

	// Try bounds one try of a call that may be repeated. Default: the time that remains to the call.
	// A call that must not be repeated always has all of it.
	Try time.Duration `yaml:"try,omitempty"`
}

// Retry says how often and after what pause a failed attempt is repeated.
type Retry struct {
	Disabled Bool `yaml:"disabled,omitempty"`

	// Max is the number of attempts after the first. Default: 2.
	Max int `yaml:"max,omitempty"`

	Backoff Backoff `yaml:"backoff,omitempty"`
}

// Backoff is exponential with full jitter: before the n-th retry the pause is a random time between 0 and
// min(Max, Base·Factorⁿ⁻¹).
type Backoff struct {
	Base   time.Duration `yaml:"base,omitempty"`   // Default: 25ms.
	Factor float64       `yaml:"factor,omitempty"` // At least 1. Default: 2.
	Max    time.Duration `yaml:"max,omitempty"`    // Default: 250ms.
}

// Budget bounds the retries of a service, over all its methods, in proportion to its calls.
type Budget struct {
	Disabled Bool `yaml:"disabled,omitempty"`

	// Percent of the calls earn a retry. Default: 10.
	Percent float64 `yaml:"percent,omitempty"`

	// PerSecond retries are earned by time alone, so that a service with few calls can retry. At most
	// 10,000. Default: 3.
	PerSecond float64 `yaml:"perSecond,omitempty"`

	// Capacity is the most retries that can be saved up. At most 100,000. Default: 30.
	Capacity float64 `yaml:"capacity,omitempty"`

	// MethodPercent of the capacity is the most that one method may have drawn at a time. Default: 50.
	MethodPercent float64 `yaml:"methodPercent,omitempty"`
}

// Breaker stops the attempts of a method while most of them fail. The names and defaults are Hystrix's.
type Breaker struct {
	Disabled Bool `yaml:"disabled,omitempty"`

	// RequestVolume is the fewest attempts within 10 s at which the breaker may open. Default: 20.
	RequestVolume int `yaml:"requestVolume,omitempty"`

	// ErrorPercent of the attempts within 10 s must have failed for the breaker to open. Default: 50.
	ErrorPercent int `yaml:"errorPercent,omitempty"`

	// Sleep is the time for which an open breaker lets nothing pass; then one attempt probes. Default: 5s.
	Sleep time.Duration `yaml:"sleep,omitempty"`
}

// Ejection takes an instance that keeps failing out of the service's traffic for a while.
type Ejection struct {
	Disabled Bool `yaml:"disabled,omitempty"`

	// ConsecutiveFailures in a row eject an instance. Default: 3.
	ConsecutiveFailures int `yaml:"consecutiveFailures,omitempty"`

	// Time of the first ejection; the n-th in a row lasts n times as long, at most MaxTime. Default: 30s.
	Time time.Duration `yaml:"time,omitempty"`

	// MaxTime bounds the growth. Default: ten times Time.
	MaxTime time.Duration `yaml:"maxTime,omitempty"`

	// MaxPercent of a service's instances are ejected at the same time, but one always may be if there are two.
	// Default: 50.
	MaxPercent int `yaml:"maxPercent,omitempty"`

	// PanicPercent: when less than this part of the instances is available, all are used. Default: 50.
	PanicPercent int `yaml:"panicPercent,omitempty"`
}

// Fallback answers calls that failed.
type Fallback struct {
	Disabled Bool `yaml:"disabled,omitempty"`

	// StaleIfError is the greatest age of a cached value that may answer for a failed call. Default: 10m.
	StaleIfError time.Duration `yaml:"staleIfError,omitempty"`

	// MaxEntries bounds the cached values of a method. Default: 10,000.
	MaxEntries int `yaml:"maxEntries,omitempty"`
}
