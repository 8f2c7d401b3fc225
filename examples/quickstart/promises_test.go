package main

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/registry"
)

var start = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// at is a moment of the account below, in seconds.
func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

// good is an account in which all promises were kept; each test spoils it.
func good() *account {
	steadily := &period{name: steady, began: at(0), ended: at(5)}
	for i := range orderIDs {
		steadily.calls = append(steadily.calls, call{id: string(rune('A' + i)), began: at(1), source: holdfast.SourceLive})
	}
	fails := &period{name: "a provider hangs", fault: true, began: at(5), ended: at(10)}
	for range staleAfterFault {
		fails.calls = append(fails.calls, call{began: at(5.9), source: holdfast.SourceStale})
	}
	down := &period{name: allProvidersDown, fault: true, began: at(10), ended: at(19)}
	down.calls = []call{{began: at(18), source: holdfast.SourceStale, retries: 2}}
	back := &period{name: everythingBack, began: at(19), ended: at(27)}
	back.calls = []call{{began: at(23.9), source: holdfast.SourceStale}, {began: at(25), source: holdfast.SourceLive}}
	return &account{
		recorder: &recorder{
			periods:  []*period{steadily, fails, down, back},
			attempts: []time.Time{at(11), at(11.9), at(12.01), at(12.02), at(17.001), at(22.002), at(22.1)},
			breaker: []breakerChange{
				{at(12), "open"}, {at(17.001), "half-open"}, {at(17.002), "open"}, {at(22.002), "half-open"}, {at(22.003), "closed"},
			},
		},
		sleep:     5 * time.Second,
		restarted: &restart{answered: 99 * time.Millisecond, first: call{source: holdfast.SourceLive}, source: registry.SourceDisk},
		joined:    &join{took: 2 * time.Second},
		returned:  at(19.3),
		left:      &leftovers{},
	}
}

func TestPromises(t *testing.T) {
	spoil := map[string][]func(*account){
		allFetched: {
			func(a *account) { a.periods[0].calls = a.periods[0].calls[1:] },
			func(a *account) { a.periods[0].calls[3].source = holdfast.SourceStale },
		},
		noFailure: {func(a *account) { a.periods[1].calls[0].err = errors.New("refused") }},
		noDefault: {func(a *account) { a.periods[2].calls[0].source = holdfast.SourceDefault }},
		seldomStale: {
			func(a *account) { a.periods[0].calls[0].source = holdfast.SourceStale },
			func(a *account) { a.periods[1].calls[0].began = at(6.1) },
			func(a *account) { a.periods[1].calls = append(a.periods[1].calls, a.periods[1].calls[0]) },
			func(a *account) { a.periods[3].calls[0].began = at(24.6) },
		},
		fewRetries: {func(a *account) { a.periods[0].calls[0].retries = 51 }},
		quickRestart: {
			func(a *account) { a.restarted.answered = 101 * time.Millisecond },
			func(a *account) { a.restarted.source = registry.SourcePush },
			func(a *account) { a.restarted.first.source = holdfast.SourceDefault },
			func(a *account) { a.restarted.first.err = errors.New("no instance") },
		},
		breakerOpens: {
			func(a *account) { a.breaker = nil },
			func(a *account) { a.breaker = []breakerChange{{at(7), "open"}} },
			func(a *account) { a.attempts = append(a.attempts, at(17.5)) },
		},
		breakerClosesAgain: {func(a *account) { a.breaker = a.breaker[:4] }},
		quickJoin: {
			func(a *account) { a.joined.took = 3001 * time.Millisecond },
			func(a *account) { a.joined.err = errors.New("never") },
		},
		mendedIsCalled: {func(a *account) { a.unmended = errors.New("never") }},
		nothingIsLeft: {
			func(a *account) { a.left.sockets = []string{"127.0.0.1:1"} },
			func(a *account) { a.left.known = map[string]int{forgotten: forgottenMost + 1} },
		},
	}
	verdicts, allKept := judge(good())
	if !allKept || len(verdicts) != len(promises) {
		t.Errorf("the good account: %+v", verdicts)
	}
	for _, p := range promises {
		if len(spoil[p.text]) == 0 {
			t.Errorf("no test breaks %q", p.text)
		}
		for i, how := range spoil[p.text] {
			a := good()
			how(a)
			verdicts, allKept := judge(a)
			if allKept {
				t.Errorf("%q, case %d: passed", p.text, i)
			}
			for _, v := range verdicts {
				if v.text == p.text && v.broken == nil {
					t.Errorf("%q, case %d: kept", p.text, i)
				}
			}
		}
	}
}

func TestWhatDidNotHappenIsNotPromised(t *testing.T) {
	verdicts, allKept := judge(&account{recorder: &recorder{}})
	if !allKept || len(verdicts) != 5 {
		t.Errorf("%+v", verdicts)
	}
}
