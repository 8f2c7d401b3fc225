package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// script runs the script cluster for r-nacos in a cache folder of its own, as root on a machine without packet rules.
type script struct{ commands, cache string }

func newScript(t *testing.T) script {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("the script is for Linux")
	}
	s := script{commands: t.TempDir(), cache: t.TempDir()}
	write(t, filepath.Join(s.commands, "id"), "#!/bin/sh\necho 0\n")
	write(t, filepath.Join(s.commands, "iptables-legacy"), "#!/bin/sh\necho no such chain >&2\nexit 1\n")
	return s
}

// file is a file of the running cluster.
func (s script) file(name string) string { return filepath.Join(s.cache, "run", "rnacos", name) }

func (s script) run(arguments ...string) (output []byte, err error) {
	command := exec.Command("./cluster", append([]string{"rnacos"}, arguments...)...)
	command.Env = append(os.Environ(), "HOLDFAST_E2E_CACHE="+s.cache, "PATH="+s.commands+":"+os.Getenv("PATH"))
	return command.CombinedOutput()
}

func write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

// The machine may have been started anew since the drop.
func TestHealWhenNothingIsLeftToHeal(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	write(t, s.file("silent"), "1\n")
	if output, err := s.run("heal"); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
	if _, err := os.Stat(s.file("silent")); err == nil {
		t.Error("the node still counts as silent")
	}
}

func TestHealAfterADropThatFailed(t *testing.T) {
	t.Parallel()
	s := newScript(t)
	program := filepath.Join(s.cache, "server") // the script takes processes for its own by the folder
	write(t, program, "while :; do sleep 1; done\n")
	server := exec.Command("sh", program)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
	})
	write(t, s.file("node1/pid"), fmt.Sprintln(server.Process.Pid))
	stopped := func() bool {
		state, err := exec.Command("ps", "-o", "stat=", "-p", fmt.Sprint(server.Process.Pid)).Output()
		if err != nil {
			t.Fatal(err)
		}
		return strings.HasPrefix(string(state), "T")
	}
	if output, err := s.run("drop", "1"); err == nil || !stopped() {
		t.Fatalf("drop: %v, stopped: %v\n%s", err, stopped(), output)
	}
	if output, err := s.run("heal"); err != nil || stopped() {
		t.Errorf("heal: %v, stopped: %v\n%s", err, stopped(), output)
	}
}
