//go:build pin

// Package pin keeps the split genproto module in the module graph: go-kit's
// requirements name the unsplit one of 2021, and both together are ambiguous.
package pin

import _ "google.golang.org/genproto/googleapis/type/date"
