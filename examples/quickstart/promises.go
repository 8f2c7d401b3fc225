package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/registry"
)

// What the promises allow.
const (
	staleAfterFault = 30 // answers, in the first second of a provider's fault
	retriesOfCalls  = 10 // per cent
	retriesByTime   = 3  // per second
	retriesSaved    = 30
	firstAnswer     = 100 * time.Millisecond
	firstCall       = 3 * time.Second
	breakerMoment   = time.Second            // to close, after its sleep
	probeMoment     = 250 * time.Millisecond // for one try of the attempt that closes it
	ticketMoment    = 50 * time.Millisecond  // for attempts that were let pass just before it opened
)

// account is what the promises are judged by. What did not happen is nil.
type account struct {
	*recorder
	sleep     time.Duration // the breaker's
	restarted *restart
	joined    *join
	returned  time.Time // of the last provider, after all had been down
	unmended  error
	listened  []string // addresses of ours
	left      *leftovers
}

// promise is something that Holdfast keeps through all phases.
type promise struct {
	text  string
	given func(*account) bool  // nil: always
	kept  func(*account) error // nil, or how it was broken
}

// The promises by their texts.
const (
	allFetched         = "all 50 orders are fetched in the steady phase"
	noFailure          = "failed 0 in every phase"
	noDefault          = "default 0 in every phase"
	seldomStale        = `stale 0 outside "all providers down" and the one sleep window after it, but for at most 30 in the first second of a provider fault`
	fewRetries         = "retries in a phase at most 10 % of its calls + 3/s + 30"
	quickRestart       = "the restarted gateway's first answer within 100 ms of Open, its list from disk"
	breakerOpens       = "the breaker opens while all are down, and then lets at most one attempt pass per sleep window"
	breakerClosesAgain = "the breaker closes again within its sleep window and a second of their return"
	quickJoin          = "the seventh provider is called within 3 s of joining"
	mendedIsCalled     = "every provider is called again once it is mended"
	nothingIsLeft      = "nothing is left running at the end"
)

var promises = []promise{
	{allFetched, during(steady), everyOrderFetched},
	{noFailure, nil, noneFailed},
	{noDefault, nil, noneByDefault},
	{seldomStale, nil, staleInTime},
	{fewRetries, nil, retriesWithinBudget},
	{quickRestart, func(a *account) bool { return a.restarted != nil }, restartIsFast},
	{breakerOpens, during(allProvidersDown), breakerProtects},
	{breakerClosesAgain, during(everythingBack), breakerCloses},
	{quickJoin, func(a *account) bool { return a.joined != nil }, joinIsFast},
	{mendedIsCalled, nil, func(a *account) error { return a.unmended }},
	{nothingIsLeft, func(a *account) bool { return a.left != nil }, func(a *account) error { return a.left.err() }},
}

// verdict is a promise that was put to the test.
type verdict struct {
	text   string
	broken error
}

func judge(a *account) (verdicts []verdict, allKept bool) {
	allKept = true
	for _, p := range promises {
		if p.given != nil && !p.given(a) {
			continue
		}
		v := verdict{text: p.text, broken: p.kept(a)}
		verdicts = append(verdicts, v)
		allKept = allKept && v.broken == nil
	}
	return verdicts, allKept
}

func during(name string) func(*account) bool {
	return func(a *account) bool { return a.period(name) != nil }
}

func (a *account) period(name string) *period {
	for _, p := range a.periods {
		if p.name == name {
			return p
		}
	}
	return nil
}

func everyOrderFetched(a *account) error {
	fetched := map[string]bool{}
	for _, c := range a.period(steady).calls {
		fetched[c.id] = fetched[c.id] || c.source == holdfast.SourceLive
	}
	for id, ok := range fetched {
		if !ok {
			return fmt.Errorf("%s was not", id)
		}
	}
	if len(fetched) < orderIDs {
		return fmt.Errorf("only %d were asked for", len(fetched))
	}
	return nil
}

