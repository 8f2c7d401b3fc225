//go:build unix

package nacostest

import "syscall"

// holdPort binds a port of loopback without listening: connections are refused, and nobody else can bind it. It returns
// what lets the port go, or nil where the port cannot be held.
func holdPort(port int) (letGo func()) {
	syscall.ForkLock.RLock() // or a child process could hold the port, too
	socket, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(socket)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil
	}
	reuse := func(on int) error { return syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, on) }
	addr := &syscall.SockaddrInet4{Port: port, Addr: [4]byte{127, 0, 0, 1}}
	// Connections of the port may linger. Afterwards it is not to be shared: listeners of others allow reuse, as Go's do.
	if reuse(1) != nil || syscall.Bind(socket, addr) != nil || reuse(0) != nil {
		_ = syscall.Close(socket)
		return nil
	}
	return func() { _ = syscall.Close(socket) }
}
