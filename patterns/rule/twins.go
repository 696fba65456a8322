package rule

import (
	"regexp"
	"slices"
)

// twins separates the class from the objectness among one-channel parts that
// come in pairs of the same map. A layer that reads what the box layer reads
// is the objectness; in one layer, or joined in one tensor, the objectness
// comes first; names are the last resort. It gives the class parts and what is
// said of both, or where nothing separates two of them that. boxes are channels that are boxes
// beside those of the scene.
func (s *Scene) twins(parts []*Part, boxes ...Root) ([]*Part, []Verdict) {
	if !slices.ContainsFunc(parts, func(p *Part) bool { return p.Channels == 1 }) {
		return parts, nil
	}
	var out []*Part
	var vs []Verdict
	second := pairs(parts)
	for _, p := range parts {
		q, paired := second[p]
		if !paired {
			out = append(out, p)
			continue
		}
		if q == nil {
			continue // it was told from the one before
		}
		c, o, why, sure := s.tell(p, q, boxes)
		if c == nil {
			return nil, append(vs, Verdict{Undecided: "two one-channel maps of one form: one is the class, the other its objectness, and only names could say which"})
		}
		vs = append(vs, Verdict{Part: o, Role: Objectness, Why: slices.Clone(o.Why), And: []string{why}},
			Verdict{Part: c, Role: Class, Why: slices.Clone(c.Why), And: []string{why}, Doubt: 1 - sure})
		out = append(out, c)
	}
	return out, vs
}

// pairs gives the first of each two one-channel parts of one map the second,
// and the second nil.
func pairs(parts []*Part) map[*Part]*Part {
	type form struct {
		act   Activation
		size  string
		rank  int
		roots int
	}
	open, second := map[form]*Part{}, map[*Part]*Part{}
	for _, p := range parts {
		f := p.Roots[0].Field
		k := form{p.Activation, MapSize(f), len(f.Shape), len(p.Roots)}
		if k.size == "" || p.Channels != 1 {
			continue
		}
		if o := open[k]; o != nil {
			second[o], second[p] = p, nil
			delete(open, k)
			continue
		}
		open[k] = p
	}
	return second
}

// tell says which of two twins is the class, why, and how sure that is.
func (s *Scene) tell(p, q *Part, boxes []Root) (class, obj *Part, why string, sure float64) {
	f, g := p.Roots[0], q.Roots[0]
	if f.Field == g.Field {
		if f.Span.Start > g.Span.Start {
			p, q = q, p
		}
		return q, p, "of one layer's two confidences the objectness comes first", convention
	}
	pb, qb := s.besideBox(f.Field, boxes), s.besideBox(g.Field, boxes)
	switch {
	case pb && !qb:
		return q, p, "the objectness reads what the box layer reads", convention
	case qb && !pb:
		return p, q, "the objectness reads what the box layer reads", convention
	}
	a, b := s.named(p), s.named(q)
	switch {
	case a > b:
		return p, q, "names alone separate the class from the objectness", 0.8
	case b > a:
		return q, p, "names alone separate the class from the objectness", 0.8
	}
	return nil, nil, "", 0
}

var (
	classNames = regexp.MustCompile(`(?i)cls|class|label|categor`)
	objNames   = regexp.MustCompile(`(?i)obj|ctr|centerness|centreness|iou|conf`)
)

// named is what the names around a part say: positive for classes.
func (s *Scene) named(p *Part) int {
	n := 0
	score := func(name string) {
		if classNames.MatchString(name) {
			n++
		}
		if objNames.MatchString(name) {
			n--
		}
	}
	for _, r := range p.Roots {
		if r.Field.Node == nil {
			continue
		}
		score(r.Field.Value.Name)
		for _, v := range r.Field.Node.Inputs {
			if v != nil && v.Init != nil {
				score(v.Name)
			}
		}
	}
	score(p.Value.Name)
	if p.field != nil {
		score(p.field.Value.Name)
	}
	return n
}
