package curves

import (
	"bytes"
	"fmt"
	"image/color"
	"io"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Most is the greatest number of curves that can be told apart.
const Most = 12

// Formats are the supported formats, by file extension.
var Formats = []string{"svg", "png", "pdf"}

// Options are the options of a plot.
type Options struct {
	Format string // one of Formats
	By     Axis
	Title  string // above the panels; may be empty
	// Width and Height are in inches; 0 means DefaultWidth, and a height that fits the
	// whole legend.
	Width, Height float64
}

// The least, the usual and the greatest width and height of a picture, in inches.
const (
	LeastSize     = 4
	DefaultWidth  = 10
	defaultPanels = 7 // the height of the panels
	GreatestSize  = 60
)

// Sizes of the plot's parts, and the resolution of PNG in dots per inch.
const (
	lineHeight = 5.6 * vg.Millimeter
	margin     = 6 * vg.Millimeter
	resolution = 144
)

// Draw writes a plot of the curves: loss above, gradient below, positives on the left and
// negatives on the right, with the same scale left and right.
func Draw(w io.Writer, curves []Curve, o Options) error {
	if len(curves) == 0 || len(curves) > Most {
		return fmt.Errorf("%d curves, want 1 to %d", len(curves), Most)
	}
	for _, size := range []float64{o.Width, o.Height} {
		if size != 0 && !(size >= LeastSize && size <= GreatestSize) {
			return fmt.Errorf("size is %g inches, want %d to %d", size, LeastSize, GreatestSize)
		}
	}
	f := &figure{curves: curves, by: o.By, width: vg.Length(o.Width) * vg.Inch}
	if o.Width == 0 {
		f.width = DefaultWidth * vg.Inch
	}
	if err := f.sample(); err != nil {
		return err
	}
	legend, title := vg.Length(f.legendLines())*lineHeight+2*margin, vg.Length(0)
	if o.Title != "" {
		title = 2 * lineHeight
	}
	height := vg.Length(o.Height) * vg.Inch
	if o.Height == 0 {
		height = defaultPanels*vg.Inch + legend + title
	}
	if height-legend-title < vg.Inch {
		return fmt.Errorf("a height of %g inches leaves no room for the panels beside a legend of %d lines", o.Height, f.legendLines())
	}
	canvas, err := newCanvas(o.Format, f.width, height)
	if err != nil {
		return err
	}
	dc := draw.New(canvas)
	dc.SetColor(color.White)
	dc.Fill(dc.Rectangle.Path())
	if o.Title != "" {
		dc.FillText(centred(titleSize), vg.Point{X: f.width / 2, Y: height - 1.2*lineHeight}, o.Title)
	}
	f.panels(draw.Crop(dc, margin, -margin, legend, -title-margin/2))
	f.legend(draw.Crop(dc, margin, -margin, margin/2, legend-height-margin/2))
	var b bytes.Buffer
	if _, err := canvas.WriteTo(&b); err != nil {
		return err
	}
	_, err = w.Write(bytes.ReplaceAll(b.Bytes(), []byte("font-family:Liberation Sans;"), []byte("font-family:Liberation Sans,Arial,Helvetica,sans-serif;")))
	return err
}

// newCanvas is an empty canvas.
func newCanvas(format string, width, height vg.Length) (vg.CanvasWriterTo, error) {
	switch format {
	case "svg":
		return vgsvg.New(width, height), nil
	case "png":
		return vgimg.PngCanvas{Canvas: vgimg.NewWith(vgimg.UseWH(width, height), vgimg.UseDPI(resolution))}, nil
	case "pdf":
		return vgpdf.New(width, height), nil
	}
	return nil, fmt.Errorf("format %q, want one of %v", format, Formats)
}

// figure is the state of one Draw.
type figure struct {
	curves []Curve
	by     Axis
	width  vg.Length
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

// of is the value of a point that a row of panels shows.
func of(row int, p point) float64 {
	if row == 0 {
		return p.value
	}
	return p.grad
}

// top is the upper end of a row's panels: the greatest value not near the ends of the axis,
// where many losses are unbounded.
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

// bottom is the lower end: 0, or the least value if that is negative.
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

// Titles and axis labels of the panels.
var (
	sides = [2]string{"positive: the class is true (q = 1)", "negative: the class is not true (q = 0)"}
	rows  = [2]string{"loss", "gradient |dL/dz|"}
)

// clipped is the pieces of a curve between bottom and top, in the units of the axes.
func clipped(points []point, row int, bottom, top float64) [][]vg.Point {
	var pieces [][]vg.Point
	var piece []vg.Point
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
				cut := vg.Point{X: vg.Length(x0 + (p.x-x0)*(edge-y0)/(y-y0)), Y: vg.Length(edge)}
				piece = append(piece, cut)
				if inside(y0) {
					end()
				}
			}
		}
		if inside(y) {
			piece = append(piece, vg.Point{X: vg.Length(p.x), Y: vg.Length(y)})
		}
	}
	end()
	return pieces
}

// palette is colours that colour-blind people can tell apart (Okabe, Ito, Color universal
// design, 2008), with the yellow darkened for lines on white.
var palette = []color.RGBA{
	{0x00, 0x72, 0xb2, 0xff}, {0xd5, 0x5e, 0x00, 0xff}, {0x00, 0x9e, 0x73, 0xff}, {0xcc, 0x79, 0xa7, 0xff},
	{0x56, 0xb4, 0xe9, 0xff}, {0xe6, 0x9f, 0x00, 0xff}, {0x00, 0x00, 0x00, 0xff}, {0x9a, 0x8f, 0x00, 0xff},
}

// dashes are the dash patterns of all lines but the first, so that overlapping lines stay
// visible.
var dashes = [][]vg.Length{{7, 3}, {2, 2}, {8, 3, 2, 3}, {12, 4}, {4, 2, 1, 2}}

// lineStyle is the style of curve i.
func lineStyle(i int) draw.LineStyle {
	s := draw.LineStyle{Color: palette[i%len(palette)], Width: vg.Points(1.7)}
	if i > 0 {
		s.Dashes = dashes[(i-1)%len(dashes)]
	}
	return s
}
