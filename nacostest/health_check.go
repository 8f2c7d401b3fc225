package nacostest

import "github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"

func healthCheck(*request) (response, error) {
	return &rpc_response.HealthCheckResponse{Response: success()}, nil
}
