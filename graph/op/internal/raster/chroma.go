package raster

import "image"

// fromJPEG converts a JPEG's planes. Those of chroma that have half the width
// or height are interpolated as the schema says: each sample becomes two, of
// ¾ of it and ¼ of its neighbour, half-way values rounded down and up by turns.
func (p *Pixels) fromJPEG(img *image.YCbCr) {
	cb, cr := chroma(img, img.Cb), chroma(img, img.Cr)
	for i := range p.rgb {
		y := float64(img.Y[i/p.Width*img.YStride+i%p.Width])
		b, r := float64(cb.at(i%p.Width, i/p.Width)-128), float64(cr.at(i%p.Width, i/p.Width)-128)
		p.rgb[i] = [3]uint8{toByte(y + 1.402*r), toByte(y - 0.344136286*b - 0.714136286*r), toByte(y + 1.772*b)}
	}
}

func toByte(v float64) uint8 { return uint8(min(max(v+0.5, 0), 255)) }

// plane is a plane of chroma samples at full size, or at their own where
// halved says that they stand for two.
type plane struct {
	data                  []uint8
	stride, width, height int
	halfWide, halfHigh    bool
}

func chroma(img *image.YCbCr, data []uint8) plane {
	b := img.Bounds()
	p := plane{data: data, stride: img.CStride, width: b.Dx(), height: b.Dy()}
	switch img.SubsampleRatio {
	case image.YCbCrSubsampleRatio420:
		p.halfWide, p.halfHigh = true, true
	case image.YCbCrSubsampleRatio422:
		p.halfWide = true
	case image.YCbCrSubsampleRatio440:
		p.halfHigh = true
	}
	if p.halfWide {
		p.width = (p.width + 1) / 2
	}
	if p.halfHigh {
		p.height = (p.height + 1) / 2
	}
	return p
}

// at is the sample for the pixel in column x and row y.
func (p plane) at(x, y int) int {
	get := func(cx, cy int) int {
		return int(p.data[min(max(cy, 0), p.height-1)*p.stride+min(max(cx, 0), p.width-1)])
	}
	cx, cy, nx, ny := x, y, x, y
	if p.halfWide {
		cx, nx = x/2, x/2-1+x%2*2
	}
	if p.halfHigh {
		cy, ny = y/2, y/2-1+y%2*2
	}
	switch {
	case p.halfWide && p.halfHigh:
		v := 9*get(cx, cy) + 3*get(nx, cy) + 3*get(cx, ny) + get(nx, ny)
		return (v + 8 - x%2) >> 4
	case p.halfWide:
		return (3*get(cx, y) + get(nx, y) + 1 + x%2) >> 2
	case p.halfHigh:
		return (3*get(x, cy) + get(x, ny) + 1 + y%2) >> 2
	}
	return get(x, y)
}

// fromVP8 converts the planes of a lossy WebP, whose luma lies in 16 to 235
// (RFC 6386, section 9.2), with chroma interpolated and both rounded as libwebp
// does.
func (p *Pixels) fromVP8(img *image.YCbCr) {
	cb, cr := chroma(img, img.Cb), chroma(img, img.Cr)
	high := func(v, scale int) int { return v * scale >> 8 }
	clip := func(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
	for i := range p.rgb {
		x, y := i%p.Width, i/p.Width
		luma := high(int(img.Y[y*img.YStride+x]), 19077)
		u, v := cb.between(x, y), cr.between(x, y)
		p.rgb[i] = [3]uint8{clip(luma + high(v, 26149) - 14234), clip(luma - high(u, 6419) - high(v, 13320) + 8708), clip(luma + high(u, 33050) - 17685)}
	}
}

// between is at with libwebp's roundings, of a plane of half the width and
// height.
func (p plane) between(x, y int) int {
	get := func(cx, cy int) int {
		return int(p.data[min(max(cy, 0), p.height-1)*p.stride+min(max(cx, 0), p.width-1)])
	}
	cx, nx, cy, ny := x/2, x/2-1+x%2*2, y/2, y/2-1+y%2*2
	near, wide, high, far := get(cx, cy), get(nx, cy), get(cx, ny), get(nx, ny)
	return ((near+far+3*(wide+high)+8)>>3 + near) >> 1
}
