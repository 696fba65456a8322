package kernel

import (
	"fmt"
	"math"
)

// Regions is the parameters of RoiAlign.
type Regions struct {
	OutHeight, OutWidth int
	Samples             int     // sampling points per bin and direction; 0: the bin's size in float32, rounded up
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
	if err := normalizeIndices(at, image, images); err != nil {
		return err
	}
	for r := range all {
		b, err := layout(p, regions[4*r], regions[4*r+1], regions[4*r+2], regions[4*r+3])
		if err != nil {
			return fmt.Errorf("region %d: %w", r, err)
		}
		all[r] = b
	}
	size := p.OutHeight * p.OutWidth
	par.Do(len(image)*channels, grainFor(size*16), func(lo, hi int) {
		var rows, cols binTaps
		acc := make([]float64, p.OutWidth)
		last := -1
		for t := lo; t < hi; t++ {
			r, c := t/channels, t%channels
			plane := x[(at[r]*channels+c)*height*width:][:height*width]
			out := dst[t*size:][:size]
			if p.Max {
				for i := range out {
					out[i] = T(binMax(&all[r], plane, height, width, i/p.OutWidth, i%p.OutWidth))
				}
				continue
			}
			if r != last {
				rows.fill(all[r].y, all[r].h, all[r].gh, p.OutHeight, height)
				cols.fill(all[r].x, all[r].w, all[r].gw, p.OutWidth, width)
				last = r
			}
			binMeans(out, plane, width, &rows, &cols, acc)
		}
	})
	return nil
}

// binTaps are the elements of one axis that the bins of a region read, with
// their weights: those of bin i are end[i-1] to end[i]. The points of a bin
// are a grid, so that its mean is a product over the axes.
type binTaps struct {
	index  []int
	weight []float64
	end    []int
}

// fill makes the taps of count bins of the given size from start on, with n
// points each, over an axis of length elements.
func (b *binTaps) fill(start, size float64, n, count, length int) {
	b.index, b.weight, b.end = b.index[:0], b.weight[:0], b.end[:0]
	for i := range count {
		first := len(b.index)
		for j := range n {
			v := start + float64(i)*size + (float64(j)+0.5)*size/float64(n)
			if !(v >= -1 && v <= float64(length)) || length == 0 {
				continue
			}
			k, part := int(max(v, 0)), 0.0
			if k < length-1 {
				part = max(v, 0) - float64(k)
			} else {
				k = length - 1
			}
			b.add(first, k, (1-part)/float64(n))
			if part > 0 {
				b.add(first, k+1, part/float64(n))
			}
		}
		b.end = append(b.end, len(b.index))
	}
}

// add gives element k weight w more, in the bin whose taps begin at first.
func (b *binTaps) add(first, k int, w float64) {
	for t := len(b.index) - 1; t >= max(first, len(b.index)-2); t-- {
		if b.index[t] == k {
			b.weight[t] += w
			return
		}
	}
	b.index, b.weight = append(b.index, k), append(b.weight, w)
}

// binMeans writes the means of all bins of one plane; acc has one element for
// each column of bins.
func binMeans[T Float](out, plane []T, width int, rows, cols *binTaps, acc []float64) {
	y := 0
	for i, end := range rows.end {
		clear(acc)
		for ; y < end; y++ {
			line, w := plane[rows.index[y]*width:][:width], rows.weight[y]
			x := 0
			for j, stop := range cols.end {
				sum := 0.0
				for ; x < stop; x++ {
					sum += cols.weight[x] * float64(line[cols.index[x]])
				}
				acc[j] += w * sum
			}
		}
		for j, v := range acc {
			out[i*len(acc)+j] = T(v)
		}
	}
}

// regionSpan is where a region begins along one axis and how long it is, rounded to
// T: 10·0.3 is 3 in float32 and a little more in float64.
func regionSpan[T Float](p *Regions, from, to T) (start, size T) {
	scale, shift := T(p.Scale), T(0)
	if p.HalfPixel {
		shift = 0.5
	}
	start = T(from*scale) - shift
	size = T(to*scale) - shift - start
	if !p.HalfPixel {
		size = max(size, 1)
	}
	return start, size
}

// adaptive is the number of sampling points along one axis of each of count
// bins of a region. It jumps at whole sizes, so that it is that of float32.
func adaptive[T Float](p *Regions, from, to T, count int) float64 {
	_, size := regionSpan(p, float32(from), float32(to))
	return math.Ceil(float64(size / float32(count)))
}

// layout lays the bins of a region over the input.
func layout[T Float](p *Regions, x0, y0, x1, y1 T) (b bins, err error) {
	x, w := regionSpan(p, x0, x1)
	y, h := regionSpan(p, y0, y1)
	b.x, b.y = float64(x), float64(y)
	b.w, b.h = float64(w)/float64(p.OutWidth), float64(h)/float64(p.OutHeight)
	b.gw, b.gh = p.Samples, p.Samples
	if p.Samples <= 0 {
		gw, gh := adaptive(p, x0, x1, p.OutWidth), adaptive(p, y0, y1, p.OutHeight)
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

// binMax is the greatest weighted neighbour of the sampling points of one bin.
func binMax[T Float](b *bins, plane []T, height, width, row, col int) float64 {
	top, any := 0.0, false
	for i := range b.gh {
		y := b.y + float64(row)*b.h + (float64(i)+0.5)*b.h/float64(b.gh)
		for j := range b.gw {
			x := b.x + float64(col)*b.w + (float64(j)+0.5)*b.w/float64(b.gw)
			v := bilinear(plane, height, width, y, x)
			if m := max(v[0], v[1], v[2], v[3]); !any || m > top {
				top, any = m, true
			}
		}
	}
	return top
}

// bilinear returns the four weighted neighbours of a point. A point within one
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
