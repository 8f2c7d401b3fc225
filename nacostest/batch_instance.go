package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// batchInstance replaces all that the connection publishes of a service.
func batchInstance(req *request) (response, error) {
	var body struct {
		*rpc_request.NamingRequest
		Type      string         `json:"type"`
		Instances []wireInstance `json:"instances"`
	}
	body.NamingRequest = rpc_request.NewNamingRequest("", "", "")
	if err := decode(req.payload, &body); err != nil {
		return nil, err
	}
	if body.Type != "batchRegisterInstance" {
		return nil, refuse(codeInvalidParam, "Unsupported request type %s", body.Type)
	}
	key := keyOf(body.NamingRequest)
	if err := checkService(key); err != nil {
		return nil, err
	}
	if err := req.node.kind(key, true); err != nil {
		return nil, err
	}
	var all []Instance
	for _, w := range body.Instances {
		i := fromModel(w.Instance)
		if err := checkInstance(i); err != nil {
			return nil, err
		}
		i.Ephemeral = true
		all = append(all, i)
	}
	req.node.publish(req.conn.id, key, all)
	return &rpc_response.BatchInstanceResponse{Response: success()}, nil
}