func noneFailed(a *account) error {
	return a.eachPeriod(func(p *period, t tally) error {
		for _, c := range p.calls {
			if c.err != nil {
				return fmt.Errorf("%d, the first with: %w", t.failed, c.err)
			}
		}
		return nil
	})
}

func noneByDefault(a *account) error {
	return a.eachPeriod(func(_ *period, t tally) error {
		if t.byDefault > 0 {
			return fmt.Errorf("%d", t.byDefault)
		}
		return nil
	})
}

func (a *account) eachPeriod(check func(*period, tally) error) error {
	var errs []error
	for _, p := range a.periods {
		if err := check(p, p.tally()); err != nil {
			errs = append(errs, fmt.Errorf("%q: %w", p.name, err))
		}
	}
	return errors.Join(errs...)
}

func staleInTime(a *account) error {
	return a.eachPeriod(func(p *period, _ tally) error {
		early, late := 0, 0
		for _, c := range p.calls {
			switch {
			case c.source != holdfast.SourceStale || a.excused(c):
			case p.fault && c.began.Sub(p.began) < time.Second:
				early++
			default:
				late++
			}
		}
		if late > 0 || early > staleAfterFault {
			return fmt.Errorf("%d in the first second of the fault, %d otherwise", early, late)
		}
		return nil
	})
}

// excused reports whether c began when no provider was up, or the breaker could not know yet that they are again.
func (a *account) excused(c call) bool {
	down := a.period(allProvidersDown)
	if down == nil {
		return false
	}
	back := down.ended
	if a.returned.After(back) {
		back = a.returned
	}
	return !c.began.Before(down.began) && c.began.Before(back.Add(a.sleep+probeMoment))
}

func retriesWithinBudget(a *account) error {
	return a.eachPeriod(func(p *period, t tally) error {
		allowed := float64(t.calls)*retriesOfCalls/100 + p.ended.Sub(p.began).Seconds()*retriesByTime + retriesSaved
		if float64(t.retried) > allowed {
			return fmt.Errorf("%d of %d calls, %.0f allowed", t.retried, t.calls, allowed)
		}
		return nil
	})
}

func restartIsFast(a *account) error {
	r := a.restarted
	switch {
	case r.first.err != nil:
		return fmt.Errorf("no answer: %w", r.first.err)
	case r.first.source != holdfast.SourceLive:
		return fmt.Errorf("no answer of a provider, but a %s one", r.first.source)
	case r.source != registry.SourceDisk:
		return fmt.Errorf("its list came from %q", r.source)
	case r.answered > firstAnswer:
		return fmt.Errorf("it took %s", r.answered)
	}
	return nil
}

func breakerProtects(a *account) error {
	down := a.period(allProvidersDown)
	var opened time.Time
	for _, c := range a.breaker {
		if c.to == "open" && c.at.After(down.began) && c.at.Before(down.ended) {
			opened = c.at
			break
		}
	}
	if opened.IsZero() {
		return errors.New("it did not open")
	}
	passed := map[time.Duration]int{}
	for _, at := range a.attempts {
		if at.After(opened.Add(ticketMoment)) && at.Before(down.ended) {
			passed[at.Sub(opened)/a.sleep]++
		}
	}
	for window, n := range passed {
		if n > 1 {
			return fmt.Errorf("%d attempts passed in sleep window %d", n, window+1)
		}
	}
	return nil
}

func breakerCloses(a *account) error {
	back := a.period(everythingBack)
	state := "closed"
	for _, c := range a.breaker {
		if c.at.Before(back.began.Add(a.sleep + breakerMoment)) {
			state = c.to
		}
	}
	if state != "closed" {
		return fmt.Errorf("it was %s", state)
	}
	return nil
}

func joinIsFast(a *account) error {
	if a.joined.err == nil && a.joined.took > firstCall {
		return fmt.Errorf("it took %s", a.joined.took)
	}
	return a.joined.err
}
