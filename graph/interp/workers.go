package interp

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// workers is a set of goroutines that share loops. They end when the plan that
// owns them is collected.
type workers struct {
	n    int
	jobs chan *job
}

// job is one loop: parts are claimed by whoever comes first. next is the first
// index that nobody has claimed.
type job struct {
	next   atomic.Int64
	n      int
	grain  int // the least part, and the first that each core claims
	most   int // the greatest
	body   func(lo, hi int)
	done   sync.WaitGroup
	ctx    context.Context
	failed atomic.Pointer[any]
	prof   *Profile
}

func newWorkers(n int) *workers {
	w := &workers{n: n, jobs: make(chan *job)}
	for i := range n - 1 {
		go serve(w.jobs, i+1)
	}
	runtime.AddCleanup(w, func(c chan *job) { close(c) }, w.jobs)
	return w
}

func serve(jobs <-chan *job, core int) {
	for j := range jobs {
		j.work(core)
		j.done.Done()
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
	j := &job{n: n, grain: grain, most: max(grain, n/(w.n*partsPerWorker)), body: body, ctx: ctx, prof: prof}
	for range min(w.n, parts) - 1 {
		j.done.Add(1)
		select {
		case w.jobs <- j:
			continue
		default:
		}
		j.done.Done()
		break
	}
	j.work(0)
	j.done.Wait()
	if p := j.failed.Load(); p != nil {
		panic(*p)
	}
}

func (j *job) work(core int) {
	defer func() {
		if r := recover(); r != nil {
			j.failed.CompareAndSwap(nil, &r)
		}
	}()
	size := j.grain
	for {
		lo := int(j.next.Add(int64(size))) - size
		if lo >= j.n || j.ctx.Err() != nil {
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

func (j *job) part(core, lo, hi int) {
	if j.prof == nil {
		j.body(lo, hi)
		return
	}
	j.prof.part(core, func() { j.body(lo, hi) })
}
