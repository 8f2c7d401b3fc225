package nacostest

import (
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// serviceList answers with one page of the names of a group's services.
func serviceList(req *request) (response, error) {
	body := rpc_request.NewServiceListRequest("", "", "", 1, 10, "")
	if err := decode(req.payload, body); err != nil {
		return nil, err
	}
	key := keyOf(body.NamingRequest)
	all := req.node.services(key.namespace, key.group)
	from := min(len(all), max(0, (body.PageNo-1)*body.PageSize))
	to := min(len(all), from+max(0, body.PageSize))
	return &rpc_response.ServiceListResponse{
		Response: success(), Count: len(all), ServiceNames: append([]string{}, all[from:to]...),
	}, nil
}
