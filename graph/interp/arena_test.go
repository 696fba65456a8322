package interp

import (
	"runtime"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// TestEscapedIsLetGo: memory that was handed out before, and then escapes, is collected
// when the caller drops it, and counts no longer.
func TestEscapedIsLetGo(t *testing.T) {
	a := newArena(0, 0)
	shape := []int{1000}
	for range 2 {
		x, err := a.alloc(tensor.Float32, shape)
		if err != nil {
			t.Fatal(err)
		}
		a.retain(x)
		if a.held() > 5000 {
			t.Fatal("memory was not handed out again")
		}
		if len(a.free) == 0 {
			a.release(x)
		} else {
			a.escape(x)
		}
	}
	for range 200 {
		if runtime.GC(); a.escaped.Load() == 0 {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Errorf("%d bytes are held after they were dropped", a.escaped.Load())
}
