package policy

import (
	"cmp"
	"time"
)

// WithDefaults fills in what is left at zero.
func (p Policy) WithDefaults() Policy {
	p.Method = p.Method.WithDefaults()
	p.Budget = p.Budget.WithDefaults()
	p.Ejection = p.Ejection.WithDefaults()
	return p
}

// WithDefaults fills in what is left at zero.
func (m Method) WithDefaults() Method {
	m.Timeout = m.Timeout.WithDefaults()
	m.Retry = m.Retry.WithDefaults()
	m.Breaker = m.Breaker.WithDefaults()
	m.Fallback = m.Fallback.WithDefaults()
	return m
}

// WithDefaults fills in what is left at zero, but for Try, whose zero is its default.
func (t Timeout) WithDefaults() Timeout {
	t.Call = cmp.Or(t.Call, time.Second)
	return t
}

// WithDefaults fills in what is left at zero.
func (r Retry) WithDefaults() Retry {
	r.Max = cmp.Or(r.Max, 2)
	r.Backoff = r.Backoff.WithDefaults()
	return r
}

// WithDefaults fills in what is left at zero.
func (b Backoff) WithDefaults() Backoff {
	b.Base = cmp.Or(b.Base, 25*time.Millisecond)
	b.Factor = cmp.Or(b.Factor, 2)
	b.Max = cmp.Or(b.Max, 250*time.Millisecond)
	return b
}

// WithDefaults fills in what is left at zero.
func (b Budget) WithDefaults() Budget {
	b.Percent = cmp.Or(b.Percent, 10)
	b.PerSecond = cmp.Or(b.PerSecond, 3)
	b.Capacity = cmp.Or(b.Capacity, 30)
	b.MethodPercent = cmp.Or(b.MethodPercent, 50)
	return b
}

// WithDefaults fills in what is left at zero.
func (b Breaker) WithDefaults() Breaker {
	b.RequestVolume = cmp.Or(b.RequestVolume, 20)
	b.ErrorPercent = cmp.Or(b.ErrorPercent, 50)
	b.Sleep = cmp.Or(b.Sleep, 5*time.Second)
	return b
}

// WithDefaults fills in what is left at zero.
func (e Ejection) WithDefaults() Ejection {
	e.ConsecutiveFailures = cmp.Or(e.ConsecutiveFailures, 3)
	e.Time = cmp.Or(e.Time, 30*time.Second)
	e.MaxTime = cmp.Or(e.MaxTime, 10*e.Time)
	e.MaxPercent = cmp.Or(e.MaxPercent, 50)
	e.PanicPercent = cmp.Or(e.PanicPercent, 50)
	return e
}

// WithDefaults fills in what is left at zero.
func (f Fallback) WithDefaults() Fallback {
	f.StaleIfError = cmp.Or(f.StaleIfError, 10*time.Minute)
	f.MaxEntries = cmp.Or(f.MaxEntries, 10_000)
	return f
}
