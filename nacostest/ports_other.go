//go:build !unix

package nacostest

// holdPort holds nothing here.
func holdPort(int) (letGo func()) { return nil }
