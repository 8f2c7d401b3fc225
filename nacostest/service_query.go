package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

func serviceQuery(req *request) (response, error) {
	body := rpc_request.NewServiceQueryRequest("", "", "", "", false, 0)
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	key := keyOf(body.NamingRequest)
	if err := checkService(key); err != nil {
		return nil, err
	}
	n := req.node
	return &rpc_response.QueryServiceResponse{
		Response: success(), ServiceInfo: n.serviceInfo(key, n.view(key), body.Cluster, body.HealthyOnly),
	}, nil
}
