package nacossdk

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/mailbox"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/util"
)

// configs reads, writes and follows documents. One goroutine, run, follows; callers of read and publish speak with the
// servers through the link themselves.
type configs struct {
	link     *link
	observer event.Observer
	loop     loop
	work     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	followed map[registry.ConfigKey]*followed
	epoch    uint64    // of the connection that knows what we follow
	pollAt   time.Time // when we ask the server whether it has anything new
}

func newConfigs(conn registry.Connection, servers []registry.Server, o options) *configs {
	c := &configs{observer: o.observer, loop: newLoop(), followed: make(map[registry.ConfigKey]*followed)}
	h := handlers{
		module: constant.LABEL_MODULE_CONFIG,
		tenant: tenantOf(conn.Namespace),
		pushes: []push{{
			empty:  func() rpc_request.IRequest { return rpc_request.NewConfigChangeNotifyRequest("", "", "") },
			handle: c.pushed,
		}},
	}
	c.link = newLink(conn, servers, h, o.observer, o.logger, c.loop.rouse)
	c.link.run()
	c.work.Go(func() { c.loop.run(c.link.ctx.Done(), c.step) })
	return c
}

func (c *configs) close() {
	c.mu.Lock()
	c.closed = true
	for _, f := range c.followed {
		for box := range f.boxes {
			box.Stop()
		}
	}
	c.mu.Unlock()
	c.link.close()
	c.work.Wait()
}

func (c *configs) read(ctx context.Context, k registry.ConfigKey) (registry.Document, error) {
	response, err := c.link.insist(ctx, rpc_request.NewConfigQueryRequest(k.Group, k.DataID, tenantOf(k.Namespace)))
	answer, ok := response.(*rpc_response.ConfigQueryResponse)
	if err != nil {
		if ok && answer.GetErrorCode() == codeNotFound {
			return registry.Document{}, fmt.Errorf("nacossdk: config %s: %w", k, registry.ErrNotFound)
		}
		return registry.Document{}, fmt.Errorf("nacossdk: read config %s: %w", k, err)
	}
	if !ok {
		return registry.Document{}, unexpected(response)
	}
	return registry.Document{Key: k, Content: answer.Content, MD5: util.Md5(answer.Content)}, nil
}

func (c *configs) publish(ctx context.Context, d registry.Document) error {
	k := d.Key
	_, err := c.link.insist(ctx, rpc_request.NewConfigPublishRequest(k.Group, k.DataID, tenantOf(k.Namespace), d.Content, ""))
	if err != nil {
		return fmt.Errorf("nacossdk: publish config %s: %w", k, err)
	}
	return nil
}

func (c *configs) listen(k registry.ConfigKey, fn func(registry.Document, error)) (stop func(), err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return nil, registry.ErrClosed
	}
	f := c.followed[k]
	if f == nil {
		f = &followed{key: k, boxes: make(map[*mailbox.Mailbox[reading]]struct{}), stale: true}
		c.followed[k] = f
		c.pollAt = time.Time{} // the server shall hear of it
		c.loop.rouse()
	}
	box := &mailbox.Mailbox[reading]{
		Fn:    func(r reading) { fn(r.document, r.err) },
		Where: "listener of config " + k.String(), Observer: c.observer, Work: &c.work,
	}
	f.boxes[box] = struct{}{}
	if f.known || f.latest.err != nil {
		box.Put(f.latest)
	}
	return func() { c.unlisten(f, box) }, nil
}

func (c *configs) unlisten(f *followed, box *mailbox.Mailbox[reading]) {
	box.Stop()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(f.boxes, box)
	if len(f.boxes) == 0 && c.followed[f.key] == f {
		delete(c.followed, f.key) // the server's notices about it are ignored from now on
	}
}

// pushed hears that a document has changed. It runs on the goroutine of the SDK that reads from the connection.
func (c *configs) pushed(_ *sdkClient, r rpc_request.IRequest) rpc_response.IResponse {
	if notice, ok := r.(*rpc_request.ConfigChangeNotifyRequest); ok {
		k := registry.ConfigKey{Namespace: notice.Tenant, Group: notice.Group, DataID: notice.DataId}.WithDefaults()
		c.mu.Lock()
		if f := c.followed[k]; f != nil {
			f.stale, f.retryAt = true, time.Time{}
			c.loop.rouse()
		}
		c.mu.Unlock()
	}
	return changeNoted{&rpc_response.Response{ResultCode: constant.RESPONSE_CODE_SUCCESS, Success: true}}
}

type changeNoted struct{ *rpc_response.Response }

func (changeNoted) GetResponseType() string { return "ConfigChangeNotifyResponse" }

// tenantOf is the namespace as the config service names it: there the default one has no name.
func tenantOf(namespace string) string {
	if namespace == registry.DefaultNamespace {
		return ""
	}
	return namespace
}
