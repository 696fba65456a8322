package onnx

import (
	"cmp"
	"hash/crc32"
	"slices"

	"github.com/onnxloss/onnxloss/graph"
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// sums is the CRC-32C of ranges of a file, which are met as the file is read in
// order.
type sums struct {
	of   map[graph.Extent]uint32
	left []graph.Extent // that are not complete, in order
}

// newSums begins with ranges in any order. Those that overlap others before them
// are left out.
func newSums(ranges []graph.Extent) *sums {
	slices.SortFunc(ranges, func(a, b graph.Extent) int {
		return cmp.Or(cmp.Compare(a.Off, b.Off), cmp.Compare(a.Len, b.Len))
	})
	s := &sums{of: map[graph.Extent]uint32{}}
	end := int64(0)
	for _, e := range ranges {
		if e.Len > 0 && e.Off >= end {
			s.left = append(s.left, e)
			end = e.Off + e.Len
		}
	}
	return s
}

// add takes bytes of the file. They must not lie before those added last, and
// leave out none that belong to a range.
func (s *sums) add(at int64, b []byte) {
	end := at + int64(len(b))
	for len(s.left) > 0 && s.left[0].Off < end {
		e := s.left[0]
		lo, hi := max(e.Off-at, 0), min(e.Off+e.Len-at, int64(len(b)))
		s.of[e] = crc32.Update(s.of[e], crcTable, b[lo:hi])
		if e.Off+e.Len > end {
			return
		}
		s.left = s.left[1:]
	}
}

// get is the sum of e, if it is complete.
func (s *sums) get(e graph.Extent) (uint32, bool) {
	if len(s.left) > 0 && s.left[0].Off < e.Off+e.Len {
		return 0, false
	}
	sum, ok := s.of[e]
	return sum, ok
}
