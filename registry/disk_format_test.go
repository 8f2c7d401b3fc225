package registry

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

var stored = Snapshot{
	Service: Service{Name: "orders"}.WithDefaults(),
	Source:  SourceDisk,
	At:      time.Date(2026, 2, 3, 4, 5, 6, 7, time.UTC),
	Node:    "10.0.0.1:8848",
	Instances: []Instance{
		{Addr: "10.0.0.7:8080", Cluster: "blue", Weight: 2.5, Metadata: map[string]string{"zone": "ü"}},
		{Addr: "10.0.0.8:8080", Cluster: "blue", Disabled: true, Unhealthy: true, Persistent: true},
	},
}

func TestStoredListIsReadBack(t *testing.T) {
	data, err := encodeSnapshot(stored)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decodeSnapshot(data, stored.Service)
	if err != nil {
		t.Fatal(err)
	}
	if !same(got, stored) || !got.At.Equal(stored.At) || got.Service != stored.Service {
		t.Errorf("got %+v, want %+v", got, stored)
	}
}

func TestDamagedFilesAreRefused(t *testing.T) {
	whole, err := encodeSnapshot(stored)
	if err != nil {
		t.Fatal(err)
	}
	other := stored
	other.Service.Namespace = "other"
	foreign, err := encodeSnapshot(other)
	if err != nil {
		t.Fatal(err)
	}
	body := "no document"
	for name, data := range map[string][]byte{
		"empty":            nil,
		"header only":      whole[:bytes.IndexByte(whole, '\n')],
		"cut off":          whole[:len(whole)-1],
		"longer":           append(bytes.Clone(whole), '\n'),
		"one bit":          append(bytes.Clone(whole[:len(whole)-1]), whole[len(whole)-1]^1),
		"another program":  []byte("<html>\n"),
		"a later version":  []byte(strings.Replace(string(whole), " 1 ", " 2 ", 1)),
		"not JSON":         []byte(diskMagic + " 1 " + checksum([]byte(body)) + "\n" + body),
		"another service":  foreign,
		"all of it zeroed": make([]byte, len(whole)),
	} {
		if got, err := decodeSnapshot(data, stored.Service); err == nil {
			t.Errorf("%s: accepted as %+v", name, got)
		}
	}
}

func FuzzDecodeSnapshot(f *testing.F) {
	whole, err := encodeSnapshot(stored)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add([]byte(diskMagic + " 1 " + checksum([]byte("{}")) + "\n{}"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		// A body that carries the right checksum is the harder half: what is in it may be anything.
		signed := append([]byte(diskMagic+" "+diskVersion+" "+checksum(data)+"\n"), data...)
		if got, err := decodeSnapshot(signed, stored.Service); err == nil {
			if _, err := encodeSnapshot(got); err != nil {
				t.Errorf("accepted, but cannot be stored: %v", err)
			}
		}
		if _, err := decodeSnapshot(data, stored.Service); err != nil {
			return
		}
		header, body, _ := strings.Cut(string(data), "\n")
		if !strings.HasSuffix(header, checksum([]byte(body))) {
			t.Errorf("accepted with a wrong checksum: %q", data)
		}
	})
}
