package middleware

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-go/holdfast/policy"
)

func drawAll(b *Budget, method string) (drawn int) {
	for b.draw(method) {
		drawn++
	}
	return drawn
}

func TestBudgetLeavesOtherMethodsTheirPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(policy.Budget{})
		for _, step := range []struct {
			method string
			want   int
		}{{"Get", 15}, {"Put", 15}, {"List", 0}} {
			if got := drawAll(b, step.method); got != step.want {
				t.Errorf("%s drew %d, not %d", step.method, got, step.want)
			}
		}
		time.Sleep(time.Second)
		if got := drawAll(b, "Get"); got != 3 {
			t.Errorf("after a second a lone method drew %d, not 3", got)
		}
		for range 50 {
			b.deposit()
		}
		if got := drawAll(b, "List"); got != 5 {
			t.Errorf("50 calls earned %d, not 5", got)
		}
		time.Sleep(time.Hour)
		if got := b.Tokens(); got != 30 {
			t.Errorf("saved up %v", got)
		}
	})
}

func TestBudgetTakesBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(policy.Budget{})
		b.draw("Get")
		b.repay("Get")
		if b.Tokens() != 30 || drawAll(b, "Get") != 15 {
			t.Error("a repaid token is lost")
		}
	})
}

func TestBudgetDisabledAllowsAll(t *testing.T) {
	b := NewBudget(policy.Budget{Disabled: policy.True, Capacity: 1})
	for range 100 {
		if !b.draw("Get") {
			t.Fatal("denied")
		}
	}
	b.repay("Get")
	if !math.IsInf(b.Tokens(), 1) {
		t.Errorf("has %v", b.Tokens())
	}
}

func TestBudgetOfTheMostThatMayBeConfigured(t *testing.T) {
	p := policy.Budget{PerSecond: 10_000, Capacity: 100_000}
	if err := (policy.Document{Defaults: policy.Policy{Budget: p}}).Validate(); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(p)
		time.Sleep(10 * 365 * 24 * time.Hour)
		if got := b.Tokens(); got != p.Capacity {
			t.Errorf("%v tokens after ten years, want %v", got, p.Capacity)
		}
	})
}

func TestBudgetOfOneToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(policy.Budget{Capacity: 1, PerSecond: 1})
		if drawAll(b, "Get") != 1 {
			t.Error("a method cannot have the only token")
		}
	})
}

// inBubble hides T.Deadline from rapid, which asks for it and may not in a bubble.
type inBubble struct{ *testing.T }

// Whatever happens in whatever order, the budget keeps its promises.
func TestBudgetInvariants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(t *rapid.T) {
			p := policy.Budget{
				Percent:       rapid.Float64Range(0.1, 100).Draw(t, "percent"),
				PerSecond:     rapid.Float64Range(0.1, 50).Draw(t, "perSecond"),
				Capacity:      rapid.Float64Range(1, 100).Draw(t, "capacity"),
				MethodPercent: rapid.Float64Range(1, 100).Draw(t, "methodPercent"),
			}
			b, start := NewBudget(p), time.Now()
			calls, all, drawn := 0, 0, map[string]int{}
			bound := func(capacity float64) float64 {
				return capacity + p.Percent/100*float64(calls) + p.PerSecond*time.Since(start).Seconds() + 0.01
			}
			method := rapid.SampledFrom([]string{"Get", "Put", "List"})
			t.Repeat(map[string]func(*rapid.T){
				"call": func(t *rapid.T) {
					for range rapid.IntRange(1, 100).Draw(t, "calls") {
						calls++
						b.deposit()
					}
				},
				"wait": func(t *rapid.T) { time.Sleep(time.Duration(rapid.IntRange(0, 5000).Draw(t, "ms")) * time.Millisecond) },
				"draw": func(t *rapid.T) {
					m := method.Draw(t, "method")
					for range rapid.IntRange(1, 50).Draw(t, "times") {
						if b.draw(m) {
							all++
							drawn[m]++
						}
					}
				},
				"repay": func(t *rapid.T) {
					if m := method.Draw(t, "method"); drawn[m] > 0 {
						all--
						drawn[m]--
						b.repay(m)
					}
				},
				"": func(t *rapid.T) {
					if tokens := b.Tokens(); tokens < 0 || tokens > p.Capacity+1e-6 {
						t.Fatalf("%v tokens of %v", tokens, p.Capacity)
					}
					if float64(all) > bound(p.Capacity) {
						t.Fatalf("%d retries, at most %v earned", all, bound(p.Capacity))
					}
					for m, n := range drawn {
						if limit := bound(max(1, p.Capacity*p.MethodPercent/100)); float64(n) > limit {
							t.Fatalf("%d retries of %s, at most %v allowed", n, m, limit)
						}
					}
				},
			})
		})
	})
}

func TestBudgetConcurrently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBudget(policy.Budget{})
		var drawn atomic.Int64
		var all sync.WaitGroup
		for g := range 8 {
			all.Go(func() {
				for range 1000 {
					b.deposit()
					if b.draw(fmt.Sprint("method ", g%4)) {
						drawn.Add(1)
					}
				}
			})
		}
		all.Wait()
		// 30 at first and 800 earned, of which the first few deposits may have found the bucket full.
		if got := float64(drawn.Load()) + b.Tokens(); got > 830 || got < 829 {
			t.Errorf("drew %v of 830 and has %v", drawn.Load(), b.Tokens())
		}
	})
}

func BenchmarkBudget(b *testing.B) {
	b.Run("deposit", func(b *testing.B) {
		budget := NewBudget(policy.Budget{})
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				budget.deposit()
			}
		})
	})
	b.Run("draw", func(b *testing.B) {
		budget := NewBudget(policy.Budget{})
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				budget.draw("Get")
			}
		})
	})
}
