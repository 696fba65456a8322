package curves

import (
	"image/color"
	"math"
	"strconv"
	"strings"
	"sync"

	"codeberg.org/go-fonts/liberation/liberationsansregular"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// letters draws text in the embedded font.
var letters = sync.OnceValue(func() text.Handler {
	face, err := opentype.Parse(liberationsansregular.TTF)
	if err != nil {
		panic(err)
	}
	return text.Plain{Fonts: font.NewCache(font.Collection{{Font: sans, Face: face}})}
})

// Font sizes, in points.
const (
	titleSize = 14
	sideSize  = 12
	axisSize  = 11
	tickSize  = 9.5
	labelSize = 10.5
	noteSize  = 9.5
)

// style is the style of text that starts at a point and is vertically centred on it.
func style(size vg.Length, c color.Color) text.Style {
	return text.Style{Font: font.From(sans, size), Color: c, Handler: letters(), YAlign: text.YCenter}
}

// centred is the style of text centred on a point.
func centred(size vg.Length) text.Style {
	s := style(size, color.Black)
	s.XAlign = text.XCenter
	return s
}

// Margins around the frame of a panel, and the length of tick marks.
const (
	leftSpace   = 17 * vg.Millimeter
	rightSpace  = 3 * vg.Millimeter
	topSpace    = 8 * vg.Millimeter
	bottomSpace = 14 * vg.Millimeter
	tickLength  = 2 * vg.Millimeter
	panelGap    = 3 * vg.Millimeter
)

// panels draws the four panels.
func (f *figure) panels(dc draw.Canvas) {
	size := vg.Point{X: (dc.Max.X - dc.Min.X - panelGap) / 2, Y: (dc.Max.Y - dc.Min.Y - panelGap) / 2}
	for row := range rows {
		p := panel{bottom: f.bottom(row), top: f.top(row)}
		p.left, p.right = f.by.ends()
		for side := range sides {
			x, y := dc.Min.X+vg.Length(side)*(size.X+panelGap), dc.Max.Y-size.Y-vg.Length(row)*(size.Y+panelGap)
			p.dc = draw.Canvas{Canvas: dc.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x + leftSpace, Y: y + bottomSpace}, Max: vg.Point{X: x + size.X - rightSpace, Y: y + size.Y - topSpace}}}
			p.axes()
			f.write(p, row, side)
			for i := range f.curves {
				for _, piece := range clipped(f.points[side][i], row, p.bottom, p.top) {
					for k := range piece {
						piece[k] = p.at(float64(piece[k].X), float64(piece[k].Y))
					}
					p.dc.StrokeLines(lineStyle(i), piece)
				}
			}
		}
	}
}

// write draws the title and axis labels of a panel.
func (f *figure) write(p panel, row, side int) {
	middle := p.dc.Center()
	if row == 0 {
		p.dc.FillText(centred(sideSize), vg.Point{X: middle.X, Y: p.dc.Max.Y + topSpace/2}, sides[side])
	} else {
		words := map[Axis]string{Probability: "probability p of the class", Logit: "logit z of the class, log p/(1 − p)"}[f.by]
		p.dc.FillText(centred(axisSize), vg.Point{X: middle.X, Y: p.dc.Min.Y - 0.75*bottomSpace}, words)
	}
	if side == 0 {
		s := centred(axisSize)
		s.Rotation = math.Pi / 2
		p.dc.FillText(s, vg.Point{X: p.dc.Min.X - 0.82*leftSpace, Y: middle.Y}, rows[row])
	}
}

// panel is a frame on a canvas, and the values at its edges.
type panel struct {
	dc                       draw.Canvas
	left, right, bottom, top float64
}

// at is the position of a value.
func (p panel) at(x, y float64) vg.Point {
	return vg.Point{
		X: p.dc.Min.X + (p.dc.Max.X-p.dc.Min.X)*vg.Length((x-p.left)/(p.right-p.left)),
		Y: p.dc.Min.Y + (p.dc.Max.Y-p.dc.Min.Y)*vg.Length((y-p.bottom)/(p.top-p.bottom)),
	}
}

// axes draws the grid, the frame and the tick labels.
func (p panel) axes() {
	grid, line := draw.LineStyle{Color: color.Gray{0xe4}, Width: vg.Points(0.5)}, draw.LineStyle{Color: color.Black, Width: vg.Points(0.6)}
	low, high := p.dc.Min, p.dc.Max
	under, beside := centred(tickSize), style(tickSize, color.Black)
	beside.XAlign = text.XRight
	for _, t := range ticks(p.left, p.right) {
		x := p.at(t.value, p.bottom).X
		p.dc.StrokeLine2(grid, x, low.Y, x, high.Y)
		p.dc.StrokeLine2(line, x, low.Y, x, low.Y-tickLength)
		p.dc.FillText(under, vg.Point{X: x, Y: low.Y - tickLength - 2.4*vg.Millimeter}, t.label)
	}
	for _, t := range ticks(p.bottom, p.top) {
		y := p.at(p.left, t.value).Y
		p.dc.StrokeLine2(grid, low.X, y, high.X, y)
		p.dc.StrokeLine2(line, low.X, y, low.X-tickLength, y)
		p.dc.FillText(beside, vg.Point{X: low.X - tickLength - vg.Millimeter, Y: y}, t.label)
	}
	p.dc.StrokeLines(line, []vg.Point{low, {X: high.X, Y: low.Y}, high, {X: low.X, Y: high.Y}, low})
}

// tick is a mark of an axis.
type tick struct {
	value float64
	label string
}

// ticks is the ticks of an axis: five to ten round numbers.
func ticks(least, greatest float64) []tick {
	raw := (greatest - least) / 5
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	switch {
	case raw >= 5*step:
		step *= 5
	case raw >= 2*step:
		step *= 2
	}
	decimals := max(0, int(-math.Floor(math.Log10(step))))
	var marks []tick
	for k := int(math.Ceil(least/step - 1e-9)); float64(k)*step <= greatest*(1+1e-9); k++ {
		x := float64(k) * step
		marks = append(marks, tick{x, strings.ReplaceAll(strconv.FormatFloat(x, 'f', decimals, 64), "-", "−")})
	}
	return marks
}
