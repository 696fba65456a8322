//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package draft

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// renamesOpen reports whether an open file can be renamed.
const renamesOpen = true

// lock takes a lock on f, or changes the one that there is. It reports false if
// another process has one that excludes it, and an error if there are no locks.
func lock(f *os.File, exclusive bool) (bool, error) {
	how := syscall.LOCK_SH
	if exclusive {
		how = syscall.LOCK_EX
	}
	for {
		err := syscall.Flock(int(f.Fd()), how|syscall.LOCK_NB)
		switch {
		case err == nil:
			return true, nil
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		case !errors.Is(err, syscall.EINTR):
			return false, err
		}
	}
}

// links is how many names a file has, and whether it belongs to this user.
func links(info fs.FileInfo) (n int, mine bool) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, false
	}
	return int(st.Nlink), int(st.Uid) == os.Geteuid()
}
