package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/graph/onnx"
)

// TestKilled kills runs that replace a training graph, at random moments: it is
// the old one or the new one, with its own weights, and the next run removes
// what they left. ONNXLOSS_KILLS is how many are killed.
func TestKilled(t *testing.T) {
	kills := 40
	if s := os.Getenv("ONNXLOSS_KILLS"); s != "" {
		var err error
		if kills, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	model, err := os.ReadFile("../../testdata/models/retinanet.onnx")
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile("../../testdata/models/retinanet.onnx.data")
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Clone(data)
	for i := 0; i < len(other); i += 64 {
		other[i] ^= 1 // the least bit of a weight
	}
	var in [2]string
	for i, d := range [][]byte{data, other} {
		folder := filepath.Join(dir, strconv.Itoa(i))
		in[i] = filepath.Join(folder, "retinanet.onnx")
		if err := os.Mkdir(folder, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in[i], model, 0o666); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(in[i]+".data", d, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	to := filepath.Join(dir, "to")
	out := filepath.Join(to, "train.onnx")
	if err := os.Mkdir(to, 0o777); err != nil {
		t.Fatal(err)
	}
	args := func(i int) []string {
		return []string{"rewrite", in[i], "-o", out, "--loss", "ce", "--force", "--no-verify", "-q"}
	}
	var last [2]string // the content of each input's training graph
	whole := time.Duration(0)
	for i := range in {
		began := time.Now()
		if err := exec.Command("onnxloss", args(i)...).Run(); err != nil {
			t.Fatal(err)
		}
		whole = time.Since(began)
		last[i] = content(t, out)
	}
	is, seen := 1, map[bool]int{}
	for k := range kills {
		cmd := exec.Command("onnxloss", args(1-is)...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(rand.N(whole * 5 / 4))
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
		now := content(t, out)
		seen[now == last[is]]++
		switch now {
		case last[is]:
		case last[1-is]:
			is = 1 - is
		default:
			t.Fatalf("kill %d: neither the old model nor the new one", k)
		}
	}
	t.Logf("of %d killed runs %d left the old model, %d the new one", kills, seen[true], seen[false])
	if code, _, stderr := call(t.Context(), args(0)...); code != 0 {
		t.Fatal(stderr)
	}
	if code, _, stderr := call(t.Context(), "verify", out, "-q"); code != 0 {
		t.Error(stderr)
	}
	entries, err := os.ReadDir(to)
	if err != nil || len(entries) != 2 || entries[0].Name() != "train.onnx" || !strings.HasSuffix(entries[1].Name(), ".data") {
		t.Errorf("left in the folder: %v %v", entries, err)
	}
}

// content is what the model at path says of its network, and a digest of all its
// constants, those in other files too.
func content(t *testing.T, path string) string {
	t.Helper()
	m, err := onnx.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	manifest, err := emit.ReadManifest(m)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	for _, v := range m.Graph.Inits {
		x, err := v.Init.Load()
		if err != nil {
			t.Fatal(err)
		}
		if err := binary.Write(h, binary.LittleEndian, x.Store().Data); err != nil {
			t.Fatal(err)
		}
	}
	return fmt.Sprintf("%s %x", manifest.Source.Fingerprint, h.Sum(nil))
}
