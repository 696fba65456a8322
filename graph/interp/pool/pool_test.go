package pool

import (
	"context"
	"sync/atomic"
	"testing"
)

// TestRun: every index is done once, whatever the sizes, by several loops at a time.
func TestRun(t *testing.T) {
	p := New(4)
	for range 2 {
		for _, n := range []int{-1, 0, 1, 2, 7, 100, 10_000} {
			for _, grain := range []int{-1, 0, 1, 3, 1000, 1 << 40} {
				done := make([]atomic.Int32, max(n, 0))
				p.Run(context.Background(), nil, n, grain, func(lo, hi int) {
					for i := lo; i < hi; i++ {
						done[i].Add(1)
					}
				})
				for i := range done {
					if k := done[i].Load(); k != 1 {
						t.Fatalf("n = %d, grain %d: index %d is done %d times", n, grain, i, k)
					}
				}
			}
		}
		p.Begin()
		defer p.End()
	}
}

// TestNested: a loop within a loop is done, and observers see all parts.
func TestNested(t *testing.T) {
	p := New(3)
	var sum, seen atomic.Int64
	count := func(core int, part func()) {
		if core < 0 || core >= 3 {
			t.Errorf("core %d of 3", core)
		}
		part()
		seen.Add(1)
	}
	p.Run(context.Background(), count, 50, 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			p.Run(context.Background(), nil, 40, 1, func(lo, hi int) { sum.Add(int64(hi - lo)) })
		}
	})
	if sum.Load() != 50*40 || seen.Load() == 0 {
		t.Errorf("%d indices, want %d; %d parts seen", sum.Load(), 50*40, seen.Load())
	}
}

func TestEndedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var done atomic.Int64
	const n = 1 << 20
	New(2).Run(ctx, nil, n, 1, func(lo, hi int) {
		cancel()
		done.Add(int64(hi - lo))
	})
	if k := done.Load(); k == 0 || k > n/2 {
		t.Errorf("%d of %d indices are done after the context's end", k, n)
	}
}

func TestPanic(t *testing.T) {
	p := New(2)
	defer func() {
		if r := recover(); r != "broken" {
			t.Errorf("recovered %v", r)
		}
		done := false
		if p.Run(context.Background(), nil, 1, 1, func(int, int) { done = true }); !done {
			t.Error("no loop runs after a panic")
		}
	}()
	p.Run(context.Background(), nil, 1000, 1, func(lo, hi int) { panic("broken") })
}
