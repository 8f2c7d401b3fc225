package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-go/holdfast/event"
)

const (
	previousSuffix = ".prev"
	maxReadable    = 60               // characters of the service's name in that of its file
	mendEvery      = 10 * time.Second // at most; jittered down to half of it
)

// disk keeps one file for each service in a folder. Lists are written by one goroutine that lives while there are any;
// one that could not be written before the next came is skipped. What could not be written and what has vanished is
// written again after a while.
type disk struct {
	dir      string
	observer event.Observer

	ctx    context.Context // ends with close
	cancel context.CancelFunc
	work   sync.WaitGroup

	mu      sync.Mutex
	lists   map[Service]Snapshot // what the files shall hold
	waiting map[Service]bool     // to be written now
	lost    map[Service]bool     // to be written again
	writing bool
	failing bool // a fault of the folder has been reported and nothing was written since
}

func newDisk(dir string, observer event.Observer) *disk {
	if dir == "" {
		dir = DefaultDiskDir()
	}
	d := &disk{dir: dir, observer: observer, lists: map[Service]Snapshot{}, waiting: map[Service]bool{}, lost: map[Service]bool{}}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	return d
}

// DefaultDiskDir is "holdfast" in os.UserCacheDir, or in os.TempDir where there is none.
func DefaultDiskDir() string {
	parent, err := os.UserCacheDir()
	if err != nil {
		parent = os.TempDir()
	}
	return filepath.Join(parent, "holdfast")
}

// path names the file of s: readable, and different for every service also where case does not count.
func (d *disk) path(s Service) string {
	readable := strings.Map(func(r rune) rune {
		if strings.ContainsRune("/:$#", r) {
			return '_'
		}
		return r
	}, s.String())
	if len(readable) > maxReadable {
		readable = readable[:maxReadable]
	}
	sum := sha256.Sum256([]byte(s.Namespace + "\x00" + s.Group + "\x00" + s.Name))
	return filepath.Join(d.dir, readable+"-"+hex.EncodeToString(sum[:8])+".list")
}

// load returns the last list of s, or the one before it if that is damaged.
func (d *disk) load(s Service) (Snapshot, bool) {
	current := d.path(s)
	for _, path := range []string{current, current + previousSuffix} {
		data, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			d.report(err)
			continue
		}
		list, err := decodeSnapshot(data, s)
		if err == nil {
			return list, true
		}
		d.observer.Observe(event.DiskFailed{Path: path, Cause: err})
	}
	return Snapshot{}, false
}

// store has s written soon and returns at once.
func (d *disk) store(s Snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.lists) == 0 {
		d.work.Go(d.mend)
	}
	d.lists[s.Service] = s
	d.waiting[s.Service] = true
	d.begin()
}

// begin is called with mu held.
func (d *disk) begin() {
	maps.Copy(d.waiting, d.lost)
	clear(d.lost)
	if !d.writing && len(d.waiting) > 0 {
		d.writing = true
		d.work.Go(d.write)
	}
}

// close returns when everything is written or has failed once more.
func (d *disk) close() {
	d.cancel()
	d.work.Wait()
	d.mu.Lock()
	d.begin()
	d.mu.Unlock()
	d.work.Wait()
}

// mend looks for what is to be written again until close.
func (d *disk) mend() {
	for {
		select {
		case <-d.ctx.Done():
			return
		case <-time.After(mendEvery/2 + rand.N(mendEvery/2)):
		}
		vanished := d.vanished()
		d.mu.Lock()
		for _, s := range vanished {
			d.lost[s] = true
		}
		d.begin()
		d.mu.Unlock()
	}
}

func (d *disk) vanished() []Service {
	d.mu.Lock()
	services := slices.Collect(maps.Keys(d.lists))
	if d.writing {
		services = nil // a file that is being replaced is not there for a moment
	}
	d.mu.Unlock()
	return slices.DeleteFunc(services, func(s Service) bool {
		_, err := os.Stat(d.path(s))
		return !errors.Is(err, fs.ErrNotExist)
	})
}

func (d *disk) write() {
	for {
		batch := d.take()
		if batch == nil {
			return
		}
		for _, s := range batch {
			if err := writeGeneration(d.path(s.Service), s); err != nil {
				d.failed(s.Service, err)
			} else {
				d.recovered()
			}
		}
	}
}

func (d *disk) take() (batch []Snapshot) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for s := range d.waiting {
		batch = append(batch, d.lists[s])
	}
	clear(d.waiting)
	d.writing = batch != nil
	return batch
}

// failed has the list of s written again.
func (d *disk) failed(s Service, cause error) {
	d.mu.Lock()
	d.lost[s] = true
	d.mu.Unlock()
	d.report(cause)
}

// report tells of a fault of the folder once, until something can be written again.
func (d *disk) report(cause error) {
	d.mu.Lock()
	known := d.failing
	d.failing = true
	d.mu.Unlock()
	if !known {
		d.observer.Observe(event.DiskFailed{Path: d.dir, Cause: cause})
	}
}

func (d *disk) recovered() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.failing = false
}

// writeGeneration makes s the content of path and what was there the previous generation. At every moment one of the two
// is whole, whatever ends the process or the machine.
func writeGeneration(path string, s Snapshot) error {
	data, err := encodeSnapshot(s)
	if err != nil {
		return err
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	temporary, err := writeTemporary(dir, filepath.Base(path), data)
	if err != nil {
		return err
	}
	if err := keepPrevious(path, s.Service); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	if err := os.Rename(temporary, path); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return syncDir(dir)
}

// writeTemporary writes data to a new file, readable by its owner alone, and returns its name once it is on the disk.
func writeTemporary(dir, name string, data []byte) (string, error) {
	f, err := os.CreateTemp(dir, name+".*.tmp")
	if err != nil {
		return "", err
	}
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// keepPrevious moves the file at path aside, unless it is damaged: it must not replace a whole one.
func keepPrevious(path string, s Service) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if _, damaged := decodeSnapshot(data, s); damaged != nil {
		return nil
	}
	if err := os.Rename(path, path+previousSuffix); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil // another process has just done it
}

// syncDir makes renames in dir last. Not every file system can do that, and the files are whole without it.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = f.Sync()
	return f.Close()
}
