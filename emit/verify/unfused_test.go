package verify_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit"
	"github.com/onnxloss/onnxloss/emit/loss"
	"github.com/onnxloss/onnxloss/emit/verify"
	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/interp"
	"github.com/onnxloss/onnxloss/graph/text"
	"github.com/onnxloss/onnxloss/patterns"
)

// squared is a detector whose first layer is squared behind its sigmoid.
const squared = `<ir_version: 8, opset_import: ["" : 17]>
g (float[N,2,2,3] image) => (float[N,3,2,3] scores, float[N,4,2,3] box, int64[N,1,2,3] best)
<float[2,2,1,1] v = {1,-1,2,0.5}, float[3,2,1,1] w = {1,2,3,4,5,6}, float[4,2,1,1] b = {1,2,3,4,5,6,7,8}> {
  x = Conv(image, v)
  s = Sigmoid(x)
  y = Mul(s, s)
  z = Conv(y, w)
  scores = Sigmoid(z)
  best = ArgMax <axis = 1> (scores)
  e = Conv(y, b)
  box = Exp(e)
}`

// trained is the text's detector with a loss on it.
func trained(t *testing.T, src string) *graph.Model {
	t.Helper()
	m := parsed(t, src)
	r, err := patterns.Locate(m, patterns.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := emit.Rewrite(m, r.Heads[:1], emit.Options{Loss: loss.Options{Name: "bce"}}); err != nil {
		t.Fatal(err)
	}
	return m
}

func parsed(t *testing.T, src string) *graph.Model {
	t.Helper()
	m, err := text.Parse(src)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// TestPlantedFaultInFusion runs networks, before and after the rewrite, with an
// interpreter that takes s·s for x·s when it runs nodes as one: only the run node by node
// does not agree with it.
func TestPlantedFaultInFusion(t *testing.T) {
	wrong := strings.Replace(squared, "Mul(s, s)", "Mul(x, s)", 1)
	for _, c := range []struct {
		src    string // what runs as one
		failed []string
	}{{squared, nil}, {wrong, []string{"unfused"}}} {
		before, after := parsed(t, c.src), trained(t, c.src)
		m := trained(t, squared)
		o := verify.Options{Original: parsed(t, squared)}
		_, err := verify.Training(context.Background(), m, o.WithPlanner(func(x *graph.Model, o2 interp.Options) (*interp.Plan, error) {
			switch {
			case o2.Unfused:
				return interp.New(x, o2)
			case x == m:
				return interp.New(after, o2)
			}
			return interp.New(before, o2)
		}))
		var failure *verify.FailedError
		var failed []string
		if errors.As(err, &failure) {
			for _, k := range failure.Checks {
				failed = append(failed, k.Name)
			}
		} else if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(failed, c.failed) {
			t.Errorf("failed %v, want %v", failed, c.failed)
		}
	}
}

// focus is a detector whose first convolution reads the slices of the image joined,
// which the interpreter does in another order of adding.
const focus = `<ir_version: 8, opset_import: ["" : 17]>
g (float[1,3,32,32] image) => (float[1,3,16,16] scores, float[1,4,16,16] box, int64[1,1,16,16] best)
<int64[2] a = {0,0}, int64[2] b = {1,0}, int64[2] c = {0,1}, int64[2] d = {1,1}, int64[2] end = {32,32}, int64[2] axes = {2,3}, int64[2] two = {2,2},
 float[16,12,3,3] v = {V}, float[3,16,1,1] w = {W}, float[4,16,1,1] u = {U}> {
  p = Slice(image, a, end, axes, two)
  q = Slice(image, b, end, axes, two)
  r = Slice(image, c, end, axes, two)
  s = Slice(image, d, end, axes, two)
  j = Concat <axis = 1> (p, q, r, s)
  x = Conv <pads = [1,1,1,1]> (j, v)
  y = Relu(x)
  z = Conv(y, w)
  scores = Sigmoid(z)
  best = ArgMax <axis = 1> (scores)
  e = Conv(y, u)
  box = Relu(e)
}`

// TestUnfusedWithinRounding: adding in another order is within the limit, and what hangs
// on an index then is left out, which the check says.
func TestUnfusedWithinRounding(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	noise := func(n int) string {
		words := make([]string, n)
		for i := range words {
			words[i] = fmt.Sprint(float32(r.NormFloat64()))
		}
		return strings.Join(words, ",")
	}
	src := strings.NewReplacer("{V}", "{"+noise(16*12*9)+"}", "{W}", "{"+noise(48)+"}", "{U}", "{"+noise(64)+"}").Replace(focus)
	report, err := verify.Training(context.Background(), trained(t, src), verify.Options{Original: parsed(t, src)})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range report.Checks {
		if c.Name == "unfused" && (c.Status != verify.OK || c.Worst == 0 || !strings.Contains(c.What, "without 1 of 4 tensors")) {
			t.Errorf("%+v", c)
		}
	}
}
