package fallback

// Refreshing returns the number of keys that are known to fail.
func (f *Fallback) Refreshing() int {
	f.refreshes.mu.Lock()
	defer f.refreshes.mu.Unlock()
	return len(f.refreshes.keys)
}

// Removed returns the number of removals that are remembered.
func (f *Fallback) Removed() int {
	f.removals.mu.Lock()
	defer f.removals.mu.Unlock()
	return len(f.removals.at)
}
