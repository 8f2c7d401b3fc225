package main

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// leftovers is what goes on after everything was closed.
type leftovers struct {
	goroutines []string       // the function at the top of each that is ours
	sockets    []string       // addresses of ours that still accept
	known      map[string]int // goroutines that libraries are known to leave, by why
}

// knownLeaks are goroutines that cannot be ended from outside, by a function in their stack.
var knownLeaks = map[string]string{
	"hystrix-go/hystrix.(*metricExchange).Monitor": "hystrix-go, which never ends a name (they are used again)",
	"hystrix-go/hystrix.(*poolMetrics).Monitor":    "hystrix-go, which never ends a name (they are used again)",
	"grpc.(*addrConn).resetTransportAndUnlock":     forgotten,
	"grpc.(*addrConn).connect":                     forgotten,
	"grpcsync.(*CallbackSerializer).run":           forgotten,
}

// Rare: it takes a server that dies in the middle of a handshake. docs/nacos-sdk-faults.md tells more.
const (
	forgotten     = "gRPC connections that the official Nacos client forgot to close"
	forgottenMost = 9 // of three such connections: more are no accident
)

func (l *leftovers) err() error {
	var errs []error
	if n := l.known[forgotten]; n > forgottenMost {
		errs = append(errs, fmt.Errorf("%d goroutines of %s", n, forgotten))
	}
	if n := len(l.goroutines); n > 0 {
		errs = append(errs, fmt.Errorf("%d goroutines: %s", n, strings.Join(l.goroutines, ", ")))
	}
	if len(l.sockets) > 0 {
		errs = append(errs, fmt.Errorf("listening at %s", strings.Join(l.sockets, ", ")))
	}
	return errors.Join(errs...)
}

// remarks tells of what is known to stay.
func (l *leftovers) remarks() []string {
	var all []string
	for _, why := range slices.Sorted(maps.Keys(l.known)) {
		all = append(all, fmt.Sprintf("%d goroutines of %s", l.known[why], why))
	}
	return all
}

// goroutineIDs is what runs before anything was started.
func goroutineIDs() map[string]bool {
	ids := map[string]bool{}
	for id := range stacks() {
		ids[id] = true
	}
	return ids
}

// lookForLeftovers gives what has been closed a moment to end.
func lookForLeftovers(before map[string]bool, listening []string) *leftovers {
	deadline := time.Now().Add(10 * time.Second)
	for {
		left := look(before, listening)
		if left.err() == nil || time.Now().After(deadline) {
			return left
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func look(before map[string]bool, listening []string) *leftovers {
	left := &leftovers{known: map[string]int{}}
	for id, stack := range stacks() {
		switch why := known(stack); {
		case before[id]:
		case why != "":
			left.known[why]++
		default:
			left.goroutines = append(left.goroutines, top(stack))
		}
	}
	slices.Sort(left.goroutines)
	for _, addr := range listening {
		if conn, err := net.DialTimeout("tcp", addr, time.Second); err == nil {
			_ = conn.Close()
			left.sockets = append(left.sockets, addr)
		}
	}
	return left
}

func known(stack string) string {
	for function, why := range knownLeaks {
		if strings.Contains(stack, function+"(") {
			return why
		}
	}
	return ""
}

var header = regexp.MustCompile(`^goroutine (\d+) `)

// stacks returns the stack of each goroutine but the one that asks, by its number.
func stacks() map[string]string {
	text := make([]byte, 1<<20)
	for n := runtime.Stack(text, true); ; n = runtime.Stack(text, true) {
		if n < len(text) {
			text = text[:n]
			break
		}
		text = make([]byte, 2*len(text))
	}
	all := map[string]string{}
	for i, stack := range strings.Split(string(text), "\n\n") {
		if match := header.FindStringSubmatch(stack); match != nil && i > 0 {
			all[match[1]] = stack
		}
	}
	return all
}

// top is the first function that is not the runtime's.
func top(stack string) string {
	lines := strings.Split(stack, "\n")
	for _, line := range lines[1:] {
		name, _, call := strings.Cut(line, "(0x")
		if call || strings.HasSuffix(line, "(...)") || strings.HasSuffix(line, "()") {
			return name
		}
	}
	return lines[0]
}
