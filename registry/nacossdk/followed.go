package nacossdk

import (
	"errors"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/mailbox"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// listenBatch is how many documents fit into one request to listen.
const listenBatch = 3000

// followed is one document that is listened to, by one listener at the servers for all here.
type followed struct {
	key     registry.ConfigKey
	boxes   map[*mailbox.Mailbox[reading]]struct{}
	latest  reading
	known   bool // latest came from a server
	stale   bool // to be read
	retryAt time.Time
	failed  bool
}

type reading struct {
	document registry.Document
	err      error
}

// step reads what has changed, asks for changes when that is due, and returns the time until the next thing is.
func (c *configs) step() time.Duration {
	state, _ := c.link.current()
	switch state.phase {
	case down:
		c.interrupted(state.err)
		return idle
	case connecting:
		return idle
	}
	stale, all, wait := c.due(state.epoch)
	for _, f := range stale {
		c.refresh(f)
	}
	if all != nil {
		c.poll(all)
	}
	if len(stale) > 0 || all != nil {
		return 0
	}
	return wait
}

// due returns what has to be read, and all that is followed if the server is to be asked about it.
func (c *configs) due(epoch uint64) (stale, all []*followed, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if len(c.followed) == 0 {
		return nil, nil, idle
	}
	if c.epoch != epoch { // this server knows nothing of us
		c.epoch, c.pollAt = epoch, time.Time{}
		for _, f := range c.followed {
			f.retryAt = time.Time{}
		}
	}
	next := c.pollAt
	for _, f := range c.followed {
		f.stale = f.stale || !f.known
		switch {
		case !f.stale:
		case !now.Before(f.retryAt):
			stale = append(stale, f)
		case f.retryAt.Before(next):
			next = f.retryAt
		}
	}
	if len(stale) == 0 && !now.Before(c.pollAt) {
		for _, f := range c.followed {
			all = append(all, f)
		}
		c.pollAt = now.Add(between(verifyEvery)) // before the question, as who listens meanwhile asks for another
	}
	return stale, all, next.Sub(now)
}

func (c *configs) refresh(f *followed) {
	c.mu.Lock()
	f.stale = false
	c.mu.Unlock()
	document, err := c.read(c.link.ctx, f.key)
	switch {
	case err == nil, errors.Is(err, registry.ErrNotFound):
		c.take(f, reading{document, err})
	case !errors.Is(err, registry.ErrClosed):
		c.postpone(f, err)
	}
}

func (c *configs) take(f *followed, r reading) {
	c.mu.Lock()
	defer c.mu.Unlock()
	before, known := f.latest, f.known
	f.failed, f.known, f.latest, f.retryAt = false, true, r, time.Time{}
	same := before.document.MD5 == r.document.MD5 && (before.err == nil) == (r.err == nil)
	if !known || !same {
		f.deliver()
	}
}

func (c *configs) postpone(f *followed, err error) {
	c.mu.Lock()
	f.stale = true
	first := !f.failed
	f.failed = true
	f.retryAt = time.Now().Add(within(retryWithin))
	if errors.Is(err, registry.ErrRefused) {
		f.retryAt = time.Now().Add(within(refusedWait))
		c.setErr(f, err)
	}
	c.mu.Unlock()
	if first {
		c.observer.Observe(event.RegistryFailed{Doing: "read config", Subject: f.key.String(), Cause: err})
	}
}

// poll tells the server what we have. It answers what has changed, and will notify us of changes from then on.
func (c *configs) poll(all []*followed) {
	for len(all) > 0 {
		part := all[:min(listenBatch, len(all))]
		all = all[len(part):]
		if err := c.pollPart(part); err != nil {
			c.mu.Lock()
			c.pollAt = time.Now().Add(within(retryWithin))
			c.mu.Unlock()
			return
		}
	}
}

func (c *configs) pollPart(part []*followed) error {
	request := rpc_request.NewConfigBatchListenRequest(len(part))
	c.mu.Lock()
	for _, f := range part {
		request.ConfigListenContexts = append(request.ConfigListenContexts, model.ConfigListenContext{
			Group: f.key.Group, DataId: f.key.DataID, Tenant: tenantOf(f.key.Namespace), Md5: f.latest.document.MD5,
		})
	}
	c.mu.Unlock()
	response, err := c.link.request(c.link.ctx, request)
	if err != nil {
		return err
	}
	answer, ok := response.(*rpc_response.ConfigChangeBatchListenResponse)
	if !ok {
		return unexpected(response)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, changed := range answer.ChangedConfigs {
		k := registry.ConfigKey{Namespace: changed.Tenant, Group: changed.Group, DataID: changed.DataId}.WithDefaults()
		if f := c.followed[k]; f != nil {
			f.stale, f.retryAt = true, time.Time{}
		}
	}
	return nil
}

// interrupted tells those who know nothing yet that there is no server.
func (c *configs) interrupted(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, f := range c.followed {
		c.setErr(f, err)
	}
}

// setErr is called with the lock held.
func (c *configs) setErr(f *followed, err error) {
	if !f.known && f.latest.err == nil {
		f.latest.err = err
		f.deliver()
	}
}

func (f *followed) deliver() {
	for box := range f.boxes {
		box.Put(f.latest)
	}
}
