package match

// Letters say what axes count: images, channels, anchors, rows or columns of a
// map, several of these merged, or nothing.
const (
	Images  byte = 'N'
	Channel byte = 'C'
	Anchor  byte = 'A'
	Row     byte = 'H'
	Column  byte = 'W'
	Merged  byte = 'R'
	One     byte = '1'
)

// letters says what each axis of f counts, from what it is computed from.
func (a *Analysis) letters(f *Field) {
	f.Letters = make([]byte, len(f.Shape))
	for d := range f.Letters {
		f.Letters[d] = a.letterOf(f, d)
		if f.Letters[d] == Merged && f.Shape[d].Value == 1 {
			f.Letters[d] = One
		}
	}
}

func (a *Analysis) letterOf(f *Field, d int) byte {
	map4 := len(f.Shape) == 4 && (f.Kind == Source || f.Kind == Weighing || f.Kind == Dark)
	switch {
	case d == f.Chan:
		return Channel
	case f.Kind == Source && d == 0:
		return Images
	case f.Kind == Dark && d == 0:
		return Merged
	case f.Node != nil && d > 0 && map4 && f.Chan == 1:
		return []byte{Images, Channel, Row, Column}[d]
	case map4 && f.Kind != Weighing:
		return []byte{Images, Row, Column, Column}[d]
	case f.Kind == Source || f.Kind == Dark || len(f.links) == 0:
		return Merged
	}
	for _, l := range f.links {
		w := a.View(l.value)
		if w == nil {
			continue
		}
		k := d
		if f.Kind != Weighing && f.Kind != Pairing {
			if k = -1; d < len(l.dims) {
				k = l.dims[d]
			}
		}
		if k >= 0 && k < w.Rank {
			return w.Letter(k)
		}
	}
	return Merged
}

// Letter says what dimension d of a value counts.
func (v *View) Letter(d int) byte {
	if len(v.Pieces) == 0 {
		return Merged
	}
	if d == v.ChanDim() {
		return Channel
	}
	p := &v.Pieces[0]
	seen := byte(0)
	for _, x := range p.Dims[d] {
		if x.Size == 1 && len(p.Dims[d]) > 1 {
			continue
		}
		l := Merged
		switch {
		case x.Axis == p.Field.Chan:
			l = Anchor
		case x.Axis >= 0 && x.Axis < len(p.Field.Letters):
			if l = p.Field.Letters[x.Axis]; l == Merged && p.Field.Places != p.Field && p.parted(x.Axis) {
				if l = Row; x.Stride == 1 {
					l = Column
				}
			}
		}
		if seen != 0 && seen != l {
			return Merged
		}
		seen = l
	}
	for _, q := range v.Pieces[1:] {
		if q.At[d] != p.At[d] && seen != Images {
			return Merged // several maps lie behind each other
		}
	}
	if seen == 0 {
		return One
	}
	return seen
}

// parted reports whether two dimensions of p share the axis of its field: the
// rows of a map, taken apart.
func (p *Piece) parted(axis int) bool {
	n := 0
	for _, d := range p.Dims {
		for _, x := range d {
			if x.Axis == axis {
				n++
				break
			}
		}
	}
	return n == 2
}
