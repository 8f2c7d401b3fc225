package house

import (
	"io/fs"
	"path/filepath"
	"strings"
	"testing"
)

const root = "../.."

// visit calls fn with the slash-separated path, relative to the root, of each
// file of the repository.
func visit(t *testing.T, fn func(file string)) {
	t.Helper()
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		hidden := file != root && strings.HasPrefix(entry.Name(), ".")
		if entry.IsDir() {
			if hidden || entry.Name() == "testdata" {
				return fs.SkipDir
			}
			return nil
		}
		relative, err := filepath.Rel(root, file)
		if err == nil {
			fn(filepath.ToSlash(relative))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
