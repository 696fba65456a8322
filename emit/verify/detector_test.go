package verify_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/onnx"
	"github.com/onnxloss/onnxloss/graph/text"
)

// detector is a small network with a head: what heads differ in, drawn or chosen.
type detector struct {
	layout     string // one of layouts
	dtype      string // of all numbers, one of numbers
	activation string // one of activations
	images     string // of the batch: a number, or a name
	classes    int
	anchors    int // of each place
	levels     int
	objectness bool
	masks      bool   // some classes have logits of −∞
	boxes      string // the operator behind the boxes
	seed       byte   // of the weights
}

var (
	// How a level's map [N, A·K, H, W] becomes rows: by an axis of the anchors; by a
	// transposition; by columns; columns that stay columns, as in YOLOv8; not at all,
	// channels first or last; and the heads without a map.
	layouts     = []string{"five", "rows", "columns", "channels first", "maps", "maps last", "queries", "classifier"}
	numbers     = []string{"float", "double", "float16", "bfloat16"}
	activations = []string{"Sigmoid", "Softmax", "none"}
)

// network is a detector's text being written.
type network struct {
	detector
	nodes, inits strings.Builder
	weights      int
}

// text is the model in ONNX's text form.
func (d detector) text() string {
	n := &network{detector: d}
	var outputs string
	switch d.layout {
	case "queries", "classifier":
		outputs = n.vectors()
	default:
		outputs = n.maps()
	}
	image := fmt.Sprintf("%s[%s,3,4,5] image", d.dtype, d.images)
	return fmt.Sprintf("<ir_version: 8, opset_import: [\"\" : 17]>\ng (%s) => (%s) <float one = {1}%s> {\n%s}", image, outputs, n.inits.String(), n.nodes.String())
}

func (n *network) node(format string, args ...any) {
	fmt.Fprintf(&n.nodes, "  "+format+"\n", args...)
}

func (n *network) ints(name string, x ...int) string {
	s := strings.Trim(strings.ReplaceAll(fmt.Sprint(x), " ", ","), "[]")
	fmt.Fprintf(&n.inits, ", int64[%d] %s = {%s}", len(x), name, s)
	return name
}

// weight is an initializer of drawn numbers between −1 and 1.
func (n *network) weight(shape ...int) string {
	n.weights++
	size := 1
	for _, d := range shape {
		size *= d
	}
	seed := uint32(n.weights*7919 + int(n.seed))
	x := make([]string, size)
	for i := range x {
		seed = seed*1664525 + 1013904223
		switch n.dtype {
		case "float16": // the bits
			x[i] = fmt.Sprint(0x3000 + seed>>8%0xc00 | seed>>31<<15)
		case "bfloat16":
			x[i] = fmt.Sprint(0x3e00 + seed>>8%0x180 | seed>>31<<15)
		default:
			x[i] = fmt.Sprintf("%.9g", float64(int32(seed))/(1<<31))
		}
	}
	name := fmt.Sprintf("w%d", n.weights)
	dims := strings.Trim(strings.ReplaceAll(fmt.Sprint(shape), " ", ","), "[]")
	fmt.Fprintf(&n.inits, ", %s[%s] %s = {%s}", n.dtype, dims, name, strings.Join(x, ","))
	return name
}

// masked is the logits called name with −∞ for every third class, whose axis has so
// many others behind it.
func (n *network) masked(name string, classes, behind int) string {
	if !n.masks || n.layout == "columns" && n.anchors > 1 { // whose anchors' classes are one axis
		return name
	}
	hide := make([]string, classes)
	for i := range hide {
		hide[i] = fmt.Sprint(i % 3 / 2)
	}
	fmt.Fprintf(&n.inits, ", bool[%d%s] hide = {%s}", classes, strings.Repeat(",1", behind), strings.Join(hide, ","))
	fmt.Fprintf(&n.inits, ", float nothing = {-inf}")
	n.node("nothing_ = CastLike(nothing, %s)\n  open = Where(hide, nothing_, %s)", name, name)
	return "open"
}

// maps is a head on the maps of some levels.
func (n *network) maps() string {
	feature, channels := "image", 3
	per := n.classes
	if n.objectness {
		per++
	}
	var scores, boxes []string
	for l := range n.levels {
		n.node("p%d = Conv <kernel_shape=[1,1], strides=[%d,%d]> (%s, %s)", l, 1+l%2, 1+l%2, feature, n.weight(4, channels, 1, 1))
		feature, channels = fmt.Sprintf("f%d", l), 4
		n.node("%s = Relu(p%d)", feature, l)
		n.node("c%d = Conv (%s, %s)", l, feature, n.weight(n.anchors*per, 4, 1, 1))
		n.node("b%d = Conv (%s, %s)", l, feature, n.weight(n.anchors*4, 4, 1, 1))
		scores = append(scores, n.flat(fmt.Sprint("c", l), per))
		boxes = append(boxes, n.flat(fmt.Sprint("b", l), 4))
	}
	if n.layout == "maps" || n.layout == "maps last" {
		return n.apart(scores, boxes, per)
	}
	axis := 1
	if n.layout == "channels first" {
		axis = 2
	}
	n.node("call = Concat<axis=%d>(%s)", axis, strings.Join(scores, ","))
	n.node("ball = Concat<axis=%d>(%s)", axis, strings.Join(boxes, ","))
	n.scores("call", "", 3-axis, axis-1)
	n.node("boxes = %s(ball)", n.boxes)
	return fmt.Sprintf("%s[b,c,d] scores, %s[e,f,h] boxes", n.dtype, n.dtype)
}

