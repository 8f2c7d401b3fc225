package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"github.com/nacos-group/nacos-sdk-go/v2/model"
)

// configBatchListen begins or ends listening to configs, and answers with those that differ from what the client has.
func configBatchListen(req *request) (response, error) {
	body := rpc_request.NewConfigBatchListenRequest(0)
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	changed := []model.ConfigContext{}
	for _, l := range body.ConfigListenContexts {
		key := configKey{l.Tenant, l.Group, l.DataId}
		if !body.Listen {
			delete(req.conn.listens, key)
			continue
		}
		req.conn.listens[key] = struct{}{}
		if c, _ := req.node.configs.value(key); c.md5 != l.Md5 {
			changed = append(changed, model.ConfigContext{Group: l.Group, DataId: l.DataId, Tenant: l.Tenant})
		}
	}
	return &rpc_response.ConfigChangeBatchListenResponse{Response: success(), ChangedConfigs: changed}, nil
}
