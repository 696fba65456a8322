// Package raster decodes images into the pixels that ONNX's ImageDecoder wants:
// JPEG, PNG, BMP, TIFF and WebP by Go's libraries, with chroma interpolated as the
// schema and libwebp say, and portable anymaps, which they do not have.
package raster

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	_ "image/jpeg" // the formats that the operator knows
	_ "image/png"

	"github.com/onnxloss/onnxloss/graph/limits"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

// Decode reads an image in any of the formats that Go's libraries have, or a
// portable anymap. It asks reserve for the memory of so many bytes before it takes
// it. Images that are refused for their size alone give a *TooLargeError.
func Decode(data []byte, reserve func(bytes int) error) (*Pixels, error) {
	if len(data) > 1 && data[0] == 'P' && data[1] >= '1' && data[1] <= '6' {
		return decodeAnymap(data, reserve)
	}
	head, format, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	p, err := newPixels(head.Width, head.Height, reserve)
	if err != nil {
		return nil, err
	}
	img, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	if img.Bounds().Dx() != p.Width || img.Bounds().Dy() != p.Height {
		return nil, fmt.Errorf("a %s image of %v, want %d by %d as its header says", format, img.Bounds(), p.Width, p.Height)
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
		c := color.NRGBAModel.Convert(img.At(b.Min.X+i%p.Width, b.Min.Y+i/p.Width)).(color.NRGBA)
		p.rgb[i] = [3]uint8{c.R, c.G, c.B}
	}
	return p, nil
}

// Pixels is a decoded image, row by row. The zero Pixels has none.
type Pixels struct {
	Width, Height int
	rgb           [][3]uint8
}

// TooLargeError is the error for an image that may be sound, but is larger than
// the limit or the memory that is left.
type TooLargeError struct{ Err error }

func (e *TooLargeError) Error() string { return e.Err.Error() }

func (e *TooLargeError) Unwrap() error { return e.Err }

// pixelBytes is the most that a decoder takes for a pixel, that of a
// progressive JPEG without subsampling: coefficients, samples and result.
const pixelBytes = 12 + 3 + 3

// newPixels makes room for an image.
func newPixels(width, height int, reserve func(bytes int) error) (*Pixels, error) {
	if width < 0 || height < 0 || height > 0 && width > limits.Pixels/height {
		return nil, &TooLargeError{fmt.Errorf("an image of %d by %d pixels is too large", width, height)}
	}
	if err := reserve(width * height * pixelBytes); err != nil {
		return nil, &TooLargeError{err}
	}
	return &Pixels{width, height, make([][3]uint8, width*height)}, nil
}

// Write puts the pixels into dst, channels last: one channel is ITU-R BT.601's
// luma, three are red, green and blue, or if reversed blue, green and red.
func (p *Pixels) Write(dst []uint8, channels int, reversed bool) {
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
