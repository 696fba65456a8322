package fuse

import (
	"slices"

	"github.com/onnxloss/onnxloss/graph/interp/plan"
)

var unread = Pass{
	Name: "unread", Why: "steps whose results nobody reads any more are dropped",
	After:   []Order{{"space-to-depth", "it leaves such steps behind"}},
	program: dropUnread,
}

func dropUnread(f *Fusion) {
	readers := f.Readers()
	gone := make([]bool, len(f.Steps))
	for i, s := range slices.Backward(f.Steps) {
		gone[i] = !slices.ContainsFunc(s.Out, func(o int) bool {
			return o >= 0 && slices.ContainsFunc(readers[o], func(r int) bool { return r == plan.Elsewhere || !gone[r] })
		})
	}
	f.Remove(func(i int) bool { return gone[i] })
}
