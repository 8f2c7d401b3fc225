package resolver

import (
	"math/rand/v2"
	"sync/atomic"
)

// RoundRobin is weighted round robin without a lock, by static stride scheduling as in gRPC's weighted_round_robin
// (proposal A58): one counter goes round the nodes, and a node passes on a turn unless its weight has added up to a
// whole since its last. Over any number of picks each node gets its share to within a few picks. With equal weights a
// pick takes one step, else on average as many as the greatest weight is times the mean.
func RoundRobin() Balancer { return roundRobin{} }

type roundRobin struct{}

func (roundRobin) Build(nodes []*Node) Picker {
	s := &stride{nodes: nodes, shares: shares(nodes)}
	s.turn.Store(uint64(rand.Uint32())) // so that callers that start together do not march in step
	return s
}

// whole is the share of the nodes with the greatest weight. As a power of two it makes the sums below wrap around by
// themselves.
const whole = 1 << 32

// phase is the golden ratio of a whole: it spreads the turns of nodes with equal weights evenly.
const phase = 0x9E3779B9

type stride struct {
	nodes  []*Node
	shares []uint64 // of a whole; nil when all weights are equal
	turn   atomic.Uint64
}

func shares(nodes []*Node) []uint64 {
	least, most := nodes[0].Weight(), nodes[0].Weight()
	for _, n := range nodes[1:] {
		w := n.Weight()
		least, most = min(least, w), max(most, w)
	}
	if least == most {
		return nil
	}
	shares := make([]uint64, len(nodes))
	for i, n := range nodes {
		shares[i] = min(whole, max(1, uint64(n.Weight()/most*whole)))
	}
	return shares
}

// next always ends: a node with the greatest weight takes every turn.
func (s *stride) next() *Node {
	count := uint64(len(s.nodes))
	for {
		turn := s.turn.Add(1)
		i, round := turn%count, turn/count
		if s.shares == nil || uint64(uint32(round*s.shares[i]+i*phase)) >= whole-s.shares[i] {
			return s.nodes[i]
		}
	}
}

// Pick takes the next node that is allowed. After a few that are not, which only a repeated attempt meets, it takes the first
// that comes, whatever its weight.
func (s *stride) Pick(a Attempt) *Node {
	for range min(len(s.nodes), 8) {
		if n := s.next(); a.Allows(n) {
			return n
		}
	}
	start := rand.IntN(len(s.nodes))
	for i := range s.nodes {
		if n := s.nodes[(start+i)%len(s.nodes)]; a.Allows(n) {
			return n
		}
	}
	return nil
}
