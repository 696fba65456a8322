package curves

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"image/png"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// curve is a loss with its defaults.
func curve(name string, classes int) Curve {
	l, _, err := find(name)
	if err != nil {
		panic(err)
	}
	if l.Activation == loss.Sigmoid {
		classes = 1
	}
	c := Curve{Label: name, Options: l.Plain(classes), Classes: classes}
	if last := classes - 1; l.Background {
		c.Options.Background = &last
	}
	return c
}

func points(t *testing.T, c Curve, by Axis, positive bool) []point {
	t.Helper()
	p, err := c.over(by, positive)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestFormulas holds curves to the formulas of the papers, over p and over z.
func TestFormulas(t *testing.T) {
	focal := func(p float64) float64 { return -0.25 * (1 - p) * (1 - p) * math.Log(p) }
	for name, f := range map[string]struct {
		classes            int
		positive, negative func(p float64) float64
		gradient           func(p float64) float64 // of the positive
	}{
		"bce":           {1, func(p float64) float64 { return -math.Log(p) }, func(p float64) float64 { return -math.Log(1 - p) }, func(p float64) float64 { return 1 - p }},
		"sigmoid-focal": {1, focal, func(p float64) float64 { return 3 * focal(1-p) }, func(p float64) float64 { return 0.25 * (1 - p) * (1 - p) * (1 - p - 2*p*math.Log(p)) }},
		"ce":            {5, func(p float64) float64 { return -math.Log(p) }, func(p float64) float64 { return -math.Log((1 - p) / 4) }, func(p float64) float64 { return 1 - p }},
		"ohem-ce":       {2, func(p float64) float64 { return -math.Log(p) }, func(p float64) float64 { return -math.Log(1 - p) }, func(p float64) float64 { return 1 - p }},
		"modified-ce-softmax": {2, func(p float64) float64 { return -2 * math.Log(p) }, func(p float64) float64 { return -2 * math.Log(1-p) },
			func(p float64) float64 { return 2 * (1 - p) }},
	} {
		for _, by := range []Axis{Probability, Logit} {
			pos, neg := points(t, curve(name, f.classes), by, true), points(t, curve(name, f.classes), by, false)
			for i := range pos {
				p := pos[i].x
				if by == Logit {
					p = 1 / (1 + math.Exp(-p))
				}
				for what, d := range map[string]float64{
					"positive": pos[i].value - f.positive(p), "negative": neg[i].value - f.negative(p), "gradient": pos[i].grad - f.gradient(p),
				} {
					if !(math.Abs(d) < 1e-9) {
						t.Fatalf("%s over %s: %s at p = %v is off by %g", name, by, what, p, d)
					}
				}
			}
		}
	}
}

// TestPictures draws every loss of the table in both formats, the same bytes each
// time.
func TestPictures(t *testing.T) {
	var all []Curve
	for _, l := range loss.All() {
		all = append(all, curve(l.Name, 3))
	}
	for len(all) > 0 {
		some := all[:min(Most, len(all))]
		all = all[len(some):]
		for _, format := range Formats {
			if format != "svg" && len(all) > 0 {
				continue // slow; the last ones will do
			}
			var first, again bytes.Buffer
			for _, b := range []*bytes.Buffer{&first, &again} {
				if err := Draw(b, some, Options{Format: format, By: Logit, Title: "losses < & >"}); err != nil {
					t.Fatal(err)
				}
			}
			if !bytes.Equal(first.Bytes(), again.Bytes()) {
				t.Errorf("%s: not the same bytes", format)
			}
			switch format {
			case "png":
				checkPNG(t, first.Bytes())
			case "svg":
				checkSVG(t, first.Bytes(), some)
			case "pdf":
				if b := first.Bytes(); !bytes.HasPrefix(b, []byte("%PDF-1.")) || !bytes.Contains(b[len(b)-8:], []byte("%%EOF")) {
					t.Errorf("no PDF: %.20q … %q", b, b[max(0, len(b)-20):])
				}
			}
		}
	}
}

func checkPNG(t *testing.T, b []byte) {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	colours := map[[3]uint32]bool{}
	for y := range img.Bounds().Dy() {
		for x := range img.Bounds().Dx() {
			r, g, b, _ := img.At(x, y).RGBA()
			colours[[3]uint32{r, g, b}] = true
		}
	}
	if img.Bounds().Dx() != DefaultWidth*resolution || len(colours) < 20 {
		t.Errorf("%v with %d colours", img.Bounds(), len(colours))
	}
}

// checkSVG wants well-formed text in which every curve has a label.
func checkSVG(t *testing.T, b []byte, some []Curve) {
	t.Helper()
	d := xml.NewDecoder(bytes.NewReader(b))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	text := string(b)
	for _, c := range some {
		if !strings.Contains(text, ">"+c.Label+"</text>") {
			t.Errorf("no label %q", c.Label)
		}
	}
	for _, s := range append(append([]string{"losses &lt; &amp; &gt;"}, sides[:]...), rows[:]...) {
		if !strings.Contains(text, s) {
			t.Errorf("no text %q", s)
		}
	}
	if strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("a coordinate is no number")
	}
}

func TestClipped(t *testing.T) {
	pieces := clipped([]point{{0, 3, 0}, {1, 1, 0}, {2, -1, 0}, {3, 1, 0}}, 0, 0, 2)
	want := "[[{0.5 2} {1 1} {1.5 0}] [{2.5 0} {3 1}]]"
	if got := fmt.Sprint(pieces); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		least, greatest float64
		want            string
	}{
		{0, 1, "0.0 0.2 0.4 0.6 0.8 1.0"},
		{-8, 8, "−8 −6 −4 −2 0 2 4 6 8"},
		{0, 0.0123, "0.000 0.002 0.004 0.006 0.008 0.010 0.012"},
		{0, 740, "0 100 200 300 400 500 600 700"},
	} {
		var got []string
		for _, m := range ticks(c.least, c.greatest) {
			got = append(got, m.label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%v to %v: %v, want %s", c.least, c.greatest, got, c.want)
		}
	}
}

func TestRefused(t *testing.T) {
	one := []Curve{curve("bce", 1)}
	for _, c := range []struct {
		format string
		curves []Curve
		size   float64
	}{{"gif", one, 0}, {"svg", nil, 0}, {"svg", make([]Curve, Most+1), 0}, {"svg", []Curve{{Options: loss.Options{Name: "nope"}}}, 0}, {"png", one, 1}, {"png", one, 1e9}, {"pdf", one, math.NaN()}} {
		if err := Draw(io.Discard, c.curves, Options{Format: c.format, By: Probability, Width: c.size}); err == nil {
			t.Errorf("%s of %d curves: no error", c.format, len(c.curves))
		}
	}
}
