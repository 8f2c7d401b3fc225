package nacossdk

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/internal/mailbox"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/nacos-group/nacos-sdk-go/v2/common/constant"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// subscription is one service that is followed, by one subscription at the servers for all who watch it. naming's lock
// guards it.
type subscription struct {
	service  registry.Service
	boxes    map[*mailbox.Mailbox[registry.Snapshot]]struct{}
	latest   registry.Snapshot
	epoch    uint64 // of the connection that it was made on, 0 if on none
	version  uint64 // of the last list on that connection; means nothing across connections
	taken    time.Time
	failures int
	due      time.Time // to be made, or verified
}

func (n *naming) watch(s registry.Service, fn func(registry.Snapshot)) (stop func(), err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, registry.ErrClosed
	}
	sub := n.subscriptions[s]
	if sub == nil {
		sub = &subscription{service: s, boxes: make(map[*mailbox.Mailbox[registry.Snapshot]]struct{}), latest: registry.Snapshot{Service: s}}
		n.subscriptions[s] = sub
		n.loop.rouse()
	}
	box := &mailbox.Mailbox[registry.Snapshot]{Fn: fn, Where: "subscriber of " + s.String(), Observer: n.observer, Work: &n.work}
	sub.boxes[box] = struct{}{}
	if sub.latest.Known() || sub.latest.Err != nil {
		box.Put(sub.latest)
	}
	return func() { n.unwatch(sub, box) }, nil
}

func (n *naming) unwatch(s *subscription, box *mailbox.Mailbox[registry.Snapshot]) {
	box.Stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(s.boxes, box)
	if len(s.boxes) == 0 {
		s.due = time.Time{}
		n.loop.rouse()
	}
}

// follow makes a subscription, verifies it, or ends it when nobody watches any more.
func (n *naming) follow(s *subscription, state linkState) {
	n.mu.Lock()
	abandoned, made := len(s.boxes) == 0, s.epoch == state.epoch
	n.mu.Unlock()
	switch {
	case abandoned:
		n.unsubscribe(s, made)
	case made:
		n.poll(s, state)
	default:
		n.subscribe(s, state)
	}
}

func (n *naming) subscribe(s *subscription, state linkState) {
	asked := time.Now()
	r := rpc_request.NewSubscribeServiceRequest(s.service.Namespace, s.service.Name, s.service.Group, "", true)
	response, err := n.link.request(n.link.ctx, r)
	if err == nil {
		answer, ok := response.(*rpc_response.SubscribeServiceResponse)
		if ok {
			n.mu.Lock()
			if s.epoch != state.epoch {
				s.epoch, s.version = state.epoch, 0
			}
			n.mu.Unlock()
			n.take(s, &answer.ServiceInfo, registry.SourcePoll, state, asked)
			return
		}
		err = unexpected(response)
	}
	n.failed(s, "subscribe", err)
}

// poll asks for the list beside the pushes, so that nothing depends on one push being delivered.
func (n *naming) poll(s *subscription, state linkState) {
	asked := time.Now()
	answer, err := n.query(s.service)
	if err != nil {
		n.failed(s, "verify", err)
		return
	}
	if n.take(s, &answer.ServiceInfo, registry.SourcePoll, state, asked) {
		n.subscribe(s, state) // a push has been lost
	}
}

func (n *naming) unsubscribe(s *subscription, made bool) {
	if made {
		r := rpc_request.NewSubscribeServiceRequest(s.service.Namespace, s.service.Name, s.service.Group, "", false)
		_, _ = n.link.request(n.link.ctx, r) // if it fails, pushes come that nobody wants, until the connection ends
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	s.epoch, s.due = 0, time.Time{}
	if len(s.boxes) == 0 {
		delete(n.subscriptions, s.service)
	}
}

// failed plans the next attempt, and tells subscribers that know nothing yet.
func (n *naming) failed(s *subscription, doing string, err error) {
	if errors.Is(err, registry.ErrClosed) {
		return
	}
	n.mu.Lock()
	s.failures++
	first := s.failures == 1
	s.due = time.Now().Add(within(retryWithin))
	if errors.Is(err, registry.ErrRefused) {
		s.due = time.Now().Add(within(refusedWait))
		n.setErr(s, err)
	}
	n.mu.Unlock()
	if first {
		n.observer.Observe(event.RegistryFailed{Doing: doing, Subject: s.service.String(), Cause: err})
	}
}

// pushed takes a list that a server sends. It runs on the goroutine of the SDK that reads from the connection.
// What comes over a connection that has been replaced says nothing any more.
func (n *naming) pushed(from *sdkClient, r rpc_request.IRequest) rpc_response.IResponse {
	if push, ok := r.(*rpc_request.NotifySubscriberRequest); ok && n.link.uses(from) {
		service := registry.Service{Namespace: n.namespace, Group: push.ServiceInfo.GroupName, Name: push.ServiceInfo.Name}
		if group, name, grouped := strings.Cut(service.Name, constant.SERVICE_INFO_SPLITER); grouped {
			service.Group, service.Name = group, name
		}
		state, _ := n.link.current()
		n.mu.Lock()
		s := n.subscriptions[service.WithDefaults()]
		n.mu.Unlock()
		if s != nil {
			n.take(s, &push.ServiceInfo, registry.SourcePush, state, time.Time{})
		}
	}
	return &rpc_response.NotifySubscriberResponse{
		Response: &rpc_response.Response{ResultCode: constant.RESPONSE_CODE_SUCCESS, Success: true},
	}
}

// take hands a list on, be it that it only confirms the last one, and reports whether it says something new. An answer may
// have been overtaken by a push since it was asked for.
func (n *naming) take(
	s *subscription, info *model.Service, source registry.Source, state linkState, asked time.Time,
) (changed bool) {
	instances := fromModel(info.Hosts)
	now := time.Now()
	n.mu.Lock()
	defer n.mu.Unlock()
	s.failures = 0
	s.due = now.Add(between(verifyEvery))
	if info.LastRefTime < s.version && s.taken.After(asked) {
		return false
	}
	s.version, s.taken = info.LastRefTime, now
	last := &s.latest
	known := last.Known() && slices.EqualFunc(last.Instances, instances, registry.Instance.Equal)
	if known && last.Err == nil && last.Node == state.node && last.Outages == state.outages {
		last.At = now
	} else {
		*last = registry.Snapshot{
			Service: s.service, Instances: instances, Source: source, At: now, Node: state.node, Outages: state.outages,
			Revision: last.Revision + 1,
		}
	}
	s.deliver()
	return !known
}

// interrupted tells all subscribers that there is no server.
func (n *naming) interrupted(err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, s := range n.subscriptions {
		n.setErr(s, err)
	}
}

// setErr is called with the lock held. An outage is told also to who knows of a refusal, and the other way round.
func (n *naming) setErr(s *subscription, err error) {
	if s.latest.Err == nil || errors.Is(err, registry.ErrUnavailable) != errors.Is(s.latest.Err, registry.ErrUnavailable) {
		s.latest.Err = err
		s.latest.Revision++
		s.deliver()
	}
}

func (s *subscription) deliver() {
	for box := range s.boxes {
		box.Put(s.latest)
	}
}
