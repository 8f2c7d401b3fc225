package registry_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

func TestWhatCouldNotBeWrittenIsWrittenLater(t *testing.T) {
	for name, later := range map[string]func(t *testing.T, b *bench){
		"after a while": func(*testing.T, *bench) { time.Sleep(10 * time.Second) },
		"with the next list of another service": func(t *testing.T, b *bench) {
			if _, err := b.First(t.Context(), registry.Service{Name: "other"}); err != nil {
				t.Fatal(err)
			}
		},
		"at the end": func(_ *testing.T, b *bench) { _ = b.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := filepath.Join(t.TempDir(), "lists")
				if err := os.WriteFile(dir, nil, 0o600); err != nil { // in the way
					t.Fatal(err)
				}
				servers := registrytest.NewMemory()
				b := newBench(t, servers, dir)
				push(servers, "a:1")
				b.subscribe(t).settled()
				if err := os.Remove(dir); err != nil {
					t.Fatal(err)
				}
				later(t, b)
				synctest.Wait()
				wantOnDisk(t, dir, "a:1")
			})
		})
	}
}

func TestVanishedFileIsWrittenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "lists")
		servers := registrytest.NewMemory()
		b := newBench(t, servers, dir)
		push(servers, "a:1")
		b.subscribe(t).settled()
		if err := os.RemoveAll(dir); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		wantOnDisk(t, dir, "a:1")
		wantReported(t, b)
	})
}

// wantOnDisk asks a Keeper on dir that no server answers.
func wantOnDisk(t *testing.T, dir string, addrs ...string) registry.Snapshot {
	t.Helper()
	down := registrytest.NewMemory()
	down.Fail(errors.New("cable cut"))
	got, err := newBench(t, down, dir).First(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	wantList(t, got, registry.SourceDisk, addrs...)
	return got
}

func TestAgeOnDiskIsThatOfTheLastConfirmation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		servers := registrytest.NewMemory()
		b := newBench(t, servers, dir)
		push(servers, "a:1")
		s := b.subscribe(t)
		s.settled()
		file := listFile(t, dir)
		before, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			time.Sleep(time.Hour)
			push(servers, "a:1")
			s.settled()
		}
		if after, err := os.Stat(file); err != nil || !os.SameFile(before, after) {
			t.Errorf("the file was written for a mere confirmation (%v)", err)
		}
		time.Sleep(time.Minute)
		servers.Fail(errors.New("cable cut"))
		s.settled()
		_ = b.Close()
		if got := wantOnDisk(t, dir, "a:1"); time.Since(got.At) != time.Minute {
			t.Errorf("age %s, want a minute", time.Since(got.At))
		}
	})
}
