package middleware

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-go/holdfast/policy"
)

// token is the price of one retry; amounts are counted in millionths of it.
const token = 1_000_000

// Budget bounds the retries of one service, over all its methods: a token bucket that starts full, in which every
// call and every second deposits a part of a token and from which every retry draws one. Within any time, retries ≤
// Capacity + Percent/100 · calls + PerSecond · seconds.
//
// Each method has besides a bucket of its own, MethodPercent as large (but one token at least), into which the same
// deposits go; a retry draws from both. So one failing method leaves the rest of the capacity to the others, and still
// has all that is earned if the others do not need it.
//
// A Budget is safe for concurrent use; a call costs it one atomic addition.
type Budget struct {
	unlimited bool
	perCall   int64
	perSecond float64
	capacity  int64
	perMethod int64
	start     time.Time
	deposited atomic.Int64 // by calls

	mu      sync.Mutex
	service bucket
	methods map[string]*bucket
}

// A bucket is known by how much of all that was ever earned has been spent or has overflowed.
type bucket struct{ spent int64 }

func (b *bucket) level(earned, capacity int64) int64 {
	b.spent = max(b.spent, earned-capacity)
	return earned - b.spent
}

// NewBudget returns a full budget. With p.Disabled it allows everything.
func NewBudget(p policy.Budget) *Budget {
	p = p.WithDefaults()
	capacity := int64(math.Round(p.Capacity * token))
	return &Budget{
		unlimited: p.Disabled.On(),
		perCall:   int64(math.Round(p.Percent / 100 * token)),
		perSecond: p.PerSecond * token,
		capacity:  capacity,
		perMethod: max(token, int64(math.Round(p.Capacity*p.MethodPercent/100*token))),
		start:     time.Now(),
		service:   bucket{spent: -capacity},
		methods:   make(map[string]*bucket),
	}
}

// Tokens returns how many retries the service could make now.
func (b *Budget) Tokens() float64 {
	if b.unlimited {
		return math.Inf(1)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(b.service.level(b.earned(), b.capacity)) / token
}

func (b *Budget) earned() int64 {
	return b.deposited.Load() + int64(time.Since(b.start).Seconds()*b.perSecond)
}

func (b *Budget) deposit() { b.deposited.Add(b.perCall) }

func (b *Budget) draw(method string) bool {
	if b.unlimited {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	own := b.methods[method]
	if own == nil {
		own = &bucket{spent: -b.perMethod}
		b.methods[method] = own
	}
	earned := b.earned()
	if b.service.level(earned, b.capacity) < token || own.level(earned, b.perMethod) < token {
		return false
	}
	b.service.spent += token
	own.spent += token
	return true
}

// repay puts back what was drawn for a retry that did not happen.
func (b *Budget) repay(method string) {
	if b.unlimited {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.service.spent -= token
	b.methods[method].spent -= token
}
