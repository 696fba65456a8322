package picture

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/onnxloss/onnxloss/patterns"
)

// Caption is what is written above a picture.
type Caption struct {
	Title, Text string
}

// paint is how a role is coloured.
type paint struct {
	tint         patterns.Tint
	fill, border string
	words        string // in the legend
}

// palette has the roles in the order of the legend. Its hues stay apart for
// the colour-blind (after Okabe and Ito, "Color Universal Design", 2008).
var palette = []paint{
	{patterns.Feature, "#ffffff", "#7f8c8d", "shared feature"},
	{patterns.Logits, "#009e73", "#00614a", "class logits"},
	{patterns.Classes, "#d3f1e7", "#009e73", "classes"},
	{patterns.Activated, "#fbe3b8", "#c97f00", "activation"},
	{patterns.Background, "#f6d5e6", "#b1467f", "background cut off"},
	{patterns.Boxes, "#d6ebf9", "#0072b2", "boxes"},
	{patterns.Confidence, "#fff6b5", "#b5a100", "objectness"},
	{patterns.Mixed, "#e6e3f4", "#5f55a0", "mixed channels"},
	{patterns.Network, "#eef1f4", "#7f8c8d", "network"},
	{patterns.Loss, "#fbdcd6", "#c0392b", "loss and gradient"},
	{patterns.Post, "#eeeeee", "#8a8a8a", "post-processing"},
	{patterns.Ends, "#3b4652", "#1f2730", "output of the graph"},
}

func paintOf(t patterns.Tint) paint {
	i := slices.IndexFunc(palette, func(p paint) bool { return p.tint == t })
	if i < 0 {
		i = slices.IndexFunc(palette, func(p paint) bool { return p.tint == patterns.Post })
	}
	return palette[i]
}

// Sizes in pixels: of letters, of lines, and of the space around a block's
// text and around the picture.
const (
	letter     = 6.65 // of the monospaced 11 px font, which has 0.6 em
	boldLetter = 8.4  // of the bold 13 px font, at the most
	lineHeight = 15
	padX, padY = 10, 7
	margin     = 24
	headHeight = 84
)

// SVG is the picture of e.
func SVG(ctx context.Context, e *patterns.Excerpt, c Caption) ([]byte, error) {
	d, err := draw(ctx, e, c, "")
	if err != nil {
		return nil, err
	}
	return append([]byte(`<?xml version="1.0" encoding="UTF-8"?>`+"\n"), d...), nil
}

// draw is the element svg, in which all names begin with prefix.
func draw(ctx context.Context, e *patterns.Excerpt, c Caption, prefix string) ([]byte, error) {
	s := &sizes{Sizes: [][2]float64{}, Edges: [][3]int{}}
	for _, b := range e.Blocks {
		s.Sizes = append(s.Sizes, measure(b))
	}
	for _, x := range e.Edges {
		weight := 1
		if isClass(e.Blocks[x[0]].Tint) && isClass(e.Blocks[x[1]].Tint) {
			weight = 4
		}
		s.Edges = append(s.Edges, [3]int{x[0], x[1], weight})
	}
	l, err := arrange(ctx, s)
	if err != nil {
		return nil, err
	}
	l.mirror(e)
	legend, wide := drawLegend(e)
	width := max(l.Width, wide, float64(utf8.RuneCountInString(clean(c.Title, 90)))*9, float64(utf8.RuneCountInString(clean(c.Text, 140)))*6.4) + 2*margin
	height := l.Height + 2*margin + headHeight
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%.0f" height="%.0f" viewBox="0 0 %.0f %.0f" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>%s</title>\n<style>%s</style>\n", escape(clean(c.Title, detailRunes)), styles())
	b.WriteString(markers(prefix))
	fmt.Fprintf(&b, `<rect class="paper" width="%.0f" height="%.0f" fill="#ffffff"/>`+"\n", width, height)
	fmt.Fprintf(&b, `<text class="title" x="%d" y="%d">%s</text>`+"\n", margin, margin+8, escape(clean(c.Title, 90)))
	fmt.Fprintf(&b, `<text class="text" x="%d" y="%d">%s</text>`+"\n", margin, margin+28, escape(clean(c.Text, 140)))
	b.WriteString(legend)
	fmt.Fprintf(&b, `<g transform="translate(%.1f %d)">`+"\n", (width-l.Width)/2, margin+headHeight)
	for i, x := range e.Edges {
		drawEdge(&b, x, l.Lines[i], e, prefix)
	}
	for i, x := range e.Blocks {
		drawBlock(&b, fmt.Sprintf("%sb%d", prefix, i), x, l.Boxes[i], s.Sizes[i])
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes(), nil
}

func isClass(t patterns.Tint) bool {
	return t == patterns.Logits || t == patterns.Classes || t == patterns.Activated || t == patterns.Background
}

