// Command quickstart shows in about a minute what Holdfast does for a go-kit client: it starts a Nacos cluster of three
// nodes in this process, six providers of an orders service and a gateway that calls them 200 times a second. Then nodes
// and providers are killed, hang and fail, and come back. One row a phase tells what the callers saw of it; at the end
// stands what was promised, and whether it was kept.
//
//	go run ./examples/quickstart
//
// Exit status: 0 when every promise was kept, 1 when one was broken or the run could not be finished, 2 for a wrong flag.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/holdfast-go/holdfast"
)

type settings struct {
	policy  holdfast.Config
	json    bool
	verbose bool
	servers []string // empty: the embedded cluster
	kill    string
	start   string
}

func main() {
	s, err := parse(os.Args[1:], os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(0)
	case err != nil:
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	passed, err := run(ctx, s, os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
	}
	if !passed {
		os.Exit(1)
	}
}

func parse(args []string, stderr io.Writer) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("quickstart", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.BoolVar(&s.json, "json", false, "print one JSON document in place of the table")
	without := flags.String("without", "", "take `parts` out, a comma list of retry, fallback, snapshot, breaker, ejection")
	servers := flags.String("nacos", "", "use the cluster at these `addresses`, a comma list of host:port, in place of the embedded one")
	flags.StringVar(&s.kill, "kill-cmd", "", "a shell `command` that, with a number from 1 added, kills that node of -nacos; "+
		"without -start-cmd only one node is killed, and stays so")
	flags.StringVar(&s.start, "start-cmd", "", "a shell `command` that, with a number from 1 added, starts that node again")
	flags.BoolVar(&s.verbose, "v", false, "write the log to stderr")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	var err error
	if s.policy, err = loadPolicy(*without); err == nil {
		if *servers != "" {
			s.servers = strings.Split(*servers, ",")
			s.policy.Nacos.Servers = s.servers
			s.policy.Nacos.Group = fmt.Sprintf("quickstart-%d", time.Now().UnixMilli()) // apart from orders that are somebody's
			err = s.policy.Validate()
		}
		switch {
		case err != nil:
		case flags.NArg() > 0:
			err = fmt.Errorf("unknown argument %q", flags.Arg(0))
		case s.kill != "" && len(s.servers) == 0:
			err = errors.New("-kill-cmd needs -nacos")
		case s.start != "" && s.kill == "":
			err = errors.New("-start-cmd needs -kill-cmd")
		}
	}
	if err != nil {
		fmt.Fprintln(stderr, "quickstart:", err)
	}
	return s, err
}

// run plays all phases that are possible and reports. passed means that every promise was kept.
func run(ctx context.Context, s settings, stdout, stderr io.Writer) (passed bool, err error) {
	before := goroutineIDs()
	logger := slog.New(slog.DiscardHandler)
	if s.verbose {
		logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}
	cluster, err := s.cluster()
	if err != nil {
		return false, err
	}
	kept, leftOut := possible(phases, cluster)
	var watch watcher = silent{}
	if !s.json {
		t := newTable(stdout)
		defer t.close()
		watch = t
	}
	seen, err := perform(ctx, cluster, s.policy, logger, kept, watch)
	if err != nil {
		return false, err
	}
	seen.left = lookForLeftovers(before, seen.listened)
	verdicts, passed := judge(seen)
	if !s.json {
		conclude(stdout, verdicts, leftOut, seen.left.remarks())
		return passed, nil
	}
	for _, v := range verdicts {
		if v.broken != nil {
			fmt.Fprintf(stderr, "BROKEN  %s: %v\n", v.text, v.broken)
		}
	}
	notes(stderr, leftOut, seen.left.remarks())
	return passed, writeJSON(stdout, seen.periods, verdicts, passed)
}

func (s settings) cluster() (*nacos, error) {
	if len(s.servers) == 0 {
		return embedded()
	}
	nodes, err := s.policy.Nacos.Parse()
	if err != nil {
		return nil, err
	}
	return remote(s.servers, nodes, s.kill, s.start), nil
}
