package interp

import (
	"fmt"
	"math/bits"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/onnxloss/onnxloss/graph/internal/kernel"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// arena hands out the memory of one run at a time. Memory comes back to it
// when the last slot that holds it is dropped, and is handed out again; what
// escapes to the caller or into a sequence is left to the garbage collector.
type arena struct {
	mu      sync.Mutex
	parent  *arena // what it takes memory from, and gives it back to; nil for the system
	limit   int64
	base    int64 // bytes of constants and of what the run is fed
	free    map[class][]*tensor.Store
	idle    int64         // bytes in free
	live    int64         // bytes handed out
	escaped *atomic.Int64 // by itself, so that what counts it down keeps no arena
	peak    int64         // of held
	leaving bool          // what is handed out will escape: nothing larger than is wanted
	owned   map[*tensor.Store]class
	texts   map[*tensor.Store]int64 // bytes of texts
}

// class is an element type and a capacity in elements.
type class struct {
	d tensor.DType
	n int
}

func newArena(limit, base int64) *arena {
	return &arena{limit: limit, base: base, escaped: new(atomic.Int64), texts: map[*tensor.Store]int64{}, free: map[class][]*tensor.Store{}, owned: map[*tensor.Store]class{}}
}

func (c class) bytes() int64 { return int64(c.n) * int64(c.d.Size()) }

// classOf rounds a size up to one of four steps between powers of two.
func classOf(d tensor.DType, n int) class {
	if n <= 64 {
		return class{d, 64}
	}
	quarter := 1 << max(bits.Len(uint(n-1))-3, 0)
	return class{d, (n + quarter - 1) / quarter * quarter}
}

func (a *arena) alloc(d tensor.DType, shape []int) (*tensor.Tensor, error) {
	if !d.Valid() {
		return nil, fmt.Errorf("no such element type: %v", d)
	}
	n, err := tensor.Count(shape)
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	c, s := a.take(classOf(d, n))
	if s == nil {
		if err := a.room(c.bytes()); err != nil {
			return nil, fmt.Errorf("%v%v: %w", d, shape, err)
		}
		if s, err = a.make(c); err != nil {
			return nil, err
		}
	}
	a.owned[s] = c
	a.live += c.bytes()
	a.peak = max(a.peak, a.live+a.idle+a.escaped.Load())
	return tensor.OnStore(d, shape, s), nil
}

// hold counts memory that a kernel has from elsewhere.
func (a *arena) hold(size int64) (release func(), err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.room(size); err != nil {
		return nil, err
	}
	a.live += size
	a.peak = max(a.peak, a.live+a.idle+a.escaped.Load())
	return func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.live -= size
	}, nil
}

// spare is how many classes up free memory is looked for: up to eight times as
// much as is wanted.
const spare = 12

// take is free memory of class c, or of the next class above it that has any; nil
// and c if there is none.
func (a *arena) take(c class) (class, *tensor.Store) {
	most := spare
	if a.leaving {
		most = 0
	}
	for i, k := 0, c; i <= most && a.idle >= k.bytes(); i, k = i+1, classOf(k.d, k.n+1) {
		if list := a.free[k]; len(list) > 0 {
			s := list[len(list)-1]
			list[len(list)-1] = nil // else what escapes is never let go: its cleanup holds the arena
			a.free[k] = list[:len(list)-1]
			a.idle -= k.bytes()
			return k, s
		}
	}
	return c, nil
}

// held is the bytes that the arena and what escaped from it hold.
func (a *arena) held() int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.live + a.idle + a.escaped.Load()
}

// make is new memory: the system's, or the parent's.
func (a *arena) make(c class) (*tensor.Store, error) {
	if a.parent == nil {
		return tensor.MakeStore(c.d, c.n), nil
	}
	t, err := a.parent.alloc(c.d, []int{c.n})
	if err != nil {
		return nil, err
	}
	return t.Store(), nil
}

