package registry_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-go/holdfast/event"
	"github.com/holdfast-go/holdfast/registry"
	"github.com/holdfast-go/holdfast/registry/registrytest"
)

// earlier leaves what a Keeper that was told these lists, one after the other, leaves in dir.
func earlier(t *testing.T, dir string, lists ...[]string) {
	t.Helper()
	servers := registrytest.NewMemory()
	b := newBench(t, servers, dir)
	s := b.subscribe(t)
	for _, addrs := range lists {
		push(servers, addrs...)
		s.settled()
		time.Sleep(time.Hour) // empty lists are believed
	}
	_ = b.Close()
}

func listFile(t *testing.T, dir string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.list"))
	if err != nil || len(found) != 1 {
		t.Fatalf("files %q, %v, want one", found, err)
	}
	return found[0]
}

func damage(t *testing.T, path string) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data[:len(data)-10], 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestDiskServesUntilAServerAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "made", "on", "demand")
		earlier(t, dir, []string{"a:1", "b:1"})
		servers := registrytest.NewMemory()
		servers.Fail(errors.New("cable cut"))
		b := newBench(t, servers, dir)
		begin := time.Now()
		got, err := b.First(t.Context(), orders)
		if err != nil || time.Since(begin) != 0 {
			t.Fatalf("%v after %s", err, time.Since(begin))
		}
		wantList(t, got, registry.SourceDisk, "a:1", "b:1")
		if age := time.Since(got.At); age != time.Hour {
			t.Errorf("age %s, want that of the push: 1h", age)
		}
		s := b.subscribe(t)
		if s.last(t).Err == nil {
			t.Error("no error while no server answers")
		}
		push(servers, "a:1", "b:1")
		servers.Fail(nil)
		confirmed := s.last(t)
		wantList(t, confirmed, registry.SourcePush, "a:1", "b:1")
		if confirmed.Err != nil || confirmed.Revision <= got.Revision {
			t.Errorf("confirmed as %+v", confirmed)
		}
	})
}

func TestEmptyListAfterDiskIsHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		earlier(t, dir, []string{"a:1"})
		b := newBench(t, registrytest.NewMemory(), dir)
		s := b.subscribe(t)
		held := s.last(t)
		wantList(t, held, registry.SourceDisk, "a:1")
		if !errors.Is(held.Err, registry.ErrHeld) {
			t.Errorf("Err is %v, want ErrHeld", held.Err)
		}
		time.Sleep(30 * time.Second)
		wantList(t, s.last(t), registry.SourcePush)
	})
}

func TestFirstDoesNotTrustAnEmptyListFromDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		earlier(t, dir, []string{"a:1"}, nil)
		watcher := &silent{}
		k := registry.NewKeeper(watcher, registry.KeeperConfig{Disk: registry.Disk{Dir: dir}})
		t.Cleanup(func() { _ = k.Close() })
		time.AfterFunc(time.Second, func() { watcher.say(registry.Snapshot{Source: registry.SourcePush, Instances: instances("b:1")}) })
		got, err := k.First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourcePush, "b:1")

		servers := registrytest.NewMemory()
		_ = k.Close()
		earlier(t, dir, []string{"a:1"}, nil)
		servers.Fail(errors.New("cable cut"))
		got, err = newBench(t, servers, dir).First(t.Context(), orders)
		if err != nil || got.Err == nil {
			t.Fatalf("got %+v, %v, want the empty list with the error", got, err)
		}
		wantList(t, got, registry.SourceDisk)
	})
}

func TestDamagedFileGivesWayToThePreviousOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		earlier(t, dir, []string{"a:1"}, []string{"b:1"})
		path := listFile(t, dir)
		damage(t, path)
		servers := registrytest.NewMemory()
		servers.Fail(errors.New("cable cut"))
		b := newBench(t, servers, dir)
		got, err := b.First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourceDisk, "a:1")
		events := b.reported()
		if len(events) != 1 {
			t.Fatalf("reported %+v, want the damaged file", events)
		}
		if e, ok := events[0].(event.DiskFailed); !ok || e.Path != path || e.Cause == nil {
			t.Errorf("reported %+v, want %s", events[0], path)
		}

		// The damaged file must not become the previous generation.
		push(servers, "c:1")
		servers.Fail(nil)
		time.Sleep(15 * time.Second) // a:1 might have come back
		wantList(t, b.subscribe(t).last(t), registry.SourcePush, "c:1")
		_ = b.Close()
		damage(t, path)
		again := registrytest.NewMemory()
		again.Fail(errors.New("cable cut"))
		got, err = newBench(t, again, dir).First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourceDisk, "a:1")
	})
}

