// Package bench measures Holdfast beside its alternatives, in one run on one machine:
//
//	cd bench && go test -bench . -benchmem
//
// Compare figures within a run only. The module is outside the workspace, so that the alternatives' dependencies do not
// reach Holdfast's.
package bench
