package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// subscribeService answers with the service as it is, and pushes it from now on; a new subscription is followed by a push in any case.
func subscribeService(req *request) (response, error) {
	body := rpc_request.NewSubscribeServiceRequest("", "", "", "", true)
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	key := keyOf(body.NamingRequest)
	if err := checkService(key); err != nil {
		return nil, err
	}
	n := req.node
	if body.Subscribe {
		if _, again := req.conn.subscriptions[key]; !again {
			n.schedulePush(key, req.conn)
		}
		req.conn.subscriptions[key] = body.Clusters
	} else {
		delete(req.conn.subscriptions, key)
	}
	return &rpc_response.SubscribeServiceResponse{
		Response: success(), ServiceInfo: n.serviceInfo(key, n.view(key), body.Clusters, false),
	}, nil
}
