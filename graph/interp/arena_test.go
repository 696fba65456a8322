package interp

import (
	"runtime"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/text"
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

// TestResultsHoldLittle: a caller who keeps a small result keeps no other memory of the
// run.
func TestResultsHoldLittle(t *testing.T) {
	heap := func() uint64 {
		var m runtime.MemStats
		for range 4 {
			runtime.GC()
			time.Sleep(time.Millisecond)
		}
		runtime.ReadMemStats(&m)
		return m.HeapAlloc
	}
	m, err := text.Parse(`<ir_version: 8, opset_import: ["" : 17]>
		g (float[1000000] x) => (float[1] y) { a = Exp (x) b = Sin (a) y = ReduceMax (b) }`)
	if err != nil {
		t.Fatal(err)
	}
	in := map[string]*tensor.Tensor{"x": tensor.Vector(make([]float32, 1000000)...)}
	var kept []map[string]*tensor.Tensor
	before := heap()
	for range 10 {
		p, err := New(m, Options{Unfused: true})
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(t.Context(), in)
		if err != nil {
			t.Fatal(err)
		}
		kept = append(kept, out)
	}
	if after := heap(); after > before+4<<20 {
		t.Errorf("%d results hold %d bytes", len(kept), after-before)
	}
	runtime.KeepAlive(kept)
}
