package picture

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"

	"github.com/dop251/goja"
	"github.com/onnxloss/onnxloss/patterns"
)

//go:embed dagre/dagre.min.js
var dagre string

// plain is the one function of browsers that dagre calls, for plain data: the
// attributes of the graph.
const plain = `function structuredClone(x) { return JSON.parse(JSON.stringify(x)) }`

// place puts the boxes of a drawing onto a plane. It takes and gives JSON, so
// that nothing but numbers passes into the interpreter.
const place = `(function(text) {
  const d = JSON.parse(text)
  const g = new dagre.graphlib.Graph()
  g.setGraph({rankdir: "TB", nodesep: 22, ranksep: 34, edgesep: 14, marginx: 0, marginy: 0})
  d.sizes.forEach(([width, height], i) => g.setNode(String(i), {width, height}))
  d.edges.forEach(([from, to, weight]) => g.setEdge(String(from), String(to), {weight}))
  dagre.layout(g)
  const {width, height} = g.graph()
  return JSON.stringify({
    width, height,
    boxes: d.sizes.map((_, i) => [g.node(String(i)).x, g.node(String(i)).y]),
    lines: d.edges.map(([from, to]) => g.edge(String(from), String(to)).points.map(p => [p.x, p.y])),
  })
})`

// sizes are the widths and heights of boxes, and edges between them: from, to,
// and how straight and short the edge is to be.
type sizes struct {
	Sizes [][2]float64 `json:"sizes"`
	Edges [][3]int     `json:"edges"`
}

// layout is where boxes have their centres, and edges their bends.
type layout struct {
	Width, Height float64
	Boxes         [][2]float64
	Lines         [][][2]float64
}

// arrange lays out boxes in layers, edges leading down.
func arrange(ctx context.Context, s *sizes) (*layout, error) {
	vm := goja.New()
	stop := context.AfterFunc(ctx, func() { vm.Interrupt(ctx.Err()) })
	defer stop()
	var v goja.Value
	for _, script := range []string{plain, dagre, place} {
		var err error
		if v, err = vm.RunString(script); err != nil {
			return nil, fmt.Errorf("dagre: %w", err)
		}
	}
	f, ok := goja.AssertFunction(v)
	if !ok {
		return nil, fmt.Errorf("dagre: %v is no function", v)
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	v, err = f(goja.Undefined(), vm.ToValue(string(text)))
	if e := ctx.Err(); e != nil {
		return nil, e
	}
	if err != nil {
		return nil, fmt.Errorf("dagre: %w", err)
	}
	l := &layout{}
	if err := json.Unmarshal([]byte(v.String()), l); err != nil {
		return nil, fmt.Errorf("dagre: %w", err)
	}
	return l, nil
}

// mirror turns the picture so that the first of several class logits, or where
// there is but one of several features, lies to the left of the last.
func (l *layout) mirror(e *patterns.Excerpt) {
	for _, t := range []patterns.Tint{patterns.Logits, patterns.Feature} {
		first, last := -1, -1
		for i, b := range e.Blocks {
			if b.Tint == t {
				if first < 0 {
					first = i
				}
				last = i
			}
		}
		switch {
		case first == last:
			continue
		case l.Boxes[first][0] > l.Boxes[last][0]:
			l.turn()
		}
		return
	}
}

// turn exchanges left and right.
func (l *layout) turn() {
	for i := range l.Boxes {
		l.Boxes[i][0] = l.Width - l.Boxes[i][0]
	}
	for _, line := range l.Lines {
		for i := range line {
			line[i][0] = l.Width - line[i][0]
		}
	}
}
