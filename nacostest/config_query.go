package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

func configQuery(req *request) (response, error) {
	body := rpc_request.NewConfigQueryRequest("", "", "")
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	key := configKey{body.Tenant, body.Group, body.DataId}
	c, ok := req.node.configs.value(key)
	if !ok {
		return &rpc_response.ConfigQueryResponse{Response: failed(codeConfigMissing, "config data not exist")}, nil
	}
	return &rpc_response.ConfigQueryResponse{
		Response: success(), Content: c.content, Md5: c.md5, ContentType: c.contentType, EncryptedDataKey: c.encryptedKey,
		LastModified: c.modified.UnixMilli(),
	}, nil
}
