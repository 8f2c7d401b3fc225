package holdfast

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-go/holdfast/registry"
)

func TestEachNacosHasAFolderOfItsOwnByDefault(t *testing.T) {
	dir := func(servers ...string) string {
		return Nacos{Connection: registry.Connection{Servers: servers}}.keeperConfig(false).Disk.Dir
	}
	live, test := dir("n1", "n2"), dir("127.0.0.1")
	if live == test || live != dir("n2", "n1") {
		t.Errorf("n1,n2 in %s, n2,n1 in %s, 127.0.0.1 in %s", live, dir("n2", "n1"), test)
	}
	if filepath.Dir(live) != registry.DefaultDiskDir() || strings.ContainsAny(filepath.Base(live), ":,/") {
		t.Errorf("the folder is %s", live)
	}
	named := Nacos{Connection: registry.Connection{Servers: []string{"n1"}}}
	named.Disk.Dir = "/var/lib/holdfast"
	if got := named.keeperConfig(true).Disk.Dir; got != named.Disk.Dir {
		t.Errorf("the named folder became %s", got)
	}
}
