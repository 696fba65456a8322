package onnx

import (
	"os"

	"golang.org/x/sys/unix"
)

// startWriteback has n bytes of f at off written to the disk, and does not wait
// for it. Where that cannot be done, they are written when f is synced.
func startWriteback(f *os.File, off, n int64) {
	unix.SyncFileRange(int(f.Fd()), off, n, unix.SYNC_FILE_RANGE_WRITE)
}
