package resolver

import "testing"

// Between finding a bound and holding it, others may have let go of it.
func TestClosedBoundCannotBeHeld(t *testing.T) {
	closes := 0
	b := &bound{client: &Client{resolver: &Resolver{}}, closer: closeFunc(func() error { closes++; return nil })}
	b.holds.Store(1)
	if !b.hold() || b.release() != nil || closes != 0 {
		t.Fatal("held, and closed nevertheless")
	}
	if b.release() != nil || closes != 1 || b.hold() {
		t.Fatal("closed, and held nevertheless")
	}
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }
