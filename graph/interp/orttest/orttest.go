package orttest

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Options say how the runtime runs a model.
type Options struct {
	// Optimize lets the runtime rewrite the graph as it does by default;
	// without it the graph runs as it is written.
	Optimize bool
	// Fetches are the outputs to compute; nil is all.
	Fetches []string
}

//go:embed run.mjs
var script string

// Run runs the model in a file and gives its outputs by name. It skips the
// test if ONNXLOSS_ORT is not set and fails it if the runtime fails.
func Run(t testing.TB, model string, feeds map[string]*tensor.Tensor, o Options) map[string]*tensor.Tensor {
	t.Helper()
	out, err := TryRun(t, model, feeds, o)
	if err != nil {
		t.Fatalf("ONNX Runtime: %s: %v", filepath.Base(model), err)
	}
	return out
}

// TryRun is Run for models that the runtime may refuse.
func TryRun(t testing.TB, model string, feeds map[string]*tensor.Tensor, o Options) (map[string]*tensor.Tensor, error) {
	t.Helper()
	folder := Need(t)
	path, err := filepath.Abs(model)
	if err != nil {
		return nil, err
	}
	q := request{Model: path, Optimize: o.Optimize, Fetches: o.Fetches, Tensors: []header{}}
	var payload []byte
	for name, x := range feeds {
		n := len(payload)
		if payload, err = encode(payload, x); err != nil {
			return nil, fmt.Errorf("input %q: %w", name, err)
		}
		q.Tensors = append(q.Tensors, header{name, x.DType.String(), append([]int{}, x.Shape...), len(payload) - n})
	}
	process.Lock()
	defer process.Unlock()
	return process.run(folder, q, payload)
}

// Need is the folder whose node_modules has the runtime. It skips the test
// where there is none.
func Need(t testing.TB) string {
	t.Helper()
	folder := os.Getenv("ONNXLOSS_ORT")
	if folder == "" {
		t.Skip("not compared with ONNX Runtime: ONNXLOSS_ORT is not set to a folder whose node_modules has onnxruntime-node")
	}
	return folder
}

type request struct {
	Model    string   `json:"model"`
	Optimize bool     `json:"optimize"`
	Fetches  []string `json:"fetches"`
	Tensors  []header `json:"tensors"`
}

type response struct {
	Tensors []header `json:"tensors"`
	Error   string   `json:"error"`
}

// header describes one tensor of a message.
type header struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Dims  []int  `json:"dims"`
	Bytes int    `json:"bytes"`
}

// process is the node process of this test binary; it ends with its standard
// input.
var process node

type node struct {
	sync.Mutex
	in     io.WriteCloser
	out    io.Reader
	stderr *tail
	cmd    *exec.Cmd
}

func (p *node) run(folder string, q request, payload []byte) (map[string]*tensor.Tensor, error) {
	if p.cmd == nil {
		if err := p.start(folder); err != nil {
			return nil, err
		}
	}
	out, err := p.exchange(q, payload)
	var refused *refusal
	if err != nil && !errors.As(err, &refused) {
		p.in.Close()
		werr := p.cmd.Wait()
		err = fmt.Errorf("%w; the node process ended with %v: %s", err, werr, p.stderr)
		p.cmd = nil
	}
	return out, err
}

func (p *node) start(folder string) error {
	path, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	cmd := exec.Command("node", "--input-type=module", "--eval", script, path)
	p.stderr = &tail{}
	cmd.Stderr = p.stderr
	if p.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if p.out, err = cmd.StdoutPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	return nil
}

// refusal is an error that the runtime reported.
type refusal struct{ text string }

func (r *refusal) Error() string { return r.text }

func (p *node) exchange(q request, payload []byte) (map[string]*tensor.Tensor, error) {
	text, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	message := binary.LittleEndian.AppendUint32(nil, uint32(len(text)))
	for _, part := range [][]byte{append(message, text...), payload} {
		if _, err := p.in.Write(part); err != nil {
			return nil, err
		}
	}
	var r response
	if text, err = readHeader(p.out); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, err
	}
	if r.Error != "" {
		return nil, &refusal{r.Error}
	}
	out := map[string]*tensor.Tensor{}
	for _, h := range r.Tensors {
		data := make([]byte, h.Bytes)
		if _, err := io.ReadFull(p.out, data); err != nil {
			return nil, err
		}
		if out[h.Name], err = decode(h, data); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func readHeader(r io.Reader) ([]byte, error) {
	var n uint32
	if err := binary.Read(r, binary.LittleEndian, &n); err != nil {
		return nil, err
	}
	text := make([]byte, n)
	_, err := io.ReadFull(r, text)
	return text, err
}

// tail keeps the end of what is written to it.
type tail struct {
	sync.Mutex
	text []byte
}

func (w *tail) Write(b []byte) (int, error) {
	w.Lock()
	defer w.Unlock()
	w.text = append(w.text, b...)
	w.text = w.text[max(0, len(w.text)-4096):]
	return len(b), nil
}

func (w *tail) String() string {
	w.Lock()
	defer w.Unlock()
	return strings.TrimSpace(string(w.text))
}

// encode appends the elements of x, little endian.
func encode(b []byte, x *tensor.Tensor) ([]byte, error) {
	if !slices.Contains(wireTypes, x.DType) || x.IsSequence() || x.IsNone() {
		return nil, fmt.Errorf("%v cannot be handed to the runtime", x)
	}
	n := len(b) + x.Len()*x.DType.Size() // the store may hold more
	b, err := binary.Append(b, binary.LittleEndian, x.Store().Data)
	return b[:n], err
}

// wireTypes are the element types that both sides know.
var wireTypes = []tensor.DType{
	tensor.Float32, tensor.Float64, tensor.Float16, tensor.Int8, tensor.Int16, tensor.Int32, tensor.Int64,
	tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64, tensor.Bool,
}

func decode(h header, data []byte) (*tensor.Tensor, error) {
	d, ok := tensor.ParseDType(h.Type)
	if !ok || !slices.Contains(wireTypes, d) {
		return nil, fmt.Errorf("output %q: element type %s", h.Name, h.Type)
	}
	x, err := tensor.Make(d, h.Dims...)
	if err != nil {
		return nil, fmt.Errorf("output %q: %w", h.Name, err)
	}
	if len(data) != x.Len()*d.Size() {
		return nil, fmt.Errorf("output %q: %d bytes for %v", h.Name, len(data), x)
	}
	err = binary.Read(bytes.NewReader(data), binary.LittleEndian, x.Store().Data)
	return x, err
}
