package op

import (
	"errors"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/tensor"
)

// unread is a constant whose elements nobody has asked for.
type unread struct {
	data   *graph.Data
	failed func(error)
	done   bool
	value  *tensor.Tensor
}

// dataFact is what a constant tells. Its elements are read when they are asked
// for; an error in that goes to failed.
func dataFact(d *graph.Data, failed func(error)) *Fact {
	x := &Fact{Type: d.Type()}
	if d.Len() <= MaxFold {
		x.unread = &unread{data: d, failed: failed}
	}
	return x
}

// read puts into f what it is still to be read.
func (f *Fact) read() {
	u := f.unread
	if u == nil {
		return
	}
	f.unread = nil
	if !u.done {
		u.done = true
		var err error
		if u.value, err = u.data.Load(); err != nil {
			u.value = nil
			u.failed(err)
		}
	}
	if u.value != nil {
		x := constFact(u.value)
		f.value, f.ints = x.value, x.ints
	}
}

// mayBeConst reports whether Const may be known, without reading anything.
func (f *Fact) mayBeConst() bool { return f.value != nil || f.unread != nil }

// mayTell reports whether elements may be known, without reading anything.
func (f *Fact) mayTell() bool { return f.ints != nil || f.mayBeConst() }

// readFailed hands err on if it is one of reading a constant.
func (c *Infer) readFailed(err error) {
	var load *graph.LoadError
	if errors.As(err, &load) && c.failed != nil {
		c.failed(err)
	}
}
