package nacostest

import "github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"

type serverCheckResponse struct {
	*rpc_response.ServerCheckResponse
	SupportAbilityNegotiation bool `json:"supportAbilityNegotiation"`
}

// serverCheck tells a client the identity of its connection.
func serverCheck(t *transport) response {
	return &serverCheckResponse{
		ServerCheckResponse:       &rpc_response.ServerCheckResponse{Response: success(), ConnectionId: t.id},
		SupportAbilityNegotiation: true,
	}
}
