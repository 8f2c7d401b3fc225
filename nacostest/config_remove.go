package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// configRemove removes a config; removing one that is not there succeeds.
func configRemove(req *request) (response, error) {
	body := rpc_request.NewConfigRemoveRequest("", "", "")
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	req.node.removeConfig(configKey{body.Tenant, body.Group, body.DataId})
	return &rpc_response.ConfigRemoveResponse{Response: success()}, nil
}
