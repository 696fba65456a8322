package curves

import (
	"bytes"
	"fmt"
	"image/color"
	"io"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Most is how many curves can be told apart.
const Most = 12

// Formats are the kinds of pictures, by the file's extension.
var Formats = []string{"svg", "png"}

// The size of the picture: the panels, and below them the legend.
const (
	width      = 10 * vg.Inch
	panels     = 7 * vg.Inch
	lineHeight = 5.6 * vg.Millimeter
	margin     = 6 * vg.Millimeter
	resolution = 144 // of png, in dots per inch
)

// Draw writes the picture of the curves in a format: loss above and gradient
// below, positives left and negatives right, each pair on one scale.
func Draw(w io.Writer, format string, curves []Curve, by Axis) error {
	if len(curves) == 0 || len(curves) > Most {
		return fmt.Errorf("%d curves, want 1 to %d", len(curves), Most)
	}
	f := &figure{curves: curves, by: by}
	if err := f.sample(); err != nil {
		return err
	}
	height := panels + vg.Length(f.legendLines())*lineHeight + 2*margin
	var canvas interface {
		vg.CanvasSizer
		io.WriterTo
	}
	switch format {
	case "svg":
		canvas = vgsvg.New(width, height)
	case "png":
		canvas = vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(resolution))}
	default:
		return fmt.Errorf("format %q, want one of %v", format, Formats)
	}
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	if err := f.panels(draw.Crop(dc, margin, -margin, height-panels, -margin/2)); err != nil {
		return err
	}
	f.legend(draw.Crop(dc, margin, -margin, margin/2, -panels-margin/2))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	_, err := w.Write(bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")))
	return err
}

// figure is one Draw under way.
type figure struct {
	curves []Curve
	by     Axis
	points [2][][]point // positive, negative; of each curve
}

func (f *figure) sample() error {
	for side := range f.points {
		for _, c := range f.curves {
			p, err := c.over(f.by, side == 0)
			if err != nil {
				return err
			}
			f.points[side] = append(f.points[side], p)
		}
	}
	return nil
}

// panels draws the four panels.
func (f *figure) panels(dc draw.Canvas) error {
	grid := make([][]*plot.Plot, 2)
	for row := range grid {
		top := f.top(row)
		for side := range f.points {
			p, err := f.panel(row, side, top)
			if err != nil {
				return err
			}
			grid[row] = append(grid[row], p)
		}
	}
	tiles := draw.Tiles{Rows: 2, Cols: 2, PadX: 5 * vg.Millimeter, PadY: 5 * vg.Millimeter}
	for row, line := range plot.Align(grid, tiles, dc) {
		for side, c := range line {
			grid[row][side].Draw(c)
		}
	}
	return nil
}

// sans is the fonts' family, in a size in points.
func sans(size vg.Length) font.Font {
	return font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
}

// ticks is the marks of an axis: five to ten round numbers.
func ticks(least, greatest float64) []plot.Tick {
	raw := (greatest - least) / 5
	step := math.Pow(10, math.Floor(math.Log10(raw)))
	switch {
	case raw >= 5*step:
		step *= 5
	case raw >= 2*step:
		step *= 2
	}
	decimals := max(0, int(-math.Floor(math.Log10(step))))
	var marks []plot.Tick
	for k := int(math.Ceil(least/step - 1e-9)); float64(k)*step <= greatest*(1+1e-9); k++ {
		x := float64(k) * step
		marks = append(marks, plot.Tick{Value: x, Label: strings.ReplaceAll(strconv.FormatFloat(x, 'f', decimals, 64), "-", "−")})
	}
	return marks
}

// of is what a row of panels shows of a point.
func of(row int, p point) float64 {
	if row == 0 {
		return p.value
	}
	return p.grad
}

