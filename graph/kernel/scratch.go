package kernel

import (
	"math/bits"
	"sync"
	"unsafe"
)

// scratchPools holds freed blocks, one pool for each power of two of words.
var scratchPools [48]sync.Pool

// scratch is a slice lent from the pool. Its contents are arbitrary.
// T holds no pointers.
type scratch[T any] struct {
	s     []T
	words *[]uint64
	class int
}

// borrow lends n elements until free is called.
func borrow[T any](n int) scratch[T] {
	var zero T
	words := (n*int(unsafe.Sizeof(zero)) + 7) / 8
	class := bits.Len(uint(max(words, 64) - 1))
	w, _ := scratchPools[class].Get().(*[]uint64)
	if w == nil {
		block := make([]uint64, 1<<class)
		w = &block
	}
	p := (*T)(unsafe.Pointer(unsafe.SliceData(*w)))
	return scratch[T]{s: unsafe.Slice(p, n), words: w, class: class}
}

// free gives the elements back; s must not be used after it.
func (b scratch[T]) free() { scratchPools[b.class].Put(b.words) }
