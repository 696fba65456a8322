package interp

import (
	"context"
	"runtime"
	"sync/atomic"
	"time"
)

// workers is a set of goroutines that share loops. They end when the plan that
// owns them is collected.
type workers struct {
	n int
	*crew
}

// crew is what the goroutines of workers know of them. Loops follow each other
// within microseconds, and waking a goroutine takes as long as many a loop: so
// a helper looks for the next loop for a while before it sleeps, and whoever
// waits for a loop's last part does so looking, too.
type crew struct {
	posted   atomic.Pointer[job] // the latest
	sleeping atomic.Int32
	wake     chan struct{}
	end      chan struct{}
}

// job is one loop: parts are claimed by whoever comes first. next is the first
// index that nobody has claimed, and left how many are not done.
type job struct {
	next, left atomic.Int64
	n          int
	grain      int // the least part, and the first that each core claims
	most       int // the greatest
	body       func(lo, hi int)
	done       chan struct{} // by whoever does the last part
	ctx        context.Context
	failed     atomic.Pointer[any]
	prof       *Profile
}

func newWorkers(n int) *workers {
	c := &crew{wake: make(chan struct{}, n), end: make(chan struct{})}
	w := &workers{n: n, crew: c}
	for i := range n - 1 {
		go c.serve(i + 1)
	}
	runtime.AddCleanup(w, func(end chan struct{}) { close(end) }, c.end)
	return w
}

// looks bounds how often a condition is looked at before a goroutine sleeps:
// some twenty microseconds.
const looks = 1 << 14

func (c *crew) serve(core int) {
	for {
		for i := 0; c.open() == nil && i < looks; i++ {
		}
		if j := c.open(); j != nil {
			j.work(core)
			continue
		}
		c.sleeping.Add(1)
		if c.open() == nil {
			select {
			case <-c.wake:
			case <-c.end:
				return
			}
		}
		c.sleeping.Add(-1)
	}
}

// open is the latest loop, if it has parts that nobody has claimed.
func (c *crew) open() *job {
	if j := c.posted.Load(); j != nil && int(j.next.Load()) < j.n {
		return j
	}
	return nil
}

// call has up to n helpers that sleep look for work.
func (c *crew) call(n int) {
	for range min(n, int(c.sleeping.Load())) {
		select {
		case c.wake <- struct{}{}:
		default:
			return
		}
	}
}

// partsPerWorker is how finely loops are split at least, so that a core that is
// slowed down does not hold up the others.
const partsPerWorker = 8

// A part that took less than shortPart is followed by one of twice its size,
// and one that took more than longPart by one of half: a run ends soon after
// its context whatever an index costs.
const (
	shortPart = 200 * time.Microsecond
	longPart  = 2 * time.Millisecond
)

// run splits [0, n) into parts of at least grain. Once ctx has ended, parts
// that were not begun are skipped: the caller looks at ctx. A panic in a part
// is raised again here.
func (w *workers) run(ctx context.Context, prof *Profile, n, grain int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	parts := (n + grain - 1) / grain
	if parts <= 1 {
		body(0, n)
		return
	}
	j := &job{n: n, grain: grain, most: max(grain, n/(w.n*partsPerWorker)), body: body, ctx: ctx, prof: prof, done: make(chan struct{})}
	j.left.Store(int64(n))
	if w.n > 1 {
		w.posted.Store(j)
		w.call(min(w.n, parts) - 1)
	}
	j.work(0)
	for i := 0; j.left.Load() > 0 && i < looks; i++ {
	}
	if j.left.Load() > 0 {
		<-j.done
	}
	w.posted.CompareAndSwap(j, nil) // so that nothing keeps the plan
	if p := j.failed.Load(); p != nil {
		panic(*p)
	}
}

func (j *job) work(core int) {
	size := j.grain
	for {
		lo := int(j.next.Add(int64(size))) - size
		if lo >= j.n {
			return
		}
		began := time.Now()
		j.part(core, lo, min(lo+size, j.n))
		switch d := time.Since(began); {
		case d < shortPart:
			size = min(2*size, j.most)
		case d > longPart:
			size = max(size/2, j.grain)
		}
	}
}

// part does one part, unless the run has ended.
func (j *job) part(core, lo, hi int) {
	defer func() {
		if r := recover(); r != nil {
			j.failed.CompareAndSwap(nil, &r)
		}
		if j.left.Add(int64(lo-hi)) == 0 {
			close(j.done)
		}
	}()
	switch {
	case j.ctx.Err() != nil:
	case j.prof == nil:
		j.body(lo, hi)
	default:
		j.prof.part(core, func() { j.body(lo, hi) })
	}
}
