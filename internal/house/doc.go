// Package house holds the tests that keep the repository in order: which
// package may import which, and that the workspace lists every module.
package house