// flat is the map called name, of k channels for each anchor, as the layout has it.
func (n *network) flat(name string, k int) string {
	out := "r" + name
	switch n.layout {
	case "five":
		n.node("s%s = Reshape(%s, %s)", name, name, n.ints("to"+name, 0, n.anchors, k, -1, 1))
		n.node("t%s = Transpose<perm=[0,3,4,1,2]>(s%s)", name, name)
		n.node("%s = Reshape(t%s, %s)", out, name, n.ints("then"+name, 0, -1, k))
	case "rows":
		n.node("t%s = Transpose<perm=[0,2,3,1]>(%s)", name, name)
		n.node("%s = Reshape(t%s, %s)", out, name, n.ints("to"+name, 0, -1, k))
	case "columns":
		n.node("s%s = Reshape(%s, %s)", name, name, n.ints("to"+name, 0, k*n.anchors, -1))
		n.node("%s = Transpose<perm=[0,2,1]>(s%s)", out, name)
	case "channels first":
		n.node("%s = Reshape(%s, %s)", out, name, n.ints("to"+name, 0, k, -1))
	case "maps last":
		n.node("%s = Transpose<perm=[0,2,3,1]>(%s)", out, name)
	default:
		return name
	}
	return out
}

// scores writes the scores of logits, with the classes on an axis and so many behind
// it, before which the objectness is, if there is any; with a number at the end of
// each name.
func (n *network) scores(logits, number string, axis, behind int) {
	class := logits
	if n.objectness {
		first, second, last, on := n.ints("from"+number, 0), n.ints("upto"+number, 1), n.ints("end"+number, 9999), n.ints("on"+number, axis)
		n.node("o%s = Slice(%s, %s, %s, %s)", number, logits, first, second, on)
		n.node("k%s = Slice(%s, %s, %s, %s)", number, logits, second, last, on)
		n.node("so%s = Sigmoid(o%s)", number, number)
		class = "k" + number
	}
	if number == "" {
		class = n.masked(class, n.classes, behind)
	}
	switch n.activation {
	case "Sigmoid":
		n.node("a%s = Sigmoid(%s)", number, class)
	case "Softmax":
		n.node("a%s = Softmax<axis=%d>(%s)", number, axis, class)
	default:
		n.node("a%s = Identity(%s)", number, class)
	}
	if n.objectness {
		n.node("scores%s = Mul(a%s, so%s)", number, number, number)
	} else {
		n.node("scores%s = Identity(a%s)", number, number)
	}
}

// apart has scores and boxes of every level as outputs.
func (n *network) apart(scores, boxes []string, per int) string {
	axis, behind := 1, 2
	if n.layout == "maps last" {
		axis, behind = 3, 0
	}
	var outputs []string
	for l := range scores {
		number := fmt.Sprint(l + 1)
		n.scores(scores[l], number, axis, behind)
		n.node("boxes%s = %s(%s)", number, n.boxes, boxes[l])
		outputs = append(outputs, fmt.Sprintf("%s[b,c%s,d%s,e%s] scores%s, %s[f,h%s,i%s,j%s] boxes%s",
			n.dtype, number, number, number, number, n.dtype, number, number, number, number))
	}
	return strings.Join(outputs, ", ")
}

// vectors is a head without a map: a row of logits for each query, or one for each
// image.
func (n *network) vectors() string {
	per := n.classes
	if n.objectness && n.layout == "queries" {
		per++
	} else {
		n.objectness = false
	}
	n.node("p = Conv (image, %s)\n  f = Relu(p)", n.weight(4, 3, 1, 1))
	if n.layout == "classifier" {
		n.node("g = GlobalAveragePool(f)\n  v = Flatten(g)")
		n.node("m = Gemm(v, %s, %s)", n.weight(4, per), n.weight(per))
		n.scores("m", "", 1, 0)
		return fmt.Sprintf("%s[b,c] scores", n.dtype)
	}
	n.node("s = Reshape(f, %s)", n.ints("places", 0, 4, -1))
	n.node("v = Transpose<perm=[0,2,1]>(s)")
	n.node("m = MatMul(v, %s)\n  l = Add(m, %s)", n.weight(4, per), n.weight(per))
	n.scores("l", "", 2, 0)
	n.node("bm = MatMul(v, %s)\n  boxes = Sigmoid(bm)", n.weight(4, 4))
	return fmt.Sprintf("%s[b,c,d] scores, %s[e,f,h] boxes", n.dtype, n.dtype)
}

// file is a model of the text, by way of a file.
func file(t testing.TB, src string) (*graph.Model, []byte) {
	t.Helper()
	m, err := text.Parse(src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	return reread(t, m)
}

// reread is m as its file has it, and that file.
func reread(t testing.TB, m *graph.Model) (*graph.Model, []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := onnx.Write(&b, m); err != nil {
		t.Fatal(err)
	}
	return parse(t, b.Bytes()), b.Bytes()
}

func parse(t testing.TB, b []byte) *graph.Model {
	t.Helper()
	m, err := onnx.ReadAt(bytes.NewReader(b), int64(len(b)), "m.onnx")
	if err != nil {
		t.Fatal(err)
	}
	return m
}
