package nacostest

import (
	"context"
	"errors"
	"time"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// request is a unary request under way. Handlers run under the cluster's lock.
type request struct {
	node    *Node
	conn    *connection
	payload *pb.Payload
}

func (r *request) header(name string) string { return r.payload.GetMetadata().GetHeaders()[name] }

type handler func(*request) (response, error)

// handlerOf returns what answers a request type, and whether it needs a login.
func handlerOf(requestType string) (h handler, secured bool) {
	switch requestType {
	case "HealthCheckRequest":
		return healthCheck, false
	case "InstanceRequest":
		return instance, true
	case "BatchInstanceRequest":
		return batchInstance, true
	case "PersistentInstanceRequest":
		return persistentInstance, true
	case "SubscribeServiceRequest":
		return subscribeService, true
	case "ServiceQueryRequest":
		return serviceQuery, true
	case "ServiceListRequest":
		return serviceList, true
	case "ConfigQueryRequest":
		return configQuery, true
	case "ConfigPublishRequest":
		return configPublish, true
	case "ConfigRemoveRequest":
		return configRemove, true
	case "ConfigBatchListenRequest":
		return configBatchListen, true
	}
	return nil, false
}

type unaryServer struct {
	pb.UnimplementedRequestServer
	run *run
}

// Request answers one request, after the delay set.
func (s unaryServer) Request(ctx context.Context, p *pb.Payload) (*pb.Payload, error) {
	n := s.run.node
	res, delay, err := s.answer(transportOf(ctx), p)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, s.run, delay); err != nil {
		return nil, err
	}
	n.cluster.settings.logger.Debug("request", "node", n.Addr(), "type", p.GetMetadata().GetType(), "answer", res.GetMetadata().GetType())
	return res, nil
}

func (s unaryServer) answer(t *transport, p *pb.Payload) (*pb.Payload, time.Duration, error) {
	n, requestType := s.run.node, p.GetMetadata().GetType()
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if !s.run.alive() || t == nil {
		return nil, 0, status.Error(codes.Unavailable, "the node is down")
	}
	n.requests[requestType]++
	res, err := n.dispatch(t, requestType, p)
	var refused *refusal
	if errors.As(err, &refused) {
		res = &rpc_response.ErrorResponse{Response: failed(refused.code, refused.message)}
	} else if err != nil {
		res = &rpc_response.ErrorResponse{Response: failed(codeFailed, err.Error())}
	}
	return encode(res.GetResponseType(), res), n.faults.delay, nil
}

func (n *Node) dispatch(t *transport, requestType string, p *pb.Payload) (response, error) {
	if err := n.faults.refuse(requestType); err != nil {
		return nil, err
	}
	if requestType == "ServerCheckRequest" {
		return serverCheck(t), nil
	}
	h, secured := handlerOf(requestType)
	if h == nil {
		return nil, refuse(codeNoHandler, "RequestHandler Not Found")
	}
	if t.registered == nil {
		return nil, refuse(codeUnregistered, "Connection is unregistered.")
	}
	t.registered.heard(time.Now())
	r := &request{node: n, conn: t.registered, payload: p}
	if secured && !n.cluster.authorised(r.header("accessToken")) {
		return forbidden(requestType), nil
	}
	return h(r)
}

// pause waits before an answer, unless the caller or the node goes first.
func pause(ctx context.Context, r *run, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-r.ctx.Done():
		return r.ctx.Err()
	}
}
