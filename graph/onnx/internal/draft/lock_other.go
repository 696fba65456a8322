//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package draft

import (
	"errors"
	"io/fs"
	"os"
)

const renamesOpen = false

func lock(*os.File, bool) (bool, error) { return false, errors.ErrUnsupported }

func links(fs.FileInfo) (n int, mine bool) { return 0, true }
