//go:build !linux

package pool

// yield would let another thread run that waits for this one's core.
func yield() {}

// cpu would be the number of the core that the calling thread is on.
func cpu() int { return -1 }

// leaveCore would move the calling thread away from the given core.
func leaveCore(int) {}
