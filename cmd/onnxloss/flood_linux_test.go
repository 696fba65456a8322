package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/onnxloss/onnxloss/graph/tensor"
	"github.com/onnxloss/onnxloss/graph/tensor/npy"
)

const floodSize = 8 << 20

func init() { programs["weighed"], programs["limited"] = weighed, limited }

// limited is onnxloss with 200 MB of address space beside what it has at its start.
func limited() {
	if os.Getenv(overseen) != "" { // which has the limit
		main()
	}
	status, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		panic(err)
	}
	pages, err := strconv.Atoi(strings.Fields(string(status))[0])
	if err != nil {
		panic(err)
	}
	most := uint64(pages*os.Getpagesize() + 200e6)
	if err := syscall.Setrlimit(syscall.RLIMIT_AS, &syscall.Rlimit{Cur: most, Max: most}); err != nil {
		panic(err)
	}
	main()
}

// TestAddressSpace: a process that may take too little memory for a model ends
// with a sentence and the code of bad input.
func TestAddressSpace(t *testing.T) {
	var nodes []byte
	for i := range 300_000 {
		nodes = append(nodes, record(1, bytes.Join([][]byte{record(1, fmt.Appendf(nil, "v%d", i)), record(2, fmt.Appendf(nil, "v%d", i+1)), record(4, []byte("Relu"))}, nil))...)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	file := append([]byte{8, 8}, record(7, append(nodes, record(11, record(1, []byte("v0")))...))...)
	if err := os.WriteFile(path, append(file, record(8, []byte{16, 13})...), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"inspect", path}, exitBad, "onnxloss: out of memory: the limit on the address space (ulimit -v) leaves room for "},
		{[]string{"inspect", path + ".not"}, exitBad, "onnxloss: " + path + ".not: "},
		{[]string{"inspect", "--nothing"}, exitUsage, "onnxloss: there is no flag --nothing"},
		{[]string{"losses", "bce"}, 0, ""},
	} {
		code, stderr := withLimit(t, c.args...)
		if code != c.code || !strings.HasPrefix(stderr, c.says) || strings.Count(stderr, "\n") > 1 {
			t.Errorf("%s: exit code %d: %.500s", c.args, code, stderr)
		}
	}
}

// withLimit is the exit code of limited, and what it writes to standard error.
func withLimit(t *testing.T, args ...string) (int, string) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	p := exec.Cmd{Path: self, Args: append([]string{"limited"}, args...), Stderr: &stderr}
	_ = p.Run()
	return p.ProcessState.ExitCode(), stderr.String()
}

// weighed is onnxloss, after which the most memory that it had is written to
// standard output, as the system states it.
func weighed() {
	code := run(context.Background(), os.Args, os.Stdin, os.Stdout, os.Stderr)
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		panic(err)
	}
	os.Stdout.Write(status)
	os.Exit(code)
}

// peakMemory is the kB in what weighed wrote.
func peakMemory(t *testing.T, out string) int {
	_, rest, ok := strings.Cut(out, "VmHWM:")
	kb, err := strconv.Atoi(strings.Fields(rest + " ?")[0])
	if !ok || err != nil {
		t.Fatal(err)
	}
	return kb
}

// repeated is records of a field, as many as a flood takes.
func repeated(num uint64, b []byte) []byte {
	one := record(num, b)
	return bytes.Repeat(one, floodSize/len(one))
}

// relu is a model of one node, with b in it.
func relu(b ...byte) []byte {
	value := append(record(1, []byte("x")), record(2, record(1, []byte{8, 1}))...)
	node := bytes.Join([][]byte{record(1, []byte("x")), record(2, []byte("y")), record(4, []byte("Relu"))}, nil)
	out := append(record(1, []byte("y")), record(2, record(1, []byte{8, 1}))...)
	g := bytes.Join([][]byte{record(1, node), record(11, value), record(12, out)}, nil)
	return bytes.Join([][]byte{{8, 8}, record(7, g), record(8, []byte{16, 13}), b}, nil)
}

