package registry

import (
	"context"
	"errors"
)

// The errors that callers of a registry test for.
var (
	// ErrUnavailable: no server could be asked. What was declared stays declared and is done when one can.
	ErrUnavailable = errors.New("registry: no server available")
	// ErrNotFound: the servers answered that there is no such thing.
	ErrNotFound = errors.New("registry: not found")
	// ErrRefused: a server answered and refused this request. Asking again will not help.
	ErrRefused = errors.New("registry: refused")
	// ErrClosed: the registry has been closed.
	ErrClosed = errors.New("registry: closed")
)

// Registrar declares instances. Its methods may be called by many goroutines at once.
type Registrar interface {
	// Register declares that i serves s and returns when a server has accepted it. The declaration is kept true, also
	// over an outage, until Deregister: an error that wraps ErrUnavailable (or that of ctx) means "not yet". An invalid or
	// refused declaration is an error and is not kept. Declaring the same address again replaces what was declared.
	Register(ctx context.Context, s Service, i Instance) error
	// Deregister takes the declaration back. It is no error if there is none.
	Deregister(ctx context.Context, s Service, i Instance) error
}

// Watcher follows services. Its method may be called by many goroutines at once.
type Watcher interface {
	// Watch calls fn with the current state, if any is known, and then with each change, in order and one at a time.
	// It returns at once: no server need be available. While none is and nothing is known, fn gets a Snapshot with Err
	// that wraps ErrUnavailable. ctx bounds only the call of Watch itself. fn may be slow; it may skip states but always
	// gets the latest. stop does not wait: one call that is being handed over may still run, none follows it. stop may be
	// called from within fn and again.
	Watch(ctx context.Context, s Service, fn func(Snapshot)) (stop func(), err error)
}

// Configs reads and writes configuration documents. Its methods may be called by many goroutines at once.
type Configs interface {
	// Read asks a server. The error wraps ErrNotFound when there is no such document.
	Read(ctx context.Context, k ConfigKey) (Document, error)
	// Publish writes d.Content under d.Key.
	Publish(ctx context.Context, d Document) error
	// Listen calls fn with the current value and then with each change, in order and one at a time; with ErrNotFound when
	// the document does not exist or was removed. It returns at once. fn may be slow; it may skip values but always gets
	// the latest. stop is as for Watch.
	Listen(ctx context.Context, k ConfigKey, fn func(Document, error)) (stop func(), err error)
}

// Document is a configuration document.
type Document struct {
	Key     ConfigKey
	Content string
	MD5     string // of Content, in hexadecimal; empty when publishing
}