// measure is the width and height of a block.
func measure(b *patterns.Block) [2]float64 {
	w := 60.0
	text := lines(b)
	for i, t := range text {
		n := float64(utf8.RuneCountInString(t))
		if i == 0 {
			w = max(w, n*boldLetter)
		} else {
			w = max(w, n*letter)
		}
	}
	return [2]float64{float64(int(w)) + 2*padX, float64(len(text)*lineHeight + 2*padY)}
}

func drawBlock(b *bytes.Buffer, id string, x *patterns.Block, at, size [2]float64) {
	p := paintOf(x.Tint)
	left, top := at[0]-size[0]/2, at[1]-size[1]/2
	dash, round := "", 6
	if x.Tint == patterns.Feature {
		dash = ` stroke-dasharray="4 3"`
	}
	if x.Tint == patterns.Ends {
		round = 18
	}
	dark := ""
	if x.Tint == patterns.Logits || x.Tint == patterns.Ends {
		dark = " dark"
	}
	fmt.Fprintf(b, `<g class="block%s" id="%s" tabindex="0"><title>%s</title>`, dark, id, escape(strings.Join(details(x), "\n")))
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.0f" height="%.0f" rx="%d" fill="%s" stroke="%s"%s/>`, left, top, size[0], size[1], round, p.fill, p.border, dash)
	for k, t := range lines(x) {
		class := "name"
		if k == 0 {
			class = "op"
		}
		fmt.Fprintf(b, `<text class="%s" x="%.1f" y="%.1f">%s</text>`, class, at[0], top+padY+float64(k)*lineHeight+11, escape(t))
	}
	b.WriteString("</g>\n")
}

// drawEdge draws a smooth line through points, whose bends are the control
// points of quadratic curves.
func drawEdge(b *bytes.Buffer, x [2]int, points [][2]float64, e *patterns.Excerpt, prefix string) {
	from := e.Blocks[x[0]].Tint
	p := paintOf(from)
	wide := 1.3
	if isClass(from) && isClass(e.Blocks[x[1]].Tint) {
		wide = 2.4
	}
	var d strings.Builder
	fmt.Fprintf(&d, "M%.1f %.1f", points[0][0], points[0][1])
	for i := 1; i < len(points)-1; i++ {
		end := points[i+1]
		if i < len(points)-2 {
			end = [2]float64{(points[i][0] + end[0]) / 2, (points[i][1] + end[1]) / 2}
		}
		fmt.Fprintf(&d, "Q%.1f %.1f %.1f %.1f", points[i][0], points[i][1], end[0], end[1])
	}
	if len(points) == 2 {
		fmt.Fprintf(&d, "L%.1f %.1f", points[1][0], points[1][1])
	}
	k := slices.IndexFunc(palette, func(q paint) bool { return q.tint == p.tint })
	fmt.Fprintf(b, `<path class="edge" data-from="%sb%d" data-to="%sb%d" d="%s" stroke="%s" stroke-width="%.1f" marker-end="url(#%sm%d)"/>`+"\n", prefix, x[0], prefix, x[1], d.String(), p.border, wide, prefix, k)
}

// drawLegend is the legend of the roles that e has, and its width.
func drawLegend(e *patterns.Excerpt) (string, float64) {
	var b strings.Builder
	x := float64(margin)
	for _, p := range palette {
		if !slices.ContainsFunc(e.Blocks, func(k *patterns.Block) bool { return k.Tint == p.tint }) {
			continue
		}
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="16" height="12" rx="3" fill="%s" stroke="%s"/>`, x, margin+42, p.fill, p.border)
		fmt.Fprintf(&b, `<text class="text" x="%.1f" y="%d">%s</text>`+"\n", x+22, margin+52, p.words)
		x += 22 + float64(len(p.words))*6.4 + 20
	}
	return b.String(), x - margin
}

func styles() string {
	return `text{font-family:ui-sans-serif,system-ui,"Segoe UI",Helvetica,Arial,"DejaVu Sans",sans-serif;fill:#1f2730}` +
		`.title{font-size:16px;font-weight:600}.text{font-size:12px;fill:#4a5560}` +
		`.op{font-size:13px;font-weight:600;text-anchor:middle}` +
		`.name{font-size:11px;text-anchor:middle;font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace;fill:#3b4652}` +
		`.dark text{fill:#ffffff}.edge{fill:none}.block{outline:none}` +
		`.block:hover rect,.block:focus rect{stroke-width:2.6}`
}

// markers are the arrow heads, one for each colour of an edge.
func markers(prefix string) string {
	var b strings.Builder
	b.WriteString("<defs>")
	for i, p := range palette {
		fmt.Fprintf(&b, `<marker id="%sm%d" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0L8 4L0 8z" fill="%s"/></marker>`, prefix, i, p.border)
	}
	b.WriteString("</defs>\n")
	return b.String()
}
