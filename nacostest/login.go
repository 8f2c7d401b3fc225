package nacostest

import (
	"crypto/rand"
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

const forbiddenMessage = "user not found or token invalid!"

// SetPassword changes the password asked for since WithAuth, and makes all tokens given out so far invalid.
func (c *Cluster) SetPassword(password string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.password = password
	clear(c.tokens)
}

// The cluster's lock is held for the following.

// login returns a token for the right user and password.
func (c *Cluster) login(user, password string) (token string, ok bool) {
	if c.settings.user != "" && (user != c.settings.user || password != c.password) {
		return "", false
	}
	token = rand.Text()
	c.tokens[token] = time.Now().Add(c.settings.tokenTTL)
	return token, true
}

func (c *Cluster) authorised(token string) bool {
	return c.settings.user == "" || time.Now().Before(c.tokens[token])
}

// forbidden is a request's own kind of answer, saying that there is no right to it.
func forbidden(requestType string) response {
	no := failed(codeNoRight, forbiddenMessage)
	switch requestType {
	case "InstanceRequest", "PersistentInstanceRequest":
		return &rpc_response.InstanceResponse{Response: no}
	case "BatchInstanceRequest":
		return &rpc_response.BatchInstanceResponse{Response: no}
	case "SubscribeServiceRequest":
		return &rpc_response.SubscribeServiceResponse{Response: no}
	case "ServiceQueryRequest":
		return &rpc_response.QueryServiceResponse{Response: no}
	case "ServiceListRequest":
		return &rpc_response.ServiceListResponse{Response: no}
	case "ConfigQueryRequest":
		return &rpc_response.ConfigQueryResponse{Response: no}
	case "ConfigPublishRequest":
		return &rpc_response.ConfigPublishResponse{Response: no}
	case "ConfigRemoveRequest":
		return &rpc_response.ConfigRemoveResponse{Response: no}
	case "ConfigBatchListenRequest":
		return &rpc_response.ConfigChangeBatchListenResponse{Response: no}
	}
	return &rpc_response.ErrorResponse{Response: no}
}
