package nacostest

import (
	"encoding/json"
	"time"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// connectionSetup registers a transport as a client's connection. A client that knows of abilities is told that it is
// registered; others have to wait a little by themselves.
func connectionSetup(r *run, t *transport, p *pb.Payload) (*connection, error) {
	var setup struct {
		*rpc_request.ConnectionSetupRequest
		AbilityTable json.RawMessage `json:"abilityTable"`
	}
	setup.ConnectionSetupRequest = rpc_request.NewConnectionSetupRequest()
	if err := decode(p, &setup); err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	c := t.registered
	if c == nil {
		c = &connection{
			id: t.id, remote: t.remote, run: r, version: setup.ClientVersion, labels: setup.Labels,
			wake: make(chan struct{}, 1), done: make(chan struct{}), lastActive: time.Now(),
			subscriptions: make(map[serviceKey]string), listens: make(map[configKey]struct{}), unanswered: make(map[string]serviceKey),
		}
		t.registered = c
		r.connections[c.id] = c
	}
	if len(setup.AbilityTable) > 0 && string(setup.AbilityTable) != "null" {
		ack := struct {
			*rpc_request.InternalRequest
			AbilityTable map[string]bool `json:"abilityTable"`
		}{newInternalRequest(r.node.cluster), map[string]bool{"supportPersistentInstanceByGrpc": true}}
		c.send(encode("SetupAckRequest", ack))
	}
	r.node.cluster.settings.logger.Debug("connection begins", "node", r.node.Addr(), "connection", c.id, "labels", c.labels)
	return c, nil
}
