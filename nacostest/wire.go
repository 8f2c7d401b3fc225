package nacostest

import (
	"encoding/json"
	"fmt"
	"strconv"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_response"
	"google.golang.org/protobuf/types/known/anypb"
)

// Result and error codes of the protocol.
const (
	codeOK             = 200
	codeStarting       = 300
	codeConfigMissing  = 300
	codeUnregistered   = 301
	codeNoHandler      = 302
	codeInvalidParam   = 400
	codeNoRight        = 403
	codeFailed         = 500
	codeUnreadableBody = 502
)

// response is any answer to a request. Like the Java server's it does not repeat the request's identity.
type response interface{ GetResponseType() string }

// refusal is an error that a client is told in an ErrorResponse.
type refusal struct {
	code    int
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.message) }

func refuse(code int, format string, args ...any) error {
	return &refusal{code, fmt.Sprintf(format, args...)}
}

func success() *rpc_response.Response {
	return &rpc_response.Response{ResultCode: codeOK, Success: true}
}

func failed(code int, message string) *rpc_response.Response {
	return &rpc_response.Response{ResultCode: codeFailed, ErrorCode: code, Message: message}
}

// encode puts a message on the wire: raw JSON in an Any without a type.
func encode(messageType string, body any) *pb.Payload {
	raw, err := json.Marshal(body)
	if err != nil {
		panic(fmt.Sprintf("nacostest: %s cannot be encoded: %v", messageType, err)) // our own plain structs
	}
	return &pb.Payload{
		Metadata: &pb.Metadata{Type: messageType, ClientIp: "127.0.0.1"},
		Body:     &anypb.Any{Value: raw},
	}
}

func decode(p *pb.Payload, into any) error {
	if err := json.Unmarshal(p.GetBody().GetValue(), into); err != nil {
		return refuse(codeUnreadableBody, "%s: %v", p.GetMetadata().GetType(), err)
	}
	return nil
}

// requestID reads from a client's answer which push it is for.
func requestID(p *pb.Payload) string {
	var head struct {
		RequestID string `json:"requestId"`
	}
	_ = json.Unmarshal(p.GetBody().GetValue(), &head)
	return head.RequestID
}

// The cluster's lock is held for the following.

func (c *Cluster) newRequest() *rpc_request.Request {
	return &rpc_request.Request{RequestId: strconv.FormatUint(c.nextRevision(), 10)}
}

func newInternalRequest(c *Cluster) *rpc_request.InternalRequest {
	return &rpc_request.InternalRequest{Request: c.newRequest(), Module: "internal"}
}
