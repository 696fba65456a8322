package interp_test

import (
	"runtime"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestWorkersEnd: the goroutines of plans that ran and were dropped end.
func TestWorkersEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		p := planned(t, `g (float[100000] x) => (float[100000] y) { y = Exp (x) }`, interp.Options{Threads: 4})
		values(t, p, feeds{"x": tensor.Vector(make([]float32, 100000)...)})
	}
	for range 100 {
		runtime.GC()
		if runtime.NumGoroutine() <= before+3 { // the last plan may be on the stack
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
