package nacossdk_test

import (
	"io"
	"log"
	"os"
	"os/exec"
	"testing"

	"github.com/holdfast-go/holdfast/nacostest"
)

var discardLog = log.New(io.Discard, "", 0)

// TestSilence runs a client in a process of its own: the SDK must write nothing to the console, and no file.
func TestSilence(t *testing.T) {
	t.Parallel()
	cluster := nacostest.NewCluster(t, 1)
	dir := t.TempDir()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), quietChild+"="+cluster.Addrs()[0], "HOME="+dir, "TMPDIR="+dir)
	child.Dir = dir
	output, err := child.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if len(output) > 0 {
		t.Errorf("the console got %q", output)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
}
