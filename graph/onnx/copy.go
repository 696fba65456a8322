package onnx

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"github.com/onnxloss/onnxloss/graph"
)

// Copying. Every byte is read once, in blocks that pass through three stages, each
// on a goroutine of its own: it is read, written and digested. Two cores so take
// little longer than cp, which does the first two on one. (copy_file_range is no
// faster: what is digested must be read in any case, and it is slow where source
// and target lie differently in their pages, as they do behind anything inserted.)
// What is written starts on its way to the disk at once, so that the sync before
// the file gets its name waits for the last of it alone.

// block is how much is read at a time: it stays in a core's cache from stage to
// stage. Blocks are written at multiples of it, which the page cache keeps in few
// large pieces. Of 64 KiB to 1 MiB, this is the fastest.
const block = 256 << 10

// directSize is the length from which on an extent is copied in blocks.
const directSize = 256 << 10

// writebackStep is how much is written before the disk is told.
const writebackStep = 16 << 20

// stages is how many blocks are under way at most.
const stages = 8

// chunk is a block, or part of one, with its offset in the source.
type chunk struct {
	at   int64
	b    []byte
	room []byte // that b lies in
}

// taker is the last stage of copying: it is given what was read, in order.
type taker struct {
	free chan []byte
	full chan chunk
	done chan struct{}
	made int
}

func newTaker(take func(at int64, b []byte)) *taker {
	t := &taker{free: make(chan []byte, stages), full: make(chan chunk, stages), done: make(chan struct{})}
	go func() {
		defer close(t.done)
		for c := range t.full {
			if take != nil {
				take(c.at, c.b)
			}
			t.free <- c.room
		}
	}()
	return t
}

// room is the memory of a block.
func (t *taker) room() []byte {
	if t.made < stages {
		select {
		case b := <-t.free:
			return b
		default:
			t.made++
			return make([]byte, block)
		}
	}
	return <-t.free
}

// finish waits until all that was given has been taken.
func (t *taker) finish() {
	close(t.full)
	<-t.done
}

// read gives t the bytes of e that lie in src.
func (t *taker) read(ctx context.Context, src io.ReaderAt, e graph.Extent) error {
	for at, end := e.Off, e.Off+e.Len; at < end; {
		c, err := t.next(ctx, src, at, min(end-at, block))
		if err != nil {
			return err
		}
		t.full <- c
		at += int64(len(c.b))
	}
	return nil
}

// next reads n bytes at offset at.
func (t *taker) next(ctx context.Context, src io.ReaderAt, at, n int64) (chunk, error) {
	if err := ctx.Err(); err != nil {
		return chunk{}, err
	}
	room := t.room()
	if k, err := src.ReadAt(room[:n], at); int64(k) < n {
		t.free <- room
		return chunk{}, short(err)
	}
	return chunk{at, room[:n], room}, nil
}

// copy copies e from src to offset to of a file, and takes what lies from offset
// after on. It fails if src has less.
func (t *taker) copy(ctx context.Context, f *os.File, to int64, src io.ReaderAt, e graph.Extent, after int64) error {
	written, done := make(chan chunk, stages), make(chan struct{})
	var failed atomic.Pointer[error]
	go func() {
		defer close(done)
		begun := to
		for c := range written {
			if failed.Load() == nil {
				if _, err := f.WriteAt(c.b, to+c.at-e.Off); err != nil {
					failed.Store(&err)
				}
			}
			if now := to + c.at - e.Off + int64(len(c.b)); now-begun >= writebackStep {
				startWriteback(f, begun, now-begun)
				begun = now
			}
			if skip := max(after-c.at, 0); skip < int64(len(c.b)) {
				t.full <- chunk{c.at + skip, c.b[skip:], c.room}
			} else {
				t.free <- c.room
			}
		}
	}()
	var err error
	for at, end := e.Off, e.Off+e.Len; at < end && err == nil && failed.Load() == nil; {
		var c chunk
		if c, err = t.next(ctx, src, at, min(end-at, block-(to+at-e.Off)%block)); err == nil {
			written <- c
			at += int64(len(c.b))
		}
	}
	close(written)
	<-done
	if first := failed.Load(); first != nil {
		return *first
	}
	return err
}

// short is the error of reading less than there was.
func short(err error) error {
	if err == nil || err == io.EOF {
		err = fmt.Errorf("the input was truncated while being read: %w", io.ErrUnexpectedEOF)
	}
	return err
}
