// Package nacossdk keeps the registry contract over the official Nacos SDK for Go,
// github.com/nacos-group/nacos-sdk-go/v2.
//
// It uses the SDK's connection: its RPC client with its handshake, health checks and moves between servers, its login and
// its messages. What the SDK builds above that (its naming and config clients with their caches, redo lists, timers and
// callbacks) is left aside, because the faults in there cannot be mended from outside; Client does that work itself from
// what has been declared. docs/nacos-sdk-faults.md lists what is mended that way and what remains.
//
// The SDK keeps one logger and one table of connections per process. The first Client of a process takes the logger over,
// so that the SDK writes no file and nothing to the console; see WithLogger.
package nacossdk