// giveBack returns all free memory to the parent.
func (a *arena) giveBack() {
	for c, list := range a.free {
		for _, s := range list {
			a.parent.freeTensor(tensor.OnStore(c.d, []int{c.n}, s))
		}
	}
	clear(a.free)
	a.idle = 0
}

// hand is release for what goes on to another holder, which retains it: its
// memory is not handed out in between.
func (a *arena) hand(t *tensor.Tensor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := t.Store().Root(); s != nil {
		if _, ok := a.owned[s]; ok {
			s.Refs--
		}
	}
}

// room makes sure that size more bytes may be had.
func (a *arena) room(size int64) error {
	inUse := func() int64 { return a.base + a.live + a.idle + a.escaped.Load() + kernel.Scratch() }
	if a.limit <= 0 || inUse()+size <= a.limit {
		return nil
	}
	clear(a.free)
	a.idle = 0
	kernel.DropScratch()
	if inUse()+size <= a.limit {
		return nil
	}
	if left := a.escaped.Load(); left > 0 && inUse()-left+size <= a.limit {
		runtime.GC()
		for range cleanupPatience { // cleanups run beside this
			if inUse()+size <= a.limit {
				return nil
			}
			time.Sleep(time.Millisecond)
		}
	}
	return &limitError{inUse(), size, a.limit}
}

// cleanupPatience is how many milliseconds the runtime has to say what it has collected.
const cleanupPatience = 20

// limitError is ErrMemory with figures in bytes.
type limitError struct{ inUse, wanted, allowed int64 }

func (e *limitError) Error() string {
	return fmt.Sprintf("%v: %d bytes in use, %d more wanted, %d allowed", ErrMemory, e.inUse, e.wanted, e.allowed)
}

func (e *limitError) Unwrap() error { return ErrMemory }

// countTexts counts the texts of t, which an operator has made.
func (a *arena) countTexts(t *tensor.Tensor) error {
	size := textSize(t)
	a.mu.Lock()
	defer a.mu.Unlock()
	s := t.Store().Root()
	if _, ok := a.owned[s]; !ok || a.texts[s] > 0 || size == 0 {
		return nil
	}
	if err := a.room(size); err != nil {
		return err
	}
	a.texts[s] = size
	a.live += size
	a.peak = max(a.peak, a.live+a.idle+a.escaped.Load())
	return nil
}

func (a *arena) retain(t *tensor.Tensor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := t.Store().Root(); s != nil {
		if _, ok := a.owned[s]; ok {
			s.Refs++
		}
	}
}

func (a *arena) release(t *tensor.Tensor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	s := t.Store().Root()
	c, ok := a.owned[s]
	if s == nil || !ok {
		return
	}
	if s.Refs--; s.Refs <= 0 {
		a.recycle(s, c)
	}
}

// free takes back what alloc made and no slot ever held.
func (a *arena) freeTensor(t *tensor.Tensor) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if s := t.Store(); s != nil {
		if c, ok := a.owned[s]; ok && s.Refs == 0 {
			a.recycle(s, c)
		}
	}
}

func (a *arena) recycle(s *tensor.Store, c class) {
	s.Refs = 0
	delete(a.owned, s)
	a.live -= c.bytes() + a.texts[s]
	delete(a.texts, s)
	if c.d == tensor.String {
		return
	}
	a.free[c] = append(a.free[c], s)
	a.idle += c.bytes()
}

// escapeCost is the bytes that a tensor costs beside its elements, while it is known
// that it is in use somewhere.
const escapeCost = 256

// escape gives t's memory to the garbage collector.
func (a *arena) escape(t *tensor.Tensor) {
	if t == nil {
		return
	}
	for _, e := range t.Seq {
		a.escape(e)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	s := t.Store().Root()
	c, ok := a.owned[s]
	if s == nil || !ok {
		return
	}
	delete(a.owned, s)
	s.Refs = 0
	size := c.bytes() + a.texts[s]
	delete(a.texts, s)
	a.live -= size
	size += escapeCost
	a.escaped.Add(size)
	n := a.escaped
	runtime.AddCleanup(s, func(size int64) { n.Add(-size) }, size)
}
