package nacossdk

import (
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
)

// attempt is one request that the SDK shall try once. Left to itself it repeats each failed request, an answer that is an
// error as well, and then takes the connection for broken; while it repeats, it reads what its other goroutines are
// changing. There is one place where it can be stopped: it logs each failure before the next try. To find out whose
// request has failed, it asks the request for its body again; an attempt then gives its mark instead, which also keeps
// the contents out of the log. The logger knows the mark, and unwinds to try.
type attempt struct {
	rpc_request.IRequest
	mark    string
	sending bool
	err     error
}

var attemptNumber atomic.Uint64

func newAttempt(r rpc_request.IRequest) *attempt {
	return &attempt{IRequest: r, mark: "holdfast-attempt-" + strconv.FormatUint(attemptNumber.Add(1), 10)}
}

// GetHeaders is called by the SDK just before it asks for the body to send, and at no other time.
func (a *attempt) GetHeaders() map[string]string {
	a.sending = true
	return a.IRequest.GetHeaders()
}

// GetBody is called by the SDK once for each try that finds a connection and once for each failure.
func (a *attempt) GetBody(rpc_request.IRequest) string {
	if !a.sending {
		return a.mark
	}
	a.sending = false
	return a.IRequest.GetBody(a.IRequest)
}

func (a *attempt) try(client *rpc.RpcClient, timeoutMs int64) (response rpc_response.IResponse, err error) {
	process.begin(a)
	defer func() {
		process.finish(a)
		if v := recover(); v != nil {
			if v != any(a) {
				panic(v)
			}
			response, err = nil, a.err
		}
	}()
	return client.Request(a, timeoutMs)
}

// unconnected reports whether the SDK did not even try for want of a connection. It has no name for this error.
func unconnected(err error) bool { return strings.HasPrefix(err.Error(), "client not connected") }
