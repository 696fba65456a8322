package patterns

import "github.com/onnxloss/onnxloss/graph"

// BoxRecord is how boxes are written, as JSON has it.
type BoxRecord struct {
	Coding
	// Decoded says whether the graph places the boxes in the picture.
	Decoded bool `json:"decoded"`
	// PerClass is set where each region has a box for each class.
	PerClass   bool     `json:"perClass,omitempty"`
	Confidence float64  `json:"confidence"`
	Evidence   []string `json:"evidence"`
}

// MapRecord is a feature map as JSON has it: what is not known is left out. Rows and Columns
// are numbers, or names where they are dynamic.
type MapRecord struct {
	Stride         float64 `json:"stride,omitempty"` // in pixels of the network's input
	AnchorsPerCell int     `json:"anchorsPerCell,omitempty"`
	Rows           any     `json:"rows,omitempty"`
	Columns        any     `json:"columns,omitempty"`
}

// FullRecord is Record with the boxes and feature maps of h.
func (h *Head) FullRecord() HeadRecord {
	r := h.Record()
	b := h.Boxes()
	if b == nil {
		return r
	}
	for _, p := range b.Parts {
		r.Boxes = append(r.Boxes, p.record())
	}
	r.BoxCoding = &BoxRecord{b.Coding, b.Decoded, b.PerClass, b.Confidence, append([]string{}, b.Evidence...)}
	for i := range r.Levels {
		l := &r.Levels[i]
		for _, m := range b.Maps {
			if m.Level == i {
				l.Maps = append(l.Maps, m.record())
			}
		}
		if len(l.Maps) == 1 {
			l.MapRecord, l.Maps = l.Maps[0], nil
		}
	}
	return r
}

func (m Map) record() MapRecord {
	return MapRecord{m.Stride, m.PerCell, dimOf(m.Rows), dimOf(m.Columns)}
}

// dimOf is d as JSON has it; nil if nothing is known of it.
func dimOf(d graph.Dim) any {
	switch {
	case d.IsKnown():
		return d.Value
	case d.Param != "":
		return d.Param
	}
	return nil
}
