package fallback

import (
	"sync"
	"time"

	"github.com/patrickmn/go-cache"
)

// Entry is a kept answer.
type Entry struct {
	Response any       // shared: not to be changed
	Stored   time.Time // when it came from the callee
}

// Store keeps the answers of one method. Its methods are called on the path of calls, by many goroutines at once, and
// must do no I/O.
type Store interface {
	// Load returns the entry of key.
	Load(key string) (Entry, bool)

	// Save keeps e under key in place of what was there. After ttl it is of no use any more.
	Save(key string, e Entry, ttl time.Duration)

	// Delete forgets what is kept under key.
	Delete(key string)
}

// Cache is the default Store: a bounded go-cache in memory. When it is full, a new key takes the place of the one that
// has not been saved for the longest time, which is also the one that was to expire first.
//
// A Cache has no goroutine. Expired entries are never returned; their memory is freed by Sweep, which the Fallback
// calls, or when their place is needed.
type Cache struct {
	max int

	mu      sync.Mutex
	entries *cache.Cache // of *place
	order   place        // ring of all places: next is the one saved longest ago, prev the latest
}

var _ Store = (*Cache)(nil)

// place is an entry in the order of saving.
type place struct {
	key        string
	entry      Entry
	prev, next *place
}

// NewCache makes a Cache of at most maxEntries entries, at least 1.
func NewCache(maxEntries int) *Cache {
	c := &Cache{max: max(1, maxEntries), entries: cache.New(cache.NoExpiration, 0)}
	c.order.prev, c.order.next = &c.order, &c.order
	c.entries.OnEvicted(func(_ string, value any) {
		if p, ok := value.(*place); ok {
			p.unlink()
		}
	})
	return c
}

// Load returns the entry of key, unless it has expired.
func (c *Cache) Load(key string) (Entry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p := c.at(key); p != nil {
		return p.entry, true
	}
	return Entry{}, false
}

// Save keeps e under key for the time ttl; if that is not above 0, nothing is kept under key.
func (c *Cache) Save(key string, e Entry, ttl time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.at(key)
	if p == nil || ttl <= 0 {
		c.entries.Delete(key) // an expired entry may still be there
		if ttl <= 0 {
			return
		}
		if c.entries.ItemCount() >= c.max {
			c.entries.Delete(c.order.next.key)
		}
		p = &place{key: key}
	} else {
		p.unlink()
	}
	p.entry = e
	p.linkBefore(&c.order)
	c.entries.Set(key, p, ttl)
}

// Delete forgets what is kept under key.
func (c *Cache) Delete(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.Delete(key)
}

// Sweep frees the memory of what has expired.
func (c *Cache) Sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.entries.DeleteExpired()
}

// Len returns the number of entries, including those that have expired and were not swept yet.
func (c *Cache) Len() int { return c.entries.ItemCount() }

func (c *Cache) at(key string) *place {
	value, _ := c.entries.Get(key)
	p, _ := value.(*place)
	return p
}

func (p *place) unlink() {
	p.prev.next, p.next.prev = p.next, p.prev
}

func (p *place) linkBefore(at *place) {
	p.prev, p.next = at.prev, at
	at.prev.next, at.prev = p, p
}
