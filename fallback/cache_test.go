package fallback_test

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-go/holdfast/fallback"
	"github.com/holdfast-go/holdfast/policy"
)

func TestBoundHoldsExactly(t *testing.T) {
	const bound = 50
	c := fallback.NewCache(bound)
	var workers sync.WaitGroup
	for w := range 8 {
		workers.Go(func() {
			for i := range 2000 {
				key := strconv.Itoa((i*7 + w*13) % 400)
				switch i % 10 {
				case 8:
					c.Delete(key)
				case 9:
					c.Sweep()
				default:
					c.Save(key, fallback.Entry{Response: i}, time.Duration(1+i%2)*time.Millisecond)
					c.Load(key)
				}
				if n := c.Len(); n > bound {
					t.Errorf("%d entries", n)
					return
				}
			}
		})
	}
	workers.Wait()
	for i := range 2 * bound {
		c.Save(strconv.Itoa(i), fallback.Entry{Response: i}, time.Hour)
	}
	if n := c.Len(); n != bound {
		t.Errorf("a full cache holds %d entries, want %d", n, bound)
	}
	if _, ok := c.Load(strconv.Itoa(bound - 1)); ok {
		t.Error("the oldest entry is still there")
	}
	if _, ok := c.Load(strconv.Itoa(bound)); !ok {
		t.Error("an entry that had a place was lost")
	}
}

func TestCacheKeepsNothingForNoTime(t *testing.T) {
	c := fallback.NewCache(0)
	c.Save("a", fallback.Entry{}, time.Hour)
	c.Save("a", fallback.Entry{}, 0)
	if _, ok := c.Load("a"); ok || c.Len() != 0 {
		t.Error("kept an entry that was to be kept for no time")
	}
}

// inBubble hides from rapid that it has a *testing.T, whose Deadline must not be asked for within a bubble.
type inBubble struct{ rapid.TB }

// The cache does what a plain list of the latest answers would do, whatever the order of calls.
func TestCacheAgainstModel(t *testing.T) {
	type kept struct {
		key    string
		value  int
		stored time.Time
	}
	const bound, ttl = 3, 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(t *rapid.T) {
			c := fallback.NewCache(bound)
			var model []kept
			find := func(key string) int { return slices.IndexFunc(model, func(k kept) bool { return k.key == key }) }
			forget := func(key string) {
				model = slices.DeleteFunc(model, func(k kept) bool { return k.key == key })
			}
			key := rapid.SampledFrom([]string{"a", "b", "c", "d", "e"})
			saved := 0
			t.Repeat(map[string]func(*rapid.T){
				"save": func(t *rapid.T) {
					saved++
					k := key.Draw(t, "key")
					c.Save(k, fallback.Entry{Response: saved, Stored: time.Now()}, ttl)
					forget(k)
					if len(model) == bound {
						model = model[1:]
					}
					model = append(model, kept{k, saved, time.Now()})
				},
				"delete": func(t *rapid.T) {
					k := key.Draw(t, "key")
					c.Delete(k)
					forget(k)
				},
				"sweep": func(*rapid.T) { c.Sweep() },
				"wait": func(t *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond)
				},
				"": func(t *rapid.T) {
					model = slices.DeleteFunc(model, func(k kept) bool { return time.Since(k.stored) > ttl })
					for _, k := range []string{"a", "b", "c", "d", "e"} {
						e, ok := c.Load(k)
						i := find(k)
						if ok != (i >= 0) || ok && e.Response != model[i].value {
							t.Fatalf("%s: %v %v, model %v", k, e.Response, ok, model)
						}
					}
					if c.Len() > bound {
						t.Fatalf("%d entries", c.Len())
					}
				},
			})
		})
	})
}

// Whatever calls came before, a failed call is answered with the key's last good answer if that is young enough and
// the newest thing the callee said about the key.
func TestFallbackAgainstModel(t *testing.T) {
	const ttl = 10 * time.Second
	synctest.Test(t, func(t *testing.T) {
		rapid.Check(inBubble{t}, func(t *rapid.T) {
			f := fallback.New(policy.Fallback{StaleIfError: ttl}, fallback.WithKey(byRequest))
			defer func() { _ = f.Close() }()
			answer := &callee{}
			get := f.Middleware()(answer.endpoint)
			good, stored := map[string]int{}, map[string]time.Time{}
			key := rapid.SampledFrom([]string{"a", "b", "c"})
			count := 0
			t.Repeat(map[string]func(*rapid.T){
				"success": func(t *rapid.T) {
					count++
					k := key.Draw(t, "key")
					answer.response, answer.err = count, nil
					_, response, err := ask(t.Context(), get, k)
					if err != nil || response != count {
						t.Fatalf("%v, %v", response, err)
					}
					good[k], stored[k] = count, time.Now()
				},
				"refused": func(t *rapid.T) {
					k := key.Draw(t, "key")
					answer.response, answer.err = nil, judgedError(policy.Refused)
					if _, _, err := ask(t.Context(), get, k); err == nil {
						t.Fatal("the refusal was hidden")
					}
					delete(good, k)
				},
				"failure": func(t *rapid.T) {
					k := key.Draw(t, "key")
					answer.response, answer.err = nil, errDown
					before := answer.calls
					_, response, err := ask(t.Context(), get, k)
					want, ok := good[k]
					ok = ok && time.Since(stored[k]) < ttl
					if ok != (err == nil) || ok && response != want {
						t.Fatalf("%v, %v; model %v %v", response, err, want, ok)
					}
					if answer.calls != before+1 {
						t.Fatal("the callee was not asked")
					}
				},
				"wait": func(t *rapid.T) {
					time.Sleep(time.Duration(rapid.IntRange(1, 6000).Draw(t, "ms")) * time.Millisecond)
				},
			})
		})
	})
}
