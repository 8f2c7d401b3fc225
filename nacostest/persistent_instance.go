package nacostest

import "github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"

// persistentInstance registers or deregisters an instance that belongs to no connection.
func persistentInstance(req *request) (response, error) {
	var body instanceRequest
	key, i, err := body.read(req)
	if err != nil {
		return nil, err
	}
	switch body.Type {
	case "registerInstance":
		if err := req.node.kind(key, false); err != nil {
			return nil, err
		}
		i.Ephemeral = false
		req.node.setPersistent(key, i)
	case "deregisterInstance":
		req.node.removePersistent(key.instance(i))
	default:
		return nil, refuse(codeInvalidParam, "Unsupported request type %s", body.Type)
	}
	return &rpc_response.InstanceResponse{Response: success()}, nil
}
