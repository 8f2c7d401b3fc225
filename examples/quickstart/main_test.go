package main

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-go/holdfast"
	"github.com/holdfast-go/holdfast/policy"
	"github.com/holdfast-go/holdfast/registry"
)

func TestFlags(t *testing.T) {
	tests := map[string]string{ // arguments → part of the complaint, "" if there is none
		"":                                  "",
		"-json -v":                          "",
		"-without breaker":                  "",
		"-without nobody":                   "breaker, ejection, fallback, retry, snapshot",
		"-nacos a:8848,b":                   "",
		"-nacos a:b":                        "nacos.servers",
		"-nacos ,":                          "nacos.servers",
		"-kill-cmd x":                       "-kill-cmd needs -nacos",
		"-nacos a -kill-cmd":                "flag needs an argument",
		"-nacos a -kill-cmd x -start-cmd y": "",
		"-nacos a -start-cmd y":             "-start-cmd needs -kill-cmd",
		"now":                               "now",
	}
	for args, complaint := range tests {
		var stderr bytes.Buffer
		_, err := parse(strings.Fields(args), &stderr)
		if (err == nil) != (complaint == "") || !strings.Contains(stderr.String(), complaint) {
			t.Errorf("%q: %v, %q", args, err, stderr.String())
		}
	}
}

func TestPolicy(t *testing.T) {
	cfg, err := loadPolicy("")
	if err != nil {
		t.Fatal(err)
	}
	want := policy.Policy{}.WithDefaults()
	want.Idempotent = policy.True
	want.Timeout.Try = 250 * time.Millisecond
	want.Ejection = policy.Ejection{Time: 3 * time.Second}.WithDefaults()
	if got := cfg.For(service, method); got != want {
		t.Errorf("policy is %+v, want %+v", got, want)
	}
	if cfg, err = loadPolicy("retry, snapshot"); err != nil || !cfg.For(service, method).Retry.Disabled.On() || !cfg.Nacos.Disk.Disabled {
		t.Errorf("without retry and snapshot: %+v, %v", cfg, err)
	}
}

func finished() *period {
	return &period{
		name: steady, began: at(0), ended: at(5), nodesUp: 3, source: registry.SourcePush,
		calls: []call{
			{took: time.Millisecond, source: holdfast.SourceLive, attempts: 2, retries: 1},
			{took: 2 * time.Millisecond, source: holdfast.SourceStale, attempts: 1},
			{took: 3 * time.Millisecond, source: holdfast.SourceDefault},
			{took: 4 * time.Millisecond, err: io.EOF, attempts: 3, retries: 2},
		},
	}
}

func TestTableForAFile(t *testing.T) {
	var out bytes.Buffer
	table := newTable(&out)
	table.began(finished(), time.Second)
	table.finished(finished())
	conclude(&out, []verdict{{text: noFailure}, {text: noDefault, broken: io.EOF}}, []string{"x: y"}, []string{"z"})
	lines := strings.Split(out.String(), "\n")
	if got := strings.Fields(lines[1]); !slices.Equal(got, strings.Fields("steady 5.0 4 1 3 1 1 1 3.00 4.00 1.500 3 push")) {
		t.Errorf("row %q", got)
	}
	if want := "kept    " + noFailure + "\nBROKEN  " + noDefault + "\n        EOF\nleft out: x: y\nknown to stay: z\n"; !strings.HasSuffix(out.String(), "\n\n"+want) {
		t.Errorf("%s", out.String())
	}
	if i := strings.IndexFunc(out.String(), func(r rune) bool { return r < ' ' && r != '\n' }); i >= 0 {
		t.Errorf("a control character in %q", out.String()[i:])
	}
}

func TestJSON(t *testing.T) {
	var out bytes.Buffer
	if err := writeJSON(&out, []*period{finished()}, []verdict{{text: noFailure}, {text: noDefault, broken: io.EOF}}, false); err != nil {
		t.Fatal(err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, out.Bytes()); err != nil {
		t.Fatal(err)
	}
	want := `{"phases":[{"name":"steady","calls":4,"ok":1,"retried":3,"stale":1,"default":1,"failed":1,"p50_ms":3,"p99_ms":4,"nodes_up":3,"source":"push"}],` +
		`"promises":[{"text":"failed 0 in every phase","kept":true},{"text":"default 0 in every phase","kept":false}],"passed":false}`
	if compact.String() != want {
		t.Errorf("wrote %s", compact.String())
	}
}

func TestDrawing(t *testing.T) {
	var out bytes.Buffer
	d := &drawing{out: &out}
	drawn := make(chan struct{})
	var once sync.Once
	d.start(func() string { once.Do(func() { close(drawn) }); return "half way" })
	<-drawn
	d.stop()
	d.stop()
	if got := out.String(); !strings.HasPrefix(got, clearLine+"half way") || !strings.HasSuffix(got, clearLine) {
		t.Errorf("drew %q", got)
	}
	if line := progress(&period{name: steady, began: time.Now()}, time.Second, tally{calls: 7}); !strings.Contains(line, "7 calls") {
		t.Errorf("progress %q", line)
	}
}
