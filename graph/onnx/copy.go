package onnx

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"

	"github.com/onnxloss/onnxloss/graph"
)

// Copying. The bytes of large extents never pass through this program: they go
// from file to file within the kernel (copy_file_range on Linux), in steps
// between which an interrupt is seen. Each step is started on its way to the disk
// at once, so that the sync before the file gets its name waits for the last of
// them alone. Digests are taken beside, on another core: see Digest.

// directSize is the length from which on an extent is worth a copy of its own.
const directSize = 256 << 10

// copyStep is how much is copied between looks at the context: some
// milliseconds from memory, and less than 200 ms from a disk of 100 MB/s.
const copyStep = 16 << 20

// seeking guards the offset of files that are copied from.
var seeking sync.Mutex

// copyExtent copies e from src to w, and fails if src has less. If both are
// files, the bytes go to w's offset.
func copyExtent(ctx context.Context, w io.Writer, src io.ReaderAt, e graph.Extent) (done int64, err error) {
	to, ok := w.(*os.File)
	from, ok2 := src.(*os.File)
	for done < e.Len {
		if err := ctx.Err(); err != nil {
			return done, err
		}
		step := graph.Extent{Off: e.Off + done, Len: min(copyStep, e.Len-done)}
		var n int64
		if ok && ok2 {
			n, err = copyFile(to, from, step)
		} else {
			n, err = io.Copy(w, io.NewSectionReader(src, step.Off, step.Len))
		}
		done += n
		if n < step.Len {
			return done, short(err)
		}
	}
	return done, nil
}

// short is the error of reading less than there was.
func short(err error) error {
	if err == nil || err == io.EOF {
		err = fmt.Errorf("the input became shorter while it was read: %w", io.ErrUnexpectedEOF)
	}
	return err
}

// copyFile copies e from one file to the offset of another, and has it written
// to the disk from then on.
func copyFile(to, from *os.File, e graph.Extent) (int64, error) {
	seeking.Lock()
	defer seeking.Unlock()
	if _, err := from.Seek(e.Off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := to.ReadFrom(&io.LimitedReader{R: from, N: e.Len})
	if end, serr := to.Seek(0, io.SeekCurrent); serr == nil {
		startWriteback(to, end-n, n)
	}
	return n, err
}
