package interp

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
)

// workers is a set of goroutines that share loops. They end when the plan that
// owns them is collected.
type workers struct {
	n    int
	jobs chan *job
}

// job is one loop: parts are claimed by whoever comes first.
type job struct {
	next     atomic.Int64
	parts    int64
	n, chunk int
	body     func(lo, hi int)
	done     sync.WaitGroup
	ctx      context.Context
	failed   atomic.Pointer[any]
	prof     *Profile
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

// partsPerWorker is how finely loops are split, so that a core that is slowed
// down does not hold up the others, and a run can be cancelled soon.
const partsPerWorker = 8

// run splits [0, n) into parts of at least grain. Once ctx has ended, parts
// that were not begun are skipped: the caller looks at ctx. A panic in a part
// is raised again here.
func (w *workers) run(ctx context.Context, prof *Profile, n, grain int, body func(lo, hi int)) {
	if n <= 0 {
		return
	}
	grain = max(grain, 1)
	parts := min((n+grain-1)/grain, w.n*partsPerWorker)
	if parts <= 1 {
		body(0, n)
		return
	}
	chunk := (n + parts - 1) / parts
	j := &job{n: n, chunk: chunk, parts: int64((n + chunk - 1) / chunk), body: body, ctx: ctx, prof: prof}
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
	for {
		k := j.next.Add(1) - 1
		if k >= j.parts || j.ctx.Err() != nil {
			return
		}
		lo := int(k) * j.chunk
		hi := min(lo+j.chunk, j.n)
		if j.prof != nil {
			j.prof.part(core, func() { j.body(lo, hi) })
		} else {
			j.body(lo, hi)
		}
	}
}
