//go:build ortbench

package main

import (
	"flag"
	"fmt"
	"log"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/random"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// engine runs one model on one input.
type engine interface {
	run() error
	close()
}

// reader is an engine whose outputs can be compared.
type reader interface {
	result() (map[string]*tensor.Tensor, error)
}

// opening makes an engine ready to run a model with so many threads.
type opening func(file string, feeds map[string]*tensor.Tensor, threads int) (engine, error)

var engines = map[string]opening{"onnxloss": openInterp, "ort": openORT, "gonnx": openGonnx, "onnx-go": openGorgonia}

func main() {
	log.SetFlags(0)
	rounds := flag.Int("rounds", 15, "timed runs of each engine")
	pause := flag.Duration("pause", 250*time.Millisecond, "wait before each run, until the threads of the engine before sleep")
	threads := flag.String("threads", "1,2", "numbers of threads")
	size := flag.Int("size", 320, "size of images where the model leaves it open")
	peers := flag.Bool("peers", false, "time gonnx and onnx-go's Gorgonia backend instead, once")
	memory := flag.String("memory", "", "load the model in this engine, run it once, print the peak memory in bytes")
	torch := flag.String("losses", "", "time models of losses beside this command, which runs PyTorch's")
	flag.StringVar(&library, "library", os.Getenv("ORT_LIBRARY"), "ONNX Runtime's shared library")
	flag.Parse()
	if *memory != "" {
		if err := printMemory(*memory, flag.Arg(0), *size); err != nil {
			log.Fatal(err)
		}
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 4, 1, ' ', 0)
	defer w.Flush()
	if *peers {
		comparePeers(w, flag.Args(), *size)
		return
	}
	if *torch != "" {
		n, err := strconv.Atoi(*threads)
		if err != nil {
			log.Fatalf("-threads %q: %v", *threads, err)
		}
		if err := compareLosses(w, flag.Args(), *torch, n, *rounds, *pause); err != nil {
			log.Fatal(err)
		}
		return
	}
	fmt.Fprintln(w, "| model\t| threads\t| onnxloss, ms\t| ONNX Runtime, ms\t| ratio\t| onnxloss, GFLOP/s\t| apart\t| onnxloss, MB\t| ONNX Runtime, MB\t|")
	fmt.Fprintln(w, "|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|---\t|")
	for _, file := range flag.Args() {
		for _, n := range strings.Split(*threads, ",") {
			count, err := strconv.Atoi(n)
			if err != nil {
				log.Fatalf("-threads %q: %v", *threads, err)
			}
			if err := compare(w, file, count, *rounds, *pause, *size); err != nil {
				log.Fatalf("%s: %v", file, err)
			}
		}
	}
}

// feedsOf makes up an input of the model.
func feedsOf(file string, size int) (map[string]*tensor.Tensor, error) {
	m, err := onnx.ReadFile(file)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	feeds := map[string]*tensor.Tensor{}
	for _, v := range m.Graph.Inputs {
		if v.Init != nil {
			continue
		}
		dims := map[string]int{}
		for i, d := range v.Shape() {
			if i >= 2 && !d.IsKnown() {
				dims[d.Param] = size
			}
		}
		if feeds[v.Name], err = random.Input(v, dims, 1, nil); err != nil {
			return nil, err
		}
	}
	return feeds, nil
}

// compare prints the row of one model.
func compare(w *tabwriter.Writer, file string, threads, rounds int, pause time.Duration, size int) error {
	feeds, err := feedsOf(file, size)
	if err != nil {
		return err
	}
	names := []string{"onnxloss", "ort"}
	var list []engine
	var out []map[string]*tensor.Tensor
	for _, name := range names {
		e, err := engines[name](file, feeds, threads)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		defer e.close()
		list = append(list, e)
		o, err := e.(reader).result()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out = append(out, o)
	}
	times := make([][]float64, len(list))
	for range rounds {
		for i, e := range list {
			time.Sleep(pause)
			began := time.Now()
			if err := e.run(); err != nil {
				return err
			}
			times[i] = append(times[i], time.Since(began).Seconds()*1e3)
		}
	}
	ours, theirs := median(times[0]), median(times[1])
	held := make([]string, len(names))
	for i, name := range names {
		held[i] = "—"
		if b, err := childMemory(name, file, size); err == nil {
			held[i] = fmt.Sprintf("%.0f", b/1e6)
		} else {
			log.Print(err)
		}
	}
	fmt.Fprintf(w, "| %s\t| %d\t| %.1f\t| %.1f\t| %.2f\t| %.0f\t| %s\t| %s\t| %s\t|\n", strings.TrimSuffix(filepath.Base(file), ".onnx"),
		threads, ours, theirs, ours/theirs, list[0].(*interpEngine).work/ours/1e6, apart(out[0], out[1]), held[0], held[1])
	return nil
}

func median(x []float64) float64 {
	slices.Sort(x)
	return x[len(x)/2]
}

// apart is how far the float outputs are apart, relative to the largest element
// of each. Outputs of models that select rows say nothing: a rounding error may
// change the order.
func apart(a, b map[string]*tensor.Tensor) string {
	for _, x := range b {
		if x.DType != tensor.Float32 || x.Rank() < 2 {
			return "—"
		}
	}
	worst := 0.0
	for name, x := range a {
		y := b[name]
		if y == nil || x.DType != tensor.Float32 || y.DType != tensor.Float32 {
			continue
		}
		if x.Len() != y.Len() {
			return "other shapes"
		}
		p, q := tensor.Data[float32](x), tensor.Data[float32](y)
		most, d := 0.0, 0.0
		for i := range p {
			most = math.Max(most, math.Abs(float64(q[i])))
			d = math.Max(d, math.Abs(float64(p[i])-float64(q[i])))
		}
		worst = math.Max(worst, d/math.Max(most, 1e-30))
	}
	return fmt.Sprintf("%.0e", worst)
}
