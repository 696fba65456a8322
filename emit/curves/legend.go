package curves

import (
	"fmt"
	"image/color"
	"slices"

	"github.com/onnxloss/onnxloss/emit/loss"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sample is the length of the line samples in the legend.
const sample = 12 * vg.Millimeter

// columns is the number of columns of the legend: as many as fit the longest label, and at
// most three.
func (f *figure) columns() int {
	longest, letters := vg.Length(0), style(labelSize, color.Black)
	for _, c := range f.curves {
		longest = max(longest, letters.Width(c.Label))
	}
	longest += sample + 8*vg.Millimeter
	return max(1, min(3, int(float64((f.width-2*margin)/longest)), len(f.curves)))
}

// perColumn is the number of curves per column of the legend; the last may have fewer.
func (f *figure) perColumn() int {
	n := f.columns()
	return (len(f.curves) + n - 1) / n
}

// legendLines is the number of lines of the legend, including notes.
func (f *figure) legendLines() int { return f.perColumn() + len(f.notes()) }

// notes explain the slice of a softmax, and how losses of the whole batch are plotted.
func (f *figure) notes() []string {
	softmax, whole := "", ""
	for _, c := range f.curves {
		l := c.row()
		switch {
		case l == nil:
		case l.Activation == loss.Softmax && c.Classes == 2:
			softmax = "softmax: two classes, which have p and 1 − p; in the negative panels the other one is true"
		case l.Activation == loss.Softmax:
			softmax = fmt.Sprintf("softmax: %d classes, of which the others share 1 − p evenly; in the negative panels one of those is true", c.Classes)
		}
		if l != nil && l.Statistics != nil {
			whole = "losses that look at the whole batch: an anchor beside a positive one whose logits are 0"
		}
	}
	return slices.DeleteFunc([]string{softmax, whole}, func(s string) bool { return s == "" })
}

// legend draws the curves' labels in columns, and the notes below them.
func (f *figure) legend(dc draw.Canvas) {
	per, wide := f.perColumn(), (dc.Max.X-dc.Min.X)/vg.Length(f.columns())
	line := func(row int) vg.Length { return dc.Max.Y - (vg.Length(row)+0.5)*lineHeight }
	for i, c := range f.curves {
		x, y := dc.Min.X+vg.Length(i/per)*wide, line(i%per)
		dc.StrokeLine2(lineStyle(i), x, y, x+sample, y)
		dc.FillText(style(labelSize, color.Black), vg.Point{X: x + sample + 2*vg.Millimeter, Y: y}, c.Label)
	}
	for i, n := range f.notes() {
		dc.FillText(style(noteSize, color.Gray{0x50}), vg.Point{X: dc.Min.X, Y: line(per + i)}, n)
	}
}
