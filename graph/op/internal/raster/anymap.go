package raster

import (
	"bytes"
	"fmt"
	"io"
)

// decodeAnymap reads Netpbm's formats: P1 to P3 in digits, P4 to P6 in bytes.
func decodeAnymap(data []byte, reserve func(bytes int) error) (*Pixels, error) {
	r := &anymap{data: data[2:], bits: data[1] == '4'}
	kind := (data[1]-'1')%3 + 1 // 1 bits, 2 grey, 3 colours
	width, height, most := r.number(), r.number(), 1
	if kind != 1 {
		most = r.number()
	}
	if r.err != nil || most < 1 || most > 65535 {
		return nil, fmt.Errorf("the header of the P%c image is broken", data[1])
	}
	p, err := newPixels(width, height, reserve)
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