func TestTwoDamagedFilesAreSkipped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		earlier(t, dir, []string{"a:1"}, []string{"b:1"})
		damage(t, listFile(t, dir))
		damage(t, listFile(t, dir)+".prev")
		servers := registrytest.NewMemory()
		servers.Fail(errors.New("cable cut"))
		b := newBench(t, servers, dir)
		if _, err := b.First(t.Context(), orders); !errors.Is(err, registry.ErrUnavailable) {
			t.Errorf("First: %v, want ErrUnavailable", err)
		}
		if n := len(b.reported()); n != 2 {
			t.Errorf("%d reports, want one for each file", n)
		}
	})
}

func TestUnusableFolderIsReportedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		servers := registrytest.NewMemory()
		b := newBench(t, servers, filepath.Join(file, "folder"))
		s := b.subscribe(t)
		for _, addr := range []string{"a:1", "b:1", "c:1"} {
			push(servers, addr)
			wantList(t, s.last(t), registry.SourcePush, addr)
		}
		_ = b.Close()
		if events := b.reported(); len(events) != 1 {
			t.Errorf("reported %+v, want it once", events)
		}
	})
}

func TestTwoKeepersShareAFolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		servers := registrytest.NewMemory()
		old, young := newBench(t, servers, dir), newBench(t, servers, dir)
		old.subscribe(t)
		young.subscribe(t)
		for range 20 {
			push(servers, "a:1")
			push(servers, "b:1")
		}
		push(servers, "c:1")
		synctest.Wait()
		_ = old.Close()
		_ = young.Close()
		if events := append(old.reported(), young.reported()...); len(events) != 0 {
			t.Errorf("reported %+v", events)
		}
		down := registrytest.NewMemory()
		down.Fail(errors.New("cable cut"))
		got, err := newBench(t, down, dir).First(t.Context(), orders)
		if err != nil {
			t.Fatal(err)
		}
		wantList(t, got, registry.SourceDisk, "c:1")
	})
}

func TestFilesArePrivateAndNothingElseIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "lists")
		earlier(t, dir, []string{"a:1"}, []string{"b:1"})
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != 2 {
			t.Fatalf("%v, %v, want a file and its previous generation", entries, err)
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Mode() != 0o600 || !strings.HasPrefix(entry.Name(), "orders-") {
				t.Errorf("%s has mode %v", entry.Name(), info.Mode())
			}
		}
		if info, err := os.Stat(dir); err != nil || info.Mode() != fs.ModeDir|0o700 {
			t.Errorf("folder: %v, %v", info.Mode(), err)
		}
	})
}

func TestServicesOfOneNameDoNotShareAFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := t.TempDir()
		services := []registry.Service{
			orders, {Namespace: "test", Name: "orders"}, {Group: "test", Name: "orders"}, {Name: "Orders"},
			{Name: "a/b:$#"}, {Name: "a:b/$#"}, {Name: strings.Repeat("long", 100)},
		}
		servers := registrytest.NewMemory()
		b := newBench(t, servers, dir)
		for _, service := range services {
			servers.Push(registry.Snapshot{Service: service, Instances: instances(service.WithDefaults().Namespace + ":1")})
			if _, err := b.First(t.Context(), service); err != nil {
				t.Fatal(err)
			}
		}
		_ = b.Close()
		if found, err := filepath.Glob(filepath.Join(dir, "*.list")); err != nil || len(found) != len(services) {
			t.Errorf("%d files, %v, want %d", len(found), err, len(services))
		}
		down := registrytest.NewMemory()
		down.Fail(errors.New("cable cut"))
		after := newBench(t, down, dir)
		for _, service := range services {
			got, err := after.First(t.Context(), service)
			if err != nil {
				t.Fatal(err)
			}
			wantList(t, got, registry.SourceDisk, service.WithDefaults().Namespace+":1")
		}
		if n := len(after.Snapshots()); n != len(services) {
			t.Errorf("%d snapshots, want %d", n, len(services))
		}
	})
}
