package onnx

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// The sizes of the large model: 256 initializers of 4 MiB and 20,000 nodes.
const (
	bigInits = 256
	bigBytes = 4 << 20
	bigNodes = 20_000
)

// TestBig holds the time and memory of rewriting a model of 1 GiB, digested and on
// the disk, against cp and a sync of the copy.
// It needs 3 GiB of disk and is run where ONNXLOSS_BIG is set to a folder.
func TestBig(t *testing.T) {
	dir := os.Getenv("ONNXLOSS_BIG")
	if dir == "" {
		t.Skip("set ONNXLOSS_BIG to a folder with 3 GiB to spare")
	}
	dir, err := os.MkdirTemp(dir, "big")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	in, out, copied := filepath.Join(dir, "in.onnx"), filepath.Join(dir, "out.onnx"), filepath.Join(dir, "cp.onnx")
	if err := writeBig(in); err != nil {
		t.Fatal(err)
	}
	before := peak(t)
	var alone, cp, rewrite []time.Duration
	for range 5 {
		syscall.Sync()
		start := time.Now()
		if err := exec.Command("cp", in, copied).Run(); err != nil {
			t.Fatal(err)
		}
		alone = append(alone, time.Since(start))
		if err := exec.Command("sync", copied).Run(); err != nil {
			t.Fatal(err)
		}
		cp = append(cp, time.Since(start))
		os.Remove(copied)
		syscall.Sync()
		start = time.Now()
		m, err := ReadFile(in)
		if err != nil {
			t.Fatal(err)
		}
		append1(t, m)
		d := NewDigest(context.Background(), m)
		if err := WriteFile(out, m, Options{Digest: d}); err != nil {
			t.Fatal(err)
		}
		if _, err := d.Sum(); err != nil {
			t.Fatal(err)
		}
		d.Close()
		rewrite = append(rewrite, time.Since(start))
		n := read(t, out)
		if len(n.Graph.Nodes) != bigNodes+1 || len(n.Graph.Inits) != bigInits+1 {
			t.Fatal("another model")
		}
		for _, i := range []int{0, bigInits / 2, bigInits - 1} {
			x, err := m.Graph.Inits[i].Init.Load()
			y, err2 := n.Graph.Inits[i].Init.Load()
			if err != nil || err2 != nil || !slices.Equal(tensor.Data[float32](x), tensor.Data[float32](y)) {
				t.Fatal("other weights", err, err2)
			}
		}
		Close(m)
		os.Remove(out)
	}
	slices.Sort(alone)
	slices.Sort(cp)
	slices.Sort(rewrite)
	t.Logf("cp %v, with sync %v, rewrite %v: medians of 5; peak memory %d MiB, %d MiB before", alone[2], cp[2], rewrite[2], peak(t)>>20, before>>20)
	if peak(t) > 200<<20 {
		t.Errorf("peak memory %d MiB, want at most 200", peak(t)>>20)
	}
	if rewrite[2] > cp[2]*6/5 {
		t.Errorf("rewriting takes %v, cp and sync %v", rewrite[2], cp[2])
	}
}

// writeBig writes the model with random weights.
func writeBig(path string) error {
	m := graph.New(13)
	g := m.Graph
	last, err := g.AddInput("x", graph.TensorOf(tensor.Float32, graph.Static(bigBytes/4)))
	if err != nil {
		return err
	}
	for i := range bigInits {
		d := &graph.Data{DType: tensor.Float32, Dims: []int{bigBytes / 4}, Load: func() (*tensor.Tensor, error) {
			src, x := rand.New(rand.NewPCG(uint64(i), 0)), make([]float32, bigBytes/4)
			for k := range x {
				x[k] = src.Float32()
			}
			return tensor.Vector(x...), nil
		}}
		w, err := g.Declare(fmt.Sprintf("w%d", i), d.Type())
		if err != nil {
			return err
		}
		g.SetInit(w, d)
	}
	for i := range bigNodes {
		v, err := g.Declare(fmt.Sprintf("v%d", i), last.Type)
		if err != nil {
			return err
		}
		n := &graph.Node{Op: "Add", Name: fmt.Sprintf("/model/layer/%d/Add", i), Outputs: []*graph.Value{v},
			Inputs: []*graph.Value{last, g.Inits[i%bigInits]}}
		if err := g.AddNode(n); err != nil {
			return err
		}
		last = v
	}
	g.AddOutput(last)
	return WriteFile(path, m, Options{})
}

// peak is the largest resident set of this process so far.
func peak(t *testing.T) int64 {
	b, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Skip(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.Fields(v)[0], 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			return kb << 10
		}
	}
	return 0
}
