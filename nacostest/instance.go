package nacostest

import (
	"encoding/json"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// wireInstance is an instance as clients send it; what they leave out has the Java server's defaults.
type wireInstance struct{ model.Instance }

func (w *wireInstance) UnmarshalJSON(raw []byte) error {
	w.Instance = model.Instance{Weight: 1, Healthy: true, Enable: true, Ephemeral: true}
	return json.Unmarshal(raw, &w.Instance)
}

type instanceRequest struct {
	*rpc_request.NamingRequest
	Type     string       `json:"type"`
	Instance wireInstance `json:"instance"`
}

func (r *instanceRequest) read(req *request) (serviceKey, Instance, error) {
	r.NamingRequest = rpc_request.NewNamingRequest("", "", "")
	if err := decode(req.payload, r); err != nil {
		return serviceKey{}, Instance{}, err
	}
	key, i := keyOf(r.NamingRequest), fromModel(r.Instance.Instance)
	if err := checkService(key); err != nil {
		return key, i, err
	}
	return key, i, checkInstance(i)
}

func keyOf(r *rpc_request.NamingRequest) serviceKey {
	return serviceKey{r.Namespace, r.GroupName, r.ServiceName}
}

// instance registers or deregisters the one ephemeral instance that the connection has of a service.
func instance(req *request) (response, error) {
	var body instanceRequest
	key, i, err := body.read(req)
	if err != nil {
		return nil, err
	}
	switch body.Type {
	case "registerInstance":
		if err := req.node.kind(key, true); err != nil {
			return nil, err
		}
		i.Ephemeral = true
		req.node.publish(req.conn.id, key, []Instance{i})
	case "deregisterInstance":
		req.node.publish(req.conn.id, key, nil)
	default:
		return nil, refuse(codeInvalidParam, "Unsupported request type %s", body.Type)
	}
	return &rpc_response.InstanceResponse{Response: success()}, nil
}
