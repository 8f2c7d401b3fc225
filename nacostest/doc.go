// Package nacostest runs a Nacos-compatible cluster inside a process: nodes on loopback that speak the gRPC protocol of
// Nacos 2 and 3 for naming and config, and a few HTTP endpoints.
//
// It is for anybody who tests a program that talks to Nacos, whatever the client: start a cluster, give the client its
// addresses, and see what the client does when a node is killed, hangs, is slow, answers with errors or pushes an empty
// list. It also serves examples that are to run without a server.
//
//	c := nacostest.NewCluster(t, 3)
//	client := connectTo(c.Addrs())
//	...
//	c.Node(0).Kill()
//
// With [InMemory] the nodes listen inside the process, and a cluster can live in a bubble of testing/synctest, where ten
// minutes without a server pass at once.
//
// # What it does as the Java server does
//
// An ephemeral instance belongs to a connection and goes with it. When a node dies, the other nodes keep its instances as
// ghosts for 180 s. One connection publishes one instance of a service, a second registration replaces it, and a batch
// registers several; deregistering any of them withdraws all. Registrations of the same address over two connections
// are one entry when nothing differs, and two when weight or metadata do. Disabled instances are not listed. A
// subscription is answered at once, pushed once after the push delay, and then at every change; changes within the delay
// are pushed together, and a push that is not answered is sent again. What is set in the console overrides what clients
// register. Configs, persistent instances and console edits are on every node, and on disk as far as [Node.Restart] is
// concerned.
//
// # What differs
//
// Pushes take 5 ms and replication 10 ms unless [JavaTimings] or others are set. Nodes need no majority: a single
// living node still takes configs. Blank names are refused as newer servers do; older ones take them. An ephemeral
// instance registered over HTTP needs no heartbeats. There is no protection threshold, no health check of persistent
// instances, no grey release of configs, no TLS and no request limit.
package nacostest
