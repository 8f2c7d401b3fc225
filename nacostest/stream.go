package nacostest

import (
	"sync"
	"time"

	pb "github.com/nacos-group/nacos-sdk-go/v2/api/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type streamServer struct {
	pb.UnimplementedBiRequestStreamServer
	run *run
}

// RequestBiStream reads a client's set-up and its answers to pushes, and writes the pushes.
func (s streamServer) RequestBiStream(stream pb.BiRequestStream_RequestBiStreamServer) error {
	t := transportOf(stream.Context())
	if t == nil {
		return status.Error(codes.Internal, "no transport")
	}
	var writing sync.WaitGroup
	stop := make(chan struct{})
	defer writing.Wait()
	defer close(stop)
	for begun := false; ; {
		p, err := stream.Recv()
		if err != nil {
			return nil // the transport's end is what counts
		}
		if p.GetMetadata().GetType() != "ConnectionSetupRequest" {
			s.answered(t, p)
			continue
		}
		conn, err := s.setUp(t, p)
		if err != nil {
			return err
		}
		if !begun {
			begun = true
			writing.Go(func() { conn.write(stream, stop) })
		}
	}
}

func (s streamServer) setUp(t *transport, p *pb.Payload) (*connection, error) {
	n := s.run.node
	n.cluster.mu.Lock()
	defer n.cluster.mu.Unlock()
	if !s.run.alive() {
		return nil, status.Error(codes.Unavailable, "the node is down")
	}
	n.requests["ConnectionSetupRequest"]++
	if err := n.faults.refuse("ConnectionSetupRequest"); err != nil {
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return connectionSetup(s.run, t, p)
}

// answered takes a client's answer to a push.
func (s streamServer) answered(t *transport, p *pb.Payload) {
	mu := &s.run.node.cluster.mu
	mu.Lock()
	defer mu.Unlock()
	if c := t.registered; c != nil {
		c.heard(time.Now())
		delete(c.unanswered, requestID(p))
	}
}

// write sends what is queued until the stream ends.
func (c *connection) write(stream pb.BiRequestStream_RequestBiStreamServer, stop <-chan struct{}) {
	for {
		select {
		case <-c.wake:
			for _, p := range c.take() {
				if stream.Send(p) != nil {
					return
				}
			}
		case <-stop:
			return
		case <-c.done:
			return
		}
	}
}
