package kernel

import (
	"math/bits"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"unsafe"
)

// shelves hold freed blocks by their class. A block that nobody takes between one
// garbage collection and the next but one is freed. A sync.Pool would offer what one core
// freed to that core first, and make new blocks for the others.
var shelves struct {
	sync.Mutex
	of      [4*48 + spare][]*block
	epoch   int  // collections so far
	watched bool // tidy is called after the next one
}

// block is memory of a class.
type block struct {
	words []uint64
	class int
	epoch int // when it was freed
}

// scratch is a slice lent from a shelf. Its contents are arbitrary.
// T holds no pointers.
type scratch[T any] struct {
	s []T
	b *block
}

// classOf returns the least class of at least so many words, and the words of its blocks:
// there are four classes between powers of two.
func classOf(words int) (class, size int) {
	words = max(words, 64)
	shift := bits.Len(uint(words-1)) - 3
	quarters := (words + 1<<shift - 1) >> shift // 5 to 8
	return 4*shift + quarters - 5, quarters << shift
}

// spare is how many classes up a block is looked for: up to eight times as large
// as is wanted.
const spare = 12

// made is the bytes of all blocks.
var made atomic.Int64

// Scratch returns the bytes of memory that kernels have for intermediate results, in use or
// kept for the next.
func Scratch() int64 { return made.Load() }

// DropScratch frees the blocks that are not in use.
func DropScratch() {
	shelves.Lock()
	defer shelves.Unlock()
	for class, shelf := range shelves.of {
		giveUp(shelf)
		shelves.of[class] = nil
	}
}

func giveUp(blocks []*block) {
	for _, b := range blocks {
		made.Add(-8 * int64(len(b.words)))
	}
}

// borrow lends n elements until free is called.
func borrow[T any](n int) scratch[T] {
	var zero T
	class, size := classOf((n*int(unsafe.Sizeof(zero)) + 7) / 8)
	shelves.Lock()
	var b *block
	for k := class; k <= class+spare && b == nil; k++ {
		if shelf := shelves.of[k]; len(shelf) > 0 {
			b = shelf[len(shelf)-1]
			shelves.of[k] = shelf[:len(shelf)-1]
		}
	}
	shelves.Unlock()
	if b == nil {
		b = &block{words: make([]uint64, size), class: class}
		made.Add(8 * int64(size))
	}
	return scratch[T]{s: unsafe.Slice((*T)(unsafe.Pointer(unsafe.SliceData(b.words))), n), b: b}
}

// free returns the elements to their shelf; s must not be used after it.
func (s scratch[T]) free() {
	shelves.Lock()
	defer shelves.Unlock()
	s.b.epoch = shelves.epoch
	shelves.of[s.b.class] = append(shelves.of[s.b.class], s.b)
	watch()
}

// watch has tidy called after the next collection of garbage.
func watch() {
	if !shelves.watched {
		shelves.watched = true
		runtime.AddCleanup(new([16]uint64), func(struct{}) { tidy() }, struct{}{})
	}
}

// tidy frees the blocks that nobody has taken between two collections.
func tidy() {
	shelves.Lock()
	defer shelves.Unlock()
	shelves.epoch++
	shelves.watched = false
	for class, shelf := range shelves.of {
		old := 0 // those freed first lie in front
		for old < len(shelf) && shelf[old].epoch < shelves.epoch-1 {
			old++
		}
		if old > 0 {
			giveUp(shelf[:old])
			shelves.of[class] = slices.Clone(shelf[old:])
		}
		if len(shelf) > old {
			watch()
		}
	}
}
