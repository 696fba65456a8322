package kernel

import (
	"fmt"
	"math"
)

// Regions is the parameters of RoiAlign.
type Regions struct {
	OutHeight, OutWidth int
	Samples             int     // sampling points per bin and direction; 0: the bin's size, rounded up
	Scale               float64 // from region coordinates to input coordinates
	HalfPixel           bool    // shift coordinates by -½, else regions are at least 1×1
	Max                 bool    // greatest weighted neighbour of the sampling points, else their mean
}

// maxSamples bounds the sampling points of one bin.
const maxSamples = 1 << 20

// bins is one region laid over the input.
type bins struct {
	y, x, h, w float64 // first corner and size of a bin
	gh, gw     int     // sampling points of a bin
}

// RoiAlign samples regions of x, of shape (images, channels, height, width),
// bilinearly. regions has shape (count, 4), as (x0, y0, x1, y1), image the
// number of each one's image; dst has shape (count, channels, OutHeight,
// OutWidth). It is an error if an image does not exist or a region is so large
// that a bin has more than 2^20 sampling points.
func RoiAlign[T Float, I Signed](par Parallel, p *Regions, dst, x []T, images, channels, height, width int, regions []T, image []I) error {
	all := make([]bins, len(image))
	at := make([]int, len(image))
	if err := NormalizeIndices(at, image, images); err != nil {
		return err
	}
	for r := range all {
		b, err := p.layout(float64(regions[4*r]), float64(regions[4*r+1]), float64(regions[4*r+2]), float64(regions[4*r+3]))
		if err != nil {
			return fmt.Errorf("region %d: %w", r, err)
		}
		all[r] = b
	}
	size := p.OutHeight * p.OutWidth
	par.Do(len(image)*channels, grainFor(size*16), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			r, c := t/channels, t%channels
			plane := x[(at[r]*channels+c)*height*width:][:height*width]
			out := dst[t*size:][:size]
			for i := range out {
				out[i] = T(binValue(&all[r], plane, height, width, i/p.OutWidth, i%p.OutWidth, p.Max))
			}
		}
	})
	return nil
}

func (p *Regions) layout(x0, y0, x1, y1 float64) (b bins, err error) {
	shift := 0.0
	if p.HalfPixel {
		shift = 0.5
	}
	b.x, b.y = x0*p.Scale-shift, y0*p.Scale-shift
	w, h := x1*p.Scale-shift-b.x, y1*p.Scale-shift-b.y
	if !p.HalfPixel {
		w, h = max(w, 1), max(h, 1)
	}
	b.w, b.h = w/float64(p.OutWidth), h/float64(p.OutHeight)
	b.gw, b.gh = p.Samples, p.Samples
	if p.Samples <= 0 {
		gw, gh := math.Ceil(b.w), math.Ceil(b.h)
		if !(max(gw, 1)*max(gh, 1) <= maxSamples) {
			return b, fmt.Errorf("size %v×%v is out of range", w, h)
		}
		b.gw, b.gh = int(max(gw, 0)), int(max(gh, 0))
	}
	if b.gw > maxSamples || b.gh > maxSamples || b.gw*b.gh > maxSamples {
		return b, fmt.Errorf("%d sampling points per bin and direction are too many", p.Samples)
	}
	return b, nil
}

// binValue is the mean, or the maximum, over the sampling points of one bin.
func binValue[T Float](b *bins, plane []T, height, width, row, col int, greatest bool) float64 {
	sum, top, any := 0.0, 0.0, false
	for i := range b.gh {
		y := b.y + float64(row)*b.h + (float64(i)+0.5)*b.h/float64(b.gh)
		for j := range b.gw {
			x := b.x + float64(col)*b.w + (float64(j)+0.5)*b.w/float64(b.gw)
			v := bilinear(plane, height, width, y, x)
			sum += v[0] + v[1] + v[2] + v[3]
			m := max(v[0], v[1], v[2], v[3])
			if !any || m > top {
				top, any = m, true
			}
		}
	}
	if greatest {
		return top
	}
	return sum / float64(max(b.gh*b.gw, 1))
}

// bilinear gives the four weighted neighbours of a point. A point within one
// pixel of the plane counts as on its edge; further out, all are 0.
func bilinear[T Float](plane []T, height, width int, y, x float64) (v [4]float64) {
	if !(y >= -1 && y <= float64(height) && x >= -1 && x <= float64(width)) || height == 0 || width == 0 {
		return v
	}
	y, x = max(y, 0), max(x, 0)
	y0, x0 := int(y), int(x)
	y1, x1 := y0+1, x0+1
	if y0 >= height-1 {
		y0, y1 = height-1, height-1
		y = float64(y0)
	}
	if x0 >= width-1 {
		x0, x1 = width-1, width-1
		x = float64(x0)
	}
	fy, fx := y-float64(y0), x-float64(x0)
	return [4]float64{
		(1 - fy) * (1 - fx) * float64(plane[y0*width+x0]),
		(1 - fy) * fx * float64(plane[y0*width+x1]),
		fy * (1 - fx) * float64(plane[y1*width+x0]),
		fy * fx * float64(plane[y1*width+x1]),
	}
}
