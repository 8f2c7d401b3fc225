package resolver

import "github.com/holdfast-go/holdfast/internal/call"

// Balancer makes Pickers.
type Balancer interface {
	// Build returns a Picker for the candidates of a service: at least one, none of them twice. It is called whenever
	// they or their weights change, one call at a time, and must not take long. It may keep nodes, but must not write to it.
	Build(nodes []*Node) Picker
}

// Picker chooses among the nodes that it was built for.
type Picker interface {
	// Pick returns a node that the attempt Allows, or nil if there is none. It is called for each attempt, by many
	// goroutines at once.
	Pick(a Attempt) *Node
}

// Attempt is the attempt that a Picker picks for.
type Attempt struct {
	state  *call.State
	client *Client
	again  bool // tried ones may be picked
}

// Allows reports whether the attempt may be sent to n. It may not if the call has tried n already, or if the client's
// factory could not make an endpoint for it.
func (a Attempt) Allows(n *Node) bool {
	if a.state != nil && !a.again && a.state.Tried(n.addr) {
		return false
	}
	return a.client == nil || a.client.serves(n)
}
