package kernel

import "math"

// DeformColumns unfolds x, of shape (channels, In…) with two spatial
// dimensions, for a deformable convolution: dst has shape (channels, taps,
// Out…) and
//
//	dst[c, k, o] = mask[g, k, o] * x[c] at o*Stride + k*Dilation - PadBegin + offset[g, k, :, o]
//
// interpolated linearly between the four elements around, 0 outside the
// input. g is c's group of channels/groups; offset has shape (groups, taps, 2,
// Out…), rows first; mask, which may be nil, (groups, taps, Out…).
func DeformColumns[T Float](par Parallel, w *Window, channels, groups int, dst, x, offset, mask []T) {
	if channels == 0 || w.outSize == 0 {
		return
	}
	per := channels / groups
	par.Do(channels*w.taps, grainFor(16*w.outSize), func(lo, hi int) {
		for t := lo; t < hi; t++ {
			c, k := t/w.taps, t%w.taps
			plane := x[c*w.inSize:][:w.inSize]
			g := c/per*w.taps + k
			dy, dx := offset[2*g*w.outSize:][:w.outSize], offset[(2*g+1)*w.outSize:][:w.outSize]
			ky := k/w.Kernel[1]*w.Dilation[0] - w.PadBegin[0]
			kx := k%w.Kernel[1]*w.Dilation[1] - w.PadBegin[1]
			for o := range w.outSize {
				y := float64(o/w.Out[1]*w.Stride[0]+ky) + float64(dy[o])
				z := float64(o%w.Out[1]*w.Stride[1]+kx) + float64(dx[o])
				v := interpolated(plane, w.In[0], w.In[1], y, z)
				if mask != nil {
					v *= float64(mask[g*w.outSize+o])
				}
				dst[t*w.outSize+o] = T(v)
			}
		}
	})
}

// interpolated is the value of a plane at (y, x), 0 outside.
func interpolated[T Float](plane []T, height, width int, y, x float64) float64 {
	if !(y > -1 && y < float64(height) && x > -1 && x < float64(width)) {
		return 0
	}
	y0, x0 := int(math.Floor(y)), int(math.Floor(x))
	fy, fx := y-float64(y0), x-float64(x0)
	at := func(i, j int) float64 {
		if i < 0 || i >= height || j < 0 || j >= width {
			return 0
		}
		return float64(plane[i*width+j])
	}
	return (1-fy)*((1-fx)*at(y0, x0)+fx*at(y0, x0+1)) + fy*((1-fx)*at(y0+1, x0)+fx*at(y0+1, x0+1))
}
