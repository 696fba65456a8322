package op

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the formats that the operator knows
	_ "image/png"
	"io"

	"github.com/onnxloss/onnxloss/graph"
	bound "github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/op/flow"
	"github.com/onnxloss/onnxloss/graph/tensor"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

func init() {
	Register(&Op{
		Name: "ImageDecoder", Equation: "y = the pixels of an encoded image, rows first and channels last; none if it cannot be decoded", Versions: []int64{20},
		Flow: flow.Flow{Pass: flow.Untraced}, In: Arity{1, 1}, Out: Arity{1, 1}, NoGrad: "its input is a file",
		Infer: func(c *Infer) error {
			channels, err := pixelChannels(c.Node)
			c.Set(0, tensor.Uint8, graph.Shape{graph.Unknown(), graph.Unknown(), graph.Known(int64(channels))})
			return err
		},
		Kernel: makeImageDecoder,
	})
}

func pixelChannels(n *graph.Node) (int, error) {
	switch f := n.Str("pixel_format", "RGB"); f {
	case "RGB", "BGR":
		return 3, nil
	case "Grayscale":
		return 1, nil
	default:
		return 0, attrError("pixel_format", f, "RGB, BGR or Grayscale")
	}
}

func makeImageDecoder(s *Spec) (Kernel, error) {
	channels, err := pixelChannels(s.Node)
	if err != nil {
		return nil, err
	}
	reversed := s.Str("pixel_format", "RGB") == "BGR"
	return func(x *Call) error {
		in := x.In[0]
		if in.DType != tensor.Uint8 || in.Rank() != 1 {
			return x.InputError(0, "%v, want a vector of uint8", in)
		}
		p, err := decodeImage(x, tensor.Data[uint8](in))
		var large *tooLarge
		switch {
		case errors.As(err, &large):
			return fmt.Errorf("input 0: %w", large.err)
		case err != nil:
			p = &pixels{} // what the schema asks for
		}
		out, err := x.New(0, tensor.Uint8, p.height, p.width, channels)
		if err != nil {
			return err
		}
		p.write(tensor.Data[uint8](out), channels, reversed)
		return nil
	}, nil
}

// decodeImage reads an image in any of the formats that Go's libraries have, or
// a portable anymap.
func decodeImage(x *Call, data []byte) (*pixels, error) {
	if len(data) > 1 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' {
		return decodeAnymap(x, data)
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	p, err := newPixels(x, head.Width, head.Height)
	if err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if img.Bounds().Dx() != p.width || img.Bounds().Dy() != p.height {
		return nil, fmt.Errorf("a %s image of %v, want %d by %d as its header says", format, img.Bounds(), p.width, p.height)
	}
	if y, ok := img.(*image.YCbCr); ok && format == "jpeg" {
		p.fromJPEG(y)
		return p, nil
	} else if ok && format == "webp" {
		p.fromVP8(y)
		return p, nil
	}
	b := img.Bounds()
	for i := range p.rgb {
		c := color.NRGBAModel.Convert(img.At(b.Min.X+i%p.width, b.Min.Y+i/p.width)).(color.NRGBA)
		p.rgb[i] = [3]uint8{c.R, c.G, c.B}
	}
	return p, nil
}

// pixels is a decoded image, row by row.
type pixels struct {
	width, height int
	rgb           [][3]uint8
}

// tooLarge is the error of an image that may be sound.
type tooLarge struct{ err error }

func (t *tooLarge) Error() string { return t.err.Error() }

// pixelBytes is the most that a decoder takes for a pixel, that of a
// progressive JPEG without subsampling: coefficients, samples and result.
const pixelBytes = 12 + 3 + 3

// newPixels takes the memory of the image from the run's.
func newPixels(x *Call, width, height int) (*pixels, error) {
	if width < 0 || height < 0 || height > 0 && width > bound.Pixels/height {
		return nil, &tooLarge{fmt.Errorf("an image of %d by %d pixels is too large", width, height)}
	}
	t, err := x.Temp(tensor.Uint8, height, width, pixelBytes)
	if err != nil {
		return nil, &tooLarge{err}
	}
	x.Env.Free(t)
	return &pixels{width, height, make([][3]uint8, width*height)}, nil
}