// zipped is an archive with entries of the given sizes, all zeros.
func zipped(t *testing.T, entries int, each []byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := range entries {
		w, err := z.Create(fmt.Sprintf("%d.npy", i))
		if err != nil {
			t.Fatal(err)
		}
		w.Write(each)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestReaderMemory runs the program on files that are made to take memory. Each
// is refused with a line that names it, and the process takes at most 10 times
// the file and 64 MB.
func TestReaderMemory(t *testing.T) {
	var zeros bytes.Buffer
	if err := npy.Write(&zeros, tensor.Of([]int{1, floodSize / 4, 8}, make([]float32, 2*floodSize))); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, file string
		data       []byte
		args       string
		code       int
	}{
		{"metadata", "f.onnx", relu(repeated(14, nil)...), "inspect f.onnx", exitBad},
		{"functions", "f.onnx", relu(repeated(25, nil)...), "verify f.onnx", exitBad},
		{"unknown fields", "f.onnx", relu(bytes.Repeat([]byte{0xa0, 0x38, 0}, floodSize/3)...), "inspect f.onnx", exitNoHead},
		{"strings", "f.onnx", relu(record(7, record(1, append(record(4, []byte("A")), record(5, repeated(9, nil))...)))...), "run f.onnx", exitBad},
		{"integers", "f.onnx", bytes.Join([][]byte{{8, 8}, record(8, []byte{16, 13}), record(7, record(1, append(record(4, []byte("A")), record(5, append(record(1, []byte("a")), record(8, make([]byte, floodSize))...))...)))}, nil), "run f.onnx", 0},
		{"manifest", "f.onnx", relu(record(14, append(record(1, []byte("onnxloss.manifest")), record(2, []byte(`{"manifestVersion":1,"inputs":[`+strings.Repeat("{},", floodSize/3)+`{}]}`))...))...), "verify f.onnx", exitBad},
		{"expanding entry", "f.npz", zipped(t, 1, zeros.Bytes()), "run m.onnx --input x=f.npz", exitBad},
		{"entries", "f.npz", zipped(t, 70_000, nil), "run m.onnx --input x=f.npz", exitBad},
		{"array", "f.npy", zeros.Bytes()[:zeros.Len()-1], "run m.onnx --input x=f.npy", exitBad},
		{"tensor's dimensions", "f.pb", record(1, make([]byte, floodSize)), "run m.onnx --input x=f.pb", exitBad},
		{"tensor's metadata", "f.pb", repeated(16, nil), "run m.onnx --input x=f.pb", exitBad},
		{"list", "f.json", []byte("[" + strings.Repeat("0,", floodSize/2) + "0"), "rewrite m.onnx -o o.onnx --loss ce --class-weights f.json", exitBad},
		{"nested list", "f.json", bytes.Repeat([]byte("["), floodSize), "rewrite m.onnx -o o.onnx --loss ce --class-weights f.json", exitBad},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, b := range map[string][]byte{"m.onnx": relu(), c.file: c.data} {
				if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			var stdout, stderr bytes.Buffer
			p := exec.Cmd{Path: self, Args: append([]string{"weighed"}, strings.Fields(c.args)...), Dir: dir, Stdout: &stdout, Stderr: &stderr}
			_ = p.Run()
			peak := peakMemory(t, stdout.String()) * 1024 / 1e6
			if bound := 10*len(c.data)/1e6 + 64; peak > bound {
				t.Errorf("%d MB for a file of %d, want at most %d", peak, len(c.data)/1e6, bound)
			}
			if got := p.ProcessState.ExitCode(); got != c.code {
				t.Errorf("exit code %d, want %d", got, c.code)
			}
			if line := stderr.String(); c.code != 0 && !strings.HasPrefix(line, "onnxloss: "+c.file+": ") || len(line) > 400 {
				t.Errorf("%.400q", line)
			}
			t.Logf("%d MB of %d: %s", peak, len(c.data)/1e6, stderr.String())
		})
	}
}
