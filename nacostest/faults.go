package nacostest

import (
	"time"

	"github.com/nacos-group/nacos-sdk-go/v2/common/remote/rpc/rpc_request"
)

// faults are what a node has been told to do wrong.
type faults struct {
	delay    time.Duration
	starting bool
	codes    map[string]*failure // by request type
}

type failure struct {
	code    int
	message string
	left    int // negative: for ever
}

// refuse returns the error that a request of this type is to be answered with, if any.
func (f *faults) refuse(requestType string) error {
	if f.starting {
		return refuse(codeStarting, "Server is starting,please try later.")
	}
	fail := f.codes[requestType]
	if fail == nil {
		return nil
	}
	if fail.left > 0 {
		fail.left--
	}
	if fail.left == 0 {
		delete(f.codes, requestType)
	}
	return refuse(fail.code, "%s", fail.message)
}

// Hang makes the node like a stopped process: its ports accept connections, nothing is read and nothing is written,
// pushes are held, and other nodes do not hear of it. It lasts until Resume or Kill.
func (n *Node) Hang() {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if n.run == nil || n.hung {
		return
	}
	n.hung = true
	n.gate.shut()
}

// Resume ends a hang: what clients sent meanwhile is read, what was held is written.
func (n *Node) Resume() {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if !n.hung {
		return
	}
	n.hung = false
	n.gate.reopen()
	now := time.Now()
	for _, c := range n.run.connections {
		c.heard(now)
	}
	n.catchUp()
}

// Delay makes every answer to a request wait for d; 0 ends it. Pushes are not delayed.
func (n *Node) Delay(d time.Duration) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	n.faults.delay = d
}

// Starting makes the node answer every request as the Java server does while it starts: error 300. Connections that
// exist stay.
func (n *Node) Starting(on bool) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	n.faults.starting = on
}

// Fail makes the node answer the next requests of a type, such as "InstanceRequest", with an ErrorResponse of the
// given error code and message, as many times as said; a negative number means for ever, 0 ends it.
func (n *Node) Fail(requestType string, code int, message string, times int) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if times == 0 {
		delete(n.faults.codes, requestType)
		return
	}
	n.faults.codes[requestType] = &failure{code, message, times}
}

// PushEmpty pushes an empty list of a service to the node's subscribers, whatever the service has.
func (n *Node) PushEmpty(namespace, group, service string) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	key := newServiceKey(namespace, group, service)
	n.touch(key)
	for _, c := range n.subscribers(key) {
		n.push(c, key, nil)
	}
}

// ResetConnections asks all clients of the node to move to the given server, or to any other when it is empty.
func (n *Node) ResetConnections(serverIP, serverPort string) {
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if n.run == nil {
		return
	}
	for _, c := range n.run.connections {
		c.reset(serverIP, serverPort)
	}
}

// reset asks the client to move. The cluster's lock is held.
func (c *connection) reset(serverIP, serverPort string) {
	c.send(encode("ConnectResetRequest", connectResetRequest{newInternalRequest(c.run.node.cluster), serverIP, serverPort}))
}

// connectResetRequest has the names that the Java server writes.
type connectResetRequest struct {
	*rpc_request.InternalRequest
	ServerIP   string `json:"serverIp"`
	ServerPort string `json:"serverPort"`
}
