package nacostest

import (
	"cmp"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// configPublish stores a config; with casMd5 only if nothing else has been stored since.
func configPublish(req *request) (response, error) {
	body := rpc_request.NewConfigPublishRequest("", "", "", "", "")
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	key := configKey{body.Tenant, body.Group, body.DataId}
	if wrong := checkConfig(key); wrong != "" {
		return &rpc_response.ConfigPublishResponse{Response: failed(codeInvalidParam, wrong)}, nil
	}
	if body.Content == "" {
		return &rpc_response.ConfigPublishResponse{Response: failed(codeInvalidParam, "content is blank : ")}, nil
	}
	n := req.node
	if stored, ok := n.configs.value(key); ok && body.CasMd5 != "" && stored.md5 != body.CasMd5 {
		return &rpc_response.ConfigPublishResponse{
			Response: failed(codeFailed, "Cas publish fail,server md5 may have changed."),
		}, nil
	}
	n.setConfig(key, body.Content, cmp.Or(body.AdditionMap["type"], "text"), body.AdditionMap["encryptedDataKey"])
	return &rpc_response.ConfigPublishResponse{Response: success()}, nil
}
