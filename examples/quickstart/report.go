package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// table prints one row a phase, and on a terminal the phase that is under way.
type table struct {
	out     io.Writer
	head    sync.Once
	drawing *drawing // nil: no terminal
}

func newTable(out io.Writer) *table {
	t := &table{out: out}
	if terminal(out) {
		t.drawing = &drawing{out: out}
	}
	return t
}

func terminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

func (t *table) began(p *period, lasts time.Duration) {
	t.head.Do(func() {
		fmt.Fprintf(t.out, "%-24s %5s %6s %6s %8s %6s %8s %7s %8s %8s %9s %6s  %s\n",
			"phase", "s", "calls", "ok", "retried", "stale", "default", "failed", "p50 ms", "p99 ms", "att/call", "nodes", "list")
	})
	if t.drawing != nil {
		t.drawing.start(func() string { return progress(p, lasts, p.tally()) })
	}
}

func (t *table) finished(p *period) {
	t.close()
	n := p.tally()
	fmt.Fprintf(t.out, "%-24s %5.1f %6d %6d %8d %6d %8d %7d %8.2f %8.2f %9.3f %6d  %s\n",
		p.name, p.ended.Sub(p.began).Seconds(), n.calls, n.ok, n.retried, n.stale, n.byDefault, n.failed,
		milliseconds(n.p50), milliseconds(n.p99), n.perCall(), p.nodesUp, p.source)
}

// close ends the drawing.
func (t *table) close() {
	if t.drawing != nil {
		t.drawing.stop()
	}
}

func (t tally) perCall() float64 {
	if t.calls == 0 {
		return 0
	}
	return float64(t.attempts) / float64(t.calls)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}

func progress(p *period, lasts time.Duration, n tally) string {
	const width = 20
	gone := time.Since(p.began)
	done := min(width, int(width*gone/lasts))
	line := fmt.Sprintf("%-24s %5.1f %s%s %d calls, %d ok, %d retried, %d stale, %d failed",
		p.name, gone.Seconds(), strings.Repeat("█", done), strings.Repeat("░", width-done), n.calls, n.ok, n.retried, n.stale, n.failed)
	if gone > lasts {
		line += ", mending"
	}
	return line
}

// conclude prints the promises.
func conclude(out io.Writer, verdicts []verdict, leftOut, remarks []string) {
	fmt.Fprintln(out)
	for _, v := range verdicts {
		if v.broken == nil {
			fmt.Fprintf(out, "kept    %s\n", v.text)
			continue
		}
		fmt.Fprintf(out, "BROKEN  %s\n        %s\n", v.text, strings.ReplaceAll(v.broken.Error(), "\n", "\n        "))
	}
	notes(out, leftOut, remarks)
}

// notes prints what else should be known.
func notes(out io.Writer, leftOut, remarks []string) {
	for _, phase := range leftOut {
		fmt.Fprintf(out, "left out: %s\n", phase)
	}
	for _, remark := range remarks {
		fmt.Fprintf(out, "known to stay: %s\n", remark)
	}
}

// silent watches without a word, for -json.
type silent struct{}

func (silent) began(*period, time.Duration) {}
func (silent) finished(*period)             {}

type jsonReport struct {
	Phases   []jsonPhase   `json:"phases"`
	Promises []jsonPromise `json:"promises"`
	Passed   bool          `json:"passed"`
}

type jsonPhase struct {
	Name    string  `json:"name"`
	Calls   int     `json:"calls"`
	OK      int     `json:"ok"`
	Retried int     `json:"retried"`
	Stale   int     `json:"stale"`
	Default int     `json:"default"`
	Failed  int     `json:"failed"`
	P50     float64 `json:"p50_ms"`
	P99     float64 `json:"p99_ms"`
	NodesUp int     `json:"nodes_up"`
	Source  string  `json:"source"`
}

type jsonPromise struct {
	Text string `json:"text"`
	Kept bool   `json:"kept"`
}

func writeJSON(out io.Writer, periods []*period, verdicts []verdict, passed bool) error {
	report := jsonReport{Phases: []jsonPhase{}, Promises: []jsonPromise{}, Passed: passed}
	for _, p := range periods {
		n := p.tally()
		report.Phases = append(report.Phases, jsonPhase{
			Name: p.name, Calls: n.calls, OK: n.ok, Retried: n.retried, Stale: n.stale, Default: n.byDefault, Failed: n.failed,
			P50: milliseconds(n.p50), P99: milliseconds(n.p99), NodesUp: p.nodesUp, Source: string(p.source),
		})
	}
	for _, v := range verdicts {
		report.Promises = append(report.Promises, jsonPromise{Text: v.text, Kept: v.broken == nil})
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}