// write puts the pixels into dst, with one channel as ITU-R BT.601's luma.
func (p *pixels) write(dst []uint8, channels int, reversed bool) {
	for i, c := range p.rgb {
		switch {
		case channels == 1:
			dst[i] = uint8((19595*uint32(c[0]) + 38470*uint32(c[1]) + 7471*uint32(c[2]) + 1<<15) >> 16)
		case reversed:
			dst[3*i], dst[3*i+1], dst[3*i+2] = c[2], c[1], c[0]
		default:
			copy(dst[3*i:], c[:])
		}
	}
}

// fromJPEG converts a JPEG's planes. Those of chroma that have half the width
// or height are interpolated as the schema says: each sample becomes two, of
// ¾ of it and ¼ of its neighbour, half-way values rounded down and up by turns.
func (p *pixels) fromJPEG(img *image.YCbCr) {
	cb, cr := chroma(img, img.Cb), chroma(img, img.Cr)
	for i := range p.rgb {
		y := float64(img.Y[i/p.width*img.YStride+i%p.width])
		b, r := float64(cb.at(i%p.width, i/p.width)-128), float64(cr.at(i%p.width, i/p.width)-128)
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
func (p *pixels) fromVP8(img *image.YCbCr) {
	cb, cr := chroma(img, img.Cb), chroma(img, img.Cr)
	high := func(v, scale int) int { return v * scale >> 8 }
	clip := func(v int) uint8 { return uint8(min(max(v>>6, 0), 255)) }
	for i := range p.rgb {
		x, y := i%p.width, i/p.width
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

// decodeAnymap reads Netpbm's formats: P1 to P3 in digits, P4 to P6 in bytes.
func decodeAnymap(x *Call, data []byte) (*pixels, error) {
	r := &anymap{data: data[2:], bits: data[1] == '4'}
	kind := (data[1]-'1')%3 + 1 // 1 bits, 2 grey, 3 colours
	width, height, most := r.number(), r.number(), 1
	if kind != 1 {
		most = r.number()
	}
	if r.err != nil || most < 1 || most > 65535 {
		return nil, fmt.Errorf("the header of the P%c image is broken", data[1])
	}
	p, err := newPixels(x, width, height)
	if err != nil {
		return nil, err
	}
	read := r.number
	if data[1] >= '4' {
		if len(r.data) > 0 {
			r.data = r.data[1:] // the space behind the header
		}
		read = func() int { return r.sample(most > 255) }
	}
	for i := range p.rgb {
		if r.bits && i%width == 0 {
			r.byteEnd()
		}
		for c := range 3 {
			if c > 0 && kind != 3 {
				p.rgb[i][c] = p.rgb[i][0]
				continue
			}
			v := min(read(), most) * 255 / most
			if kind == 1 {
				v = 255 - v // 1 is black
			}
			p.rgb[i][c] = uint8(v)
		}
		if r.err != nil {
			return nil, r.err
		}
	}
	return p, nil
}

// anymap reads numbers from what is left of a portable anymap.
type anymap struct {
	data []byte
	bits bool // samples are single bits
	left int  // of the first byte of data
	err  error
}

// number reads decimal digits behind white space and comments.
func (r *anymap) number() int {
	for len(r.data) > 0 {
		switch c := r.data[0]; {
		case c == '#':
			_, r.data, _ = bytes.Cut(r.data, []byte("\n"))
		case c == ' ' || c >= '\t' && c <= '\r':
			r.data = r.data[1:]
		default:
			n, digits := 0, 0
			for ; digits < len(r.data) && digits < 9 && r.data[digits] >= '0' && r.data[digits] <= '9'; digits++ {
				n = 10*n + int(r.data[digits]-'0')
			}
			r.data = r.data[digits:]
			if digits == 0 {
				r.err = fmt.Errorf("a %q where a number should be", c)
			}
			return n
		}
	}
	r.err = io.ErrUnexpectedEOF
	return 0
}

// byteEnd leaves what is left of a byte: rows begin with one.
func (r *anymap) byteEnd() {
	if r.left > 0 {
		r.left, r.data = 0, r.data[1:]
	}
}

// sample reads a bit, a byte, or two bytes.
func (r *anymap) sample(wide bool) int {
	size := 1
	if wide {
		size = 2
	}
	if len(r.data) < size {
		r.err = io.ErrUnexpectedEOF
		return 0
	}
	if r.bits {
		if r.left == 0 {
			r.left = 8
		}
		r.left--
		v := int(r.data[0]>>r.left) & 1
		if r.left == 0 {
			r.data = r.data[1:]
		}
		return v
	}
	v := int(r.data[0])
	if wide {
		v = v<<8 | int(r.data[1])
	}
	r.data = r.data[size:]
	return v
}
