package registry

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/holdfast-go/holdfast/event"
)

const (
	previousSuffix = ".prev"
	maxReadable    = 60 // characters of the service's name in that of its file
)

// disk keeps one file for each service in a folder. Lists are written by one goroutine that lives while there are any;
// one that could not be written before the next came is skipped.
type disk struct {
	dir      string
	observer event.Observer

	idle    sync.WaitGroup
	mu      sync.Mutex
	waiting map[Service]Snapshot
	writing bool
	failing bool // a fault of the folder has been reported and nothing was written since
}

func newDisk(dir string, observer event.Observer) *disk {
	if dir == "" {
		dir = DefaultDiskDir()
	}
	return &disk{dir: dir, observer: observer, waiting: map[Service]Snapshot{}}
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
			d.failed(err)
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
	d.waiting[s.Service] = s
	if !d.writing {
		d.writing = true
		d.idle.Go(d.write)
	}
}

// flush returns when everything is written or has failed.
func (d *disk) flush() { d.idle.Wait() }

func (d *disk) write() {
	for {
		batch := d.take()
		if batch == nil {
			return
		}
		for _, s := range batch {
			if err := writeGeneration(d.path(s.Service), s); err != nil {
				d.failed(err)
			} else {
				d.recovered()
			}
		}
	}
}

func (d *disk) take() map[Service]Snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.waiting) == 0 {
		d.writing = false
		return nil
	}
	batch := d.waiting
	d.waiting = map[Service]Snapshot{}
	return batch
}

// failed reports a fault of the folder once, until something can be written again.
func (d *disk) failed(cause error) {
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
