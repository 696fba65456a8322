package kernel

import "sync"

// split is a Parallel over a few goroutines, for tests.
func split(workers int) Parallel {
	return func(n, grain int, body func(lo, hi int)) {
		chunk := max(grain, (n+workers-1)/workers)
		var wg sync.WaitGroup
		for lo := 0; lo < n; lo += chunk {
			wg.Go(func() { body(lo, min(lo+chunk, n)) })
		}
		wg.Wait()
	}
}
