package house

import (
	"encoding/json"
	"os/exec"
	"path"
	"slices"
	"testing"
)

// apart are the modules with a workspace of their own, so that what they
// require does not raise the versions that the library is tested with.
var apart = []string{"bench", "tools"}

func TestWorkspaceListsEveryModule(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), "go", "work", "edit", "-json", root+"/go.work").Output()
	if err != nil {
		t.Fatal(err)
	}
	var workspace struct{ Use []struct{ DiskPath string } }
	if err := json.Unmarshal(output, &workspace); err != nil {
		t.Fatal(err)
	}
	var listed []string
	for _, use := range workspace.Use {
		listed = append(listed, path.Clean(use.DiskPath))
	}

	modules := 0
	visit(t, func(file string) {
		folder := path.Dir(file)
		if path.Base(file) != "go.mod" || slices.Contains(apart, folder) {
			return
		}
		modules++
		if !slices.Contains(listed, folder) {
			t.Errorf("go.work does not list %s: `go test work` leaves its tests out", folder)
		}
	})
	if modules != len(listed) {
		t.Errorf("found %d modules, go.work lists %v", modules, listed)
	}
}