// top is the upper end of a row's panels: the greatest of what is drawn away
// from the ends of the axis, where many losses have no bound.
func (f *figure) top(row int) float64 {
	top := 0.0
	for _, side := range f.points {
		for _, c := range side {
			for _, p := range c {
				if f.by.central(p.x) {
					top = max(top, of(row, p))
				}
			}
		}
	}
	if !(top > 0) {
		return 1
	}
	return 1.04 * top
}

// bottom is the lower end: 0, or what is below it.
func (f *figure) bottom(row int) float64 {
	least := 0.0
	for _, side := range f.points {
		for _, c := range side {
			for _, p := range c {
				least = min(least, of(row, p))
			}
		}
	}
	return 1.04 * least
}

var (
	sides = [2]string{"positive: the class is true (q = 1)", "negative: the class is not true (q = 0)"}
	rows  = [2]string{"loss", "gradient |dL/dz|"}
)

func (f *figure) panel(row, side int, top float64) (*plot.Plot, error) {
	p := plot.New()
	if row == 0 {
		p.Title.Text = sides[side]
		p.Title.TextStyle.Font = sans(12)
		p.Title.Padding = 3 * vg.Millimeter
	}
	if row == 1 {
		p.X.Label.Text = map[Axis]string{Probability: "probability p of the class", Logit: "logit z of the class, log p/(1 − p)"}[f.by]
	}
	if side == 0 {
		p.Y.Label.Text = rows[row]
	}
	for _, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.TextStyle.Font = sans(11)
		a.Tick.Label.Font = sans(9.5)
		a.Tick.Marker = plot.TickerFunc(ticks)
		a.LineStyle.Width = vg.Points(0.6)
		a.Tick.LineStyle.Width = vg.Points(0.6)
		a.Padding = 0
	}
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Color = color.Gray{0xe4}, color.Gray{0xe4}
	p.Add(grid)
	bottom := f.bottom(row)
	for i := range f.curves {
		for _, piece := range clipped(f.points[side][i], row, bottom, top) {
			l, err := plotter.NewLine(piece)
			if err != nil {
				return nil, err
			}
			l.LineStyle = style(i)
			p.Add(l)
		}
	}
	p.X.Min, p.X.Max = f.by.ends()
	p.Y.Min, p.Y.Max = bottom, top
	return p, nil
}

// clipped is the pieces of a curve between bottom and top, cut where it crosses
// these.
func clipped(points []point, row int, bottom, top float64) []plotter.XYs {
	var pieces []plotter.XYs
	var piece plotter.XYs
	end := func() {
		if len(piece) > 1 {
			pieces = append(pieces, piece)
		}
		piece = nil
	}
	inside := func(y float64) bool { return y >= bottom && y <= top }
	for i, p := range points {
		y := of(row, p)
		if i > 0 {
			if x0, y0 := points[i-1].x, of(row, points[i-1]); inside(y) != inside(y0) {
				edge := top
				if y < bottom || y0 < bottom {
					edge = bottom
				}
				cut := plotter.XY{X: x0 + (p.x-x0)*(edge-y0)/(y-y0), Y: edge}
				piece = append(piece, cut)
				if inside(y0) {
					end()
				}
			}
		}
		if inside(y) {
			piece = append(piece, plotter.XY{X: p.x, Y: y})
		}
	}
	end()
	return pieces
}

// palette is colours that people who confuse some can tell apart (Okabe, Ito,
// Color universal design, 2008), the yellow darkened for lines on white.
var palette = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0x56, 0xb4, 0xe9, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x00, 0x00, 0xff}, {0x9a, 0x8f, 0x00, 0xff},
}

// dashes are what all lines but the first are drawn in, so that one shows under
// another.
var dashes = [][]vg.Length{{7, 3}, {2, 2}, {8, 3, 2, 3}, {12, 4}, {4, 2, 1, 2}}

func style(i int) draw.LineStyle {
	s := draw.LineStyle{Color: palette[i%len(palette)], Width: vg.Points(1.7)}
	if i > 0 {
		s.Dashes = dashes[(i-1)%len(dashes)]
	}
	return s
}
