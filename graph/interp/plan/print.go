package plan

import (
	"fmt"
	"strings"
)

// String lists the steps, one a line: number, name, what it makes and reads, and what a
// pass has made it of. Steps of tiles are indented below theirs.
func (p *Program) String() string {
	b := &strings.Builder{}
	p.write(b, "")
	return b.String()
}

func (p *Program) write(b *strings.Builder, indent string) {
	var levels [][]string // names by slot, of this program and those around it
	for q := p; q != nil; q = q.Outer {
		levels = append(levels, q.names())
	}
	for i, s := range p.Steps {
		out := list(s.Out, func(slot int) string {
			if slot < 0 {
				return "_"
			}
			return levels[0][slot]
		})
		in := list(s.In, func(r Ref) string {
			if r == NoRef {
				return "_"
			}
			return levels[r.Up][r.Slot]
		})
		fmt.Fprintf(b, "%s%4d  %s = %s (%s)%s\n", indent, i, out, s.Name(), in, s.notes())
		if s.Tiles != nil {
			s.Tiles.Tile.write(b, indent+"      ")
		}
	}
}

// notes says where the step's outputs are made, and what it was made of.
func (s *Step) notes() string {
	text := ""
	for k, at := range s.Places {
		if at != nil {
			text += fmt.Sprintf("  [output %d: join %d, at element %d]", k, at.Join.Number, at.At)
		}
	}
	if s.Join != nil {
		text += fmt.Sprintf("  [join %d]", s.Join.Number)
	}
	if s.Fused != nil {
		text += fmt.Sprintf("  [%v]", s.Fused)
	}
	return text
}

// names is the values' names, by slot.
func (p *Program) names() []string {
	names := make([]string, len(p.Slots))
	for v, slot := range p.Slots {
		names[slot] = v.Name
	}
	return names
}

func list[T any](elems []T, name func(T) string) string {
	var names []string
	for _, e := range elems {
		names = append(names, name(e))
	}
	return strings.Join(names, ", ")
}
