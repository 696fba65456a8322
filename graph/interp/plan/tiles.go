package plan

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/tensor"
)

// Tiles is a loop over tiles of rows: Tile runs on a tile after another, so that what
// passes between its steps stays in the cache, and only what others read is ever whole.
// Where shapes are not those planned, or all is one tile, Whole runs once.
type Tiles struct {
	Whole *Program // reads its inputs by number, and has the outputs that others read
	Tile  *Program // the same for tiles
	In    []TileInput
	Out   []Extent
	Rank  int // of full values
	Elems int // of a full value in one tile, at most, but for a row that is longer
}

// TileInput is what is known of an input of Tiles.
type TileInput struct {
	Extent
	Rank  int
	DType tensor.DType
}

// Extent is how a value lies along the rows. The full shape is [rows…, C].
type Extent uint8

const (
	One     Extent = iota // one element
	Row                   // [1…, C], the same for all rows
	Full                  // [rows…, C]
	Column                // [rows…, 1]
	Dropped               // [rows…]
)

// IsCut reports whether a tile has only its own rows of the value.
func (e Extent) IsCut() bool { return e >= Full }

// Shape is the full shape, if all inputs fit it; else nil.
func (t *Tiles) Shape(in []*tensor.Tensor) []int {
	var s []int
	for i, x := range in {
		if e := t.In[i]; x == nil || x.DType != e.DType || x.IsSequence() || x.IsNone() || x.Rank() != e.Rank {
			return nil
		} else if e.Extent == Full {
			s = x.Shape
		}
	}
	for i, x := range in {
		if s == nil || !t.In[i].fits(x.Shape, s) {
			return nil
		}
	}
	return s
}

// fits reports whether a value of the given shape, of the rank that is known of it, lies
// along rows of full as e says.
func (e Extent) fits(shape, full []int) bool {
	rows, last := full[:len(full)-1], len(shape)-1
	switch e {
	case One:
		return tensor.Elements(shape) == 1
	case Row:
		return tensor.Elements(shape[:last]) == 1 && shape[last] == full[len(full)-1]
	case Column:
		return shape[last] == 1 && slices.Equal(shape[:last], rows)
	case Dropped:
		return slices.Equal(shape, rows)
	}
	return slices.Equal(shape, full)
}

// Of is the shape of a value along all rows of full, or along the given number of rows in
// one; −1 is all.
func (e Extent) Of(full []int, rows int) []int {
	s := append([]int{}, full...)
	if rows >= 0 {
		for i := range s[:len(s)-1] {
			s[i] = 1
		}
		s[len(s)-2] = rows
	}
	switch e {
	case Column:
		s[len(s)-1] = 1
	case Dropped:
		s = s[:len(s)-1]
	}
	return s
}
