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
// within microseconds, and a goroutine that sleeps is awake only after many a
// loop is done: so while a run is under way its helpers look for the next loop,
// and whoever waits for a loop's last part does so looking, too. They make way
// for other goroutines as they look, and sleep where nothing comes for long. The
// system may wake a helper on the very core that it is to relieve, and leave it
// there for milliseconds while another core idles: so whoever calls one gives it a
// chance to run, and it leaves for another core.
type crew struct {
	posted   atomic.Pointer[job] // the latest
	runs     atomic.Int32        // under way
	sleeping atomic.Int32
	called   atomic.Int32 // who slept and do not look yet
	cpu      atomic.Int32 // where the latest loop was posted
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
	sleeper    atomic.Pointer[chan struct{}] // closed by whoever does the last part
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

// A goroutine looks for something to happen so many times, some microseconds,
// before it makes way for others and looks again: for patience at most, which is
// some ten times what waking it costs, and for breath where no run is under way.
const (
	looks    = 1 << 11
	patience = time.Millisecond
	breath   = 20 * time.Microsecond
)

// makeWay lets others run, goroutines as well as threads: the system may have put
// two of the plan's on one core, where one would look for what the other is kept
// from doing.
func makeWay() {
	runtime.Gosched()
	yield()
}

func (c *crew) serve(core int) {
	for {
		if j := c.await(); j != nil {
			j.work(core)
			continue
		}
		c.sleeping.Add(1)
		if c.open() == nil {
			select {
			case <-c.wake:
				c.called.Add(-1)
			case <-c.end:
				return
			}
		}
		c.sleeping.Add(-1)
	}
}

// await looks for a loop; nil if none comes.
func (c *crew) await() *job {
	for began := time.Now(); ; makeWay() {
		leave(int(c.cpu.Load()))
		for range looks {
			if j := c.open(); j != nil {
				return j
			}
		}
		if d := time.Since(began); d > patience || d > breath && c.runs.Load() == 0 {
			return nil
		}
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
			c.called.Add(1)
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
	j := &job{n: n, grain: grain, most: max(grain, n/(w.n*partsPerWorker)), body: body, ctx: ctx, prof: prof}
	j.left.Store(int64(n))
	if int(w.runs.Load()) < w.n { // else there are no cores to spare
		w.cpu.Store(int32(cpu()))
		w.posted.Store(j)
		w.call(min(w.n, parts) - 1)
		if w.called.Load() > 0 {
			yield()
		}
	}
	j.work(0)
	j.wait()
	w.posted.CompareAndSwap(j, nil) // so that nothing keeps the plan
	if p := j.failed.Load(); p != nil {
		panic(*p)
	}
}

// wait returns when all parts are done.
func (j *job) wait() {
	for began := time.Now(); ; makeWay() {
		for range looks {
			if j.left.Load() == 0 {
				return
			}
		}
		if time.Since(began) > patience {
			break
		}
	}
	done := make(chan struct{})
	j.sleeper.Store(&done)
	if j.left.Load() > 0 {
		<-done
	}
}

// work claims and does parts while there are any.
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
			failed := r // made only here
			j.failed.CompareAndSwap(nil, &failed)
		}
		if j.left.Add(int64(lo-hi)) > 0 {
			return
		}
		if done := j.sleeper.Load(); done != nil {
			close(*done)
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
