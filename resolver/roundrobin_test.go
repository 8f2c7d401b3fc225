package resolver_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/resolver"
)

func TestRoundRobinObeysWeights(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		weights := rapid.SliceOfN(rapid.OneOf(rapid.Float64Range(0.5, 2), rapid.Float64Range(0.01, 100)), 1, 12).Draw(rt, "weights")
		picks := rapid.IntRange(1, 3000).Draw(rt, "picks")
		f := newFixture(t, policy.Ejection{})
		defer func() { _ = f.r.Close() }()
		list := many(len(weights))
		sum := 0.0
		for i, w := range weights {
			list[i].Weight = w
			sum += w
		}
		f.push(list...)
		got := f.call(t, picks)
		for _, i := range list {
			fair := float64(picks) * i.Weight / sum
			if off := float64(got[i.Addr]) - fair; max(off, -off) > float64(len(weights))+2 {
				rt.Fatalf("%s with weight %v of %v got %d of %d calls, want about %.1f", i.Addr, i.Weight, sum, got[i.Addr], picks, fair)
			}
		}
	})
}

func TestRoundRobinIsFairToManyCallers(t *testing.T) {
	f := newFixture(t, policy.Ejection{}, many(7)...)
	var workers sync.WaitGroup
	var mu sync.Mutex
	got := map[string]int{}
	for range 7 {
		workers.Go(func() {
			counts := f.call(t, 100)
			mu.Lock()
			defer mu.Unlock()
			for addr, n := range counts {
				got[addr] += n
			}
		})
	}
	workers.Wait()
	for addr, n := range got {
		if n != 100 {
			t.Errorf("%s got %d of 700 calls", addr, n)
		}
	}
}

func TestWeightChanges(t *testing.T) {
	list := at("a:1", "b:1")
	f := newFixture(t, policy.Ejection{}, list...)
	for _, weight := range []float64{1, 3, 9, 0.25} {
		list[0].Weight = weight
		f.push(list...)
		got := f.call(t, 1000)
		if want := int(1000 * weight / (weight + 1)); got["a:1"] < want-3 || got["a:1"] > want+3 {
			t.Errorf("weight %v: %v", weight, got)
		}
	}
}

func TestTurnsOfSmallWeightsAreSpread(t *testing.T) {
	list := many(5)
	list[0].Weight = 4
	f := newFixture(t, policy.Ejection{}, list...)
	others := 0
	for range 100 {
		if f.call(t, 1)[list[0].Addr] == 1 {
			others = 0
		} else if others++; others > 3 {
			t.Fatal("all others have their turn together")
		}
	}
}

// leastLoaded is a Balancer as a user may write it: of two that chance chose, the one with less to do.
type leastLoaded struct{}

func (leastLoaded) Build(nodes []*resolver.Node) resolver.Picker { return twoChoices(nodes) }

type twoChoices []*resolver.Node

func (nodes twoChoices) Pick(a resolver.Attempt) *resolver.Node {
	var best *resolver.Node
	for _, i := range rand.Perm(len(nodes)) {
		n := nodes[i]
		switch {
		case !a.Allows(n):
		case best == nil:
			best = n
		case float64(n.InFlight())/n.Weight() < float64(best.InFlight())/best.Weight():
			return n
		default:
			return best
		}
	}
	return best
}

func TestAnotherBalancer(t *testing.T) {
	r, s := open(t, policy.Ejection{}, resolver.WithBalancer(leastLoaded{}))
	s.push(at("a:1", "b:1", "c:1")...)
	all := &answers{}
	for _, addr := range []string{"a:1", "b:1", "c:1"} {
		all.set(addr, judged(policy.Failed))
	}
	sent, _ := attempts(t, r.Client(all.factory).Endpoint(), 9)
	if len(sent) != 3 || sent[0] == sent[1] || sent[1] == sent[2] || sent[0] == sent[2] {
		t.Fatal(sent)
	}
}

// fragile is a Balancer that does not stand one of the addresses.
type fragile struct{ resolver.Balancer }

func (f fragile) Build(nodes []*resolver.Node) resolver.Picker {
	if nodes[0].Addr() == "bad:1" {
		panic("oops")
	}
	return f.Balancer.Build(nodes)
}

func TestBalancerThatPanicsLocksNobodyOut(t *testing.T) {
	r, s := open(t, policy.Ejection{}, resolver.WithBalancer(fragile{resolver.RoundRobin()}))
	get := r.Client(new(answers).factory).Endpoint()
	s.push(at("a:1")...)
	func() {
		defer func() { _ = recover() }() // as a Keeper does for its subscribers
		s.push(at("bad:1")...)
	}()
	for _, addr := range []string{"a:1", "b:1"} { // the list before, and the one after
		if answer, err := get(t.Context(), nil); err != nil || answer != addr {
			t.Fatalf("%v, %v; want %s", answer, err, addr)
		}
		s.push(at("b:1")...)
	}
}

func ExampleWithBalancer() {
	s := &source{}
	r, err := resolver.New(s, registry.Service{Name: "orders"}, policy.Ejection{}, resolver.WithBalancer(leastLoaded{}))
	if err != nil {
		fmt.Println(err)
		return
	}
	s.push(registry.Instance{Addr: "10.0.0.7:8080", Weight: 1})
	fmt.Println(r.Status().Usable, r.Close())
	// Output: 1 <nil>
}
