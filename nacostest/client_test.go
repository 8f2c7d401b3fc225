package nacostest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/holdfast-go/holdfast/nacostest"
)

// client speaks the protocol without any of an SDK's help or habits.
type client struct {
	tb     testing.TB
	conn   *grpc.ClientConn
	unary  pb.RequestClient
	stream pb.BiRequestStream_RequestBiStreamClient
	id     string
	token  string
	mute   bool // does not answer pushes
	ended  chan struct{}

	mu     sync.Mutex
	pushes []push
	fresh  chan struct{} // closed and replaced at every push
}

type push struct {
	Type        string
	ServiceInfo serviceInfo `json:"serviceInfo"`
	DataID      string      `json:"dataId"`
	Group       string      `json:"group"`
	Tenant      string      `json:"tenant"`
	ServerIP    string      `json:"serverIp"`
	ServerPort  string      `json:"serverPort"`
}

type serviceInfo struct {
	Name        string     `json:"name"`
	GroupName   string     `json:"groupName"`
	Clusters    string     `json:"clusters"`
	LastRefTime int64      `json:"lastRefTime"`
	Hosts       []wireHost `json:"hosts"`
}

type wireHost struct {
	IP          string            `json:"ip"`
	Port        int               `json:"port"`
	Weight      float64           `json:"weight"`
	Enabled     bool              `json:"enabled"`
	Healthy     bool              `json:"healthy"`
	Ephemeral   bool              `json:"ephemeral"`
	ClusterName string            `json:"clusterName,omitempty"`
	ServiceName string            `json:"serviceName,omitempty"`
	Metadata    map[string]string `json:"metadata"`
}

type answer struct {
	Type           string
	ResultCode     int           `json:"resultCode"`
	ErrorCode      int           `json:"errorCode"`
	Success        *bool         `json:"success"`
	Message        string        `json:"message"`
	RequestID      string        `json:"requestId"`
	ConnectionID   string        `json:"connectionId"`
	Negotiates     bool          `json:"supportAbilityNegotiation"`
	ServiceInfo    serviceInfo   `json:"serviceInfo"`
	Count          int           `json:"count"`
	ServiceNames   []string      `json:"serviceNames"`
	Content        string        `json:"content"`
	Md5            string        `json:"md5"`
	ContentType    string        `json:"contentType"`
	ChangedConfigs []configNamed `json:"changedConfigs"`
}

type configNamed struct {
	DataID string `json:"dataId"`
	Group  string `json:"group"`
	Tenant string `json:"tenant"`
}

type body = map[string]any

// connect sets up a connection to the server with the given HTTP address and ends it with the test.
func connect(tb testing.TB, addr string) *client {
	tb.Helper()
	c, err := tryConnect(tb, addr)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// connectInMemory does the same for a cluster that is not on loopback.
func connectInMemory(tb testing.TB, cluster *nacostest.Cluster, addr string) *client {
	tb.Helper()
	c, err := dial(tb, addr, grpc.WithContextDialer(cluster.Dial))
	if err == nil {
		err = c.setUp()
	}
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func tryConnect(tb testing.TB, addr string) (*client, error) {
	c, err := dial(tb, addr)
	if err != nil {
		return nil, err
	}
	return c, c.setUp()
}

// dial makes a connection that is not set up.
func dial(tb testing.TB, addr string, opts ...grpc.DialOption) (*client, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(port)
	if err != nil {
		return nil, err
	}
	conn, err := grpc.NewClient("passthrough:///"+net.JoinHostPort(host, strconv.Itoa(number+1000)),
		append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
	if err != nil {
		return nil, err
	}
	c := &client{
		tb: tb, conn: conn, unary: pb.NewRequestClient(conn),
		ended: make(chan struct{}), fresh: make(chan struct{}),
	}
	tb.Cleanup(func() { _ = conn.Close() })
	return c, nil
}

func (c *client) setUp() error {
	checked, err := c.try("ServerCheckRequest", body{})
	if err != nil {
		return err
	}
	if checked.ResultCode != 200 {
		return fmt.Errorf("server check: %+v", checked)
	}
	c.id = checked.ConnectionID
	if c.stream, err = pb.NewBiRequestStreamClient(c.conn).RequestBiStream(context.Background()); err != nil {
		return err
	}
	go c.receive()
	c.tb.Cleanup(func() { _ = c.conn.Close(); <-c.ended })
	setup := body{
		"clientVersion": "Test:v1", "labels": map[string]string{"source": "sdk", "module": "naming"},
		"clientAbilities": body{}, "abilityTable": body{}, "module": "internal",
	}
	if err := c.stream.Send(payload("ConnectionSetupRequest", setup, nil)); err != nil {
		return err
	}
	if checked.Negotiates {
		c.await("SetupAckRequest", func(push) bool { return true })
	}
	for range 200 { // older servers do not say when they are ready
		if a, err := c.try("HealthCheckRequest", body{}); err != nil || a.ResultCode == 200 {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return fmt.Errorf("connection %s was not registered", c.id)
}

func (c *client) close() {
	_ = c.conn.Close()
	<-c.ended
}

func (c *client) receive() {
	defer close(c.ended)
	for {
		p, err := c.stream.Recv()
		if err != nil {
			return
		}
		var head struct {
			RequestID string `json:"requestId"`
		}
		got := push{Type: p.GetMetadata().GetType()}
		if json.Unmarshal(p.GetBody().GetValue(), &got) != nil || json.Unmarshal(p.GetBody().GetValue(), &head) != nil {
			return
		}
		c.mu.Lock()
		c.pushes = append(c.pushes, got)
		close(c.fresh)
		c.fresh = make(chan struct{})
		mute := c.mute
		c.mu.Unlock()
		if mute || got.Type == "SetupAckRequest" {
			continue
		}
		name := map[string]string{
			"NotifySubscriberRequest":   "NotifySubscriberResponse",
			"ConfigChangeNotifyRequest": "ConfigChangeNotifyResponse",
			"ClientDetectionRequest":    "ClientDetectionResponse",
			"ConnectResetRequest":       "ConnectResetResponse",
		}[got.Type]
		_ = c.stream.Send(payload(name, body{"resultCode": 200, "success": true, "requestId": head.RequestID}, nil))
	}
}

// seen returns how many pushes have come so far, to be passed to awaitAfter.
func (c *client) seen() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.pushes)
}

// await returns the first push of a type, of all that ever came, that ok accepts.
func (c *client) await(pushType string, ok func(push) bool) push {
	c.tb.Helper()
	return c.awaitAfter(0, pushType, ok)
}

// awaitAfter leaves the first so many pushes out.
func (c *client) awaitAfter(next int, pushType string, ok func(push) bool) push {
	c.tb.Helper()
	deadline := time.After(patience)
	for {
		c.mu.Lock()
		for ; next < len(c.pushes); next++ {
			if p := c.pushes[next]; p.Type == pushType && ok(p) {
				c.mu.Unlock()
				return p
			}
		}
		fresh := c.fresh
		c.mu.Unlock()
		select {
		case <-fresh:
		case <-deadline:
			c.tb.Fatalf("no such %s within %v; pushes so far: %+v", pushType, patience, c.all())
		}
	}
}

func (c *client) all() []push {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]push(nil), c.pushes...)
}

// try sends a request and returns whatever is answered.
func (c *client) try(requestType string, b body) (answer, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return c.tryWithin(ctx, requestType, b)
}

func (c *client) tryWithin(ctx context.Context, requestType string, b body) (answer, error) {
	var headers map[string]string
	if c.token != "" {
		headers = map[string]string{"accessToken": c.token}
	}
	p, err := c.unary.Request(ctx, payload(requestType, b, headers))
	if err != nil {
		return answer{}, err
	}
	a := answer{Type: p.GetMetadata().GetType()}
	return a, json.Unmarshal(p.GetBody().GetValue(), &a)
}

// ask sends a request that has to be answered without an error.
func (c *client) ask(requestType string, b body) answer {
	c.tb.Helper()
	a, err := c.try(requestType, b)
	if err != nil {
		c.tb.Fatalf("%s: %v", requestType, err)
	}
	if a.ResultCode != 200 {
		c.tb.Fatalf("%s: %+v", requestType, a)
	}
	return a
}

// refused sends a request that has to be answered with the given error code.
func (c *client) refused(requestType string, b body, code int) answer {
	c.tb.Helper()
	a, err := c.try(requestType, b)
	if err != nil {
		c.tb.Fatalf("%s: %v", requestType, err)
	}
	if a.ResultCode == 200 || a.ErrorCode != code {
		c.tb.Fatalf("%s: %+v, want error code %d", requestType, a, code)
	}
	return a
}

func payload(messageType string, b body, headers map[string]string) *pb.Payload {
	raw, err := json.Marshal(b)
	if err != nil {
		panic(err)
	}
	return &pb.Payload{
		Metadata: &pb.Metadata{Type: messageType, ClientIp: "127.0.0.1", Headers: headers},
		Body:     &anypb.Any{Value: raw},
	}
}

// silence makes the client answer no more pushes.
func (c *client) silence() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mute = true
}
