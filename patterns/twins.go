package patterns

import (
	"regexp"
	"slices"

	"github.com/onnxloss/onnxloss/patterns/match"
)

// twins separates the class from the objectness among one-channel parts that
// come in pairs of the same map. A layer that reads what the box layer reads
// is the objectness; in one layer, or joined in one tensor, the objectness
// comes first; names are the last resort. It gives the class parts, or nil and
// a doubt.
func (s *site) twins(parts []*part) []*part {
	if !slices.ContainsFunc(parts, func(p *part) bool { return p.n == 1 }) {
		return parts
	}
	var out []*part
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
		c, o, why, sure := s.tell(p, q)
		if c == nil {
			s.doubt = "two one-channel maps of one form: one is the class, the other its objectness, and only names could say which"
			return nil
		}
		o.role, c.role = objectness, class
		o.why = append(o.why, why)
		c.why = append(c.why, why)
		c.doubt = max(c.doubt, 1-sure)
		out = append(out, c)
	}
	return out
}

// gates finds, of one-channel scores of one map that are multiplied, those that
// alone are compared with a number: a confidence that lets the other through.
func (s *site) gates() {
	const joined = match.Product | match.Factored
	of := map[string][]*part{}
	for _, p := range s.parts {
		if k := mapSize(p.roots[0].field); k != "" && p.n == 1 && p.act == Sigmoid && p.marks.Has(joined) && (p.role == class || p.role == neutral) {
			of[k] = append(of[k], p)
		}
	}
	for _, two := range of {
		if len(two) != 2 {
			continue
		}
		for i, p := range two {
			q := two[1-i]
			if p.marks&^q.marks == match.Threshold && q.marks&^p.marks == 0 {
				p.role, p.why = objectness, []string{"multiplied with another score of its map, and compared with a threshold before"}
				q.role, q.why = class, append(q.why, "multiplied with a confidence that a threshold has let through")
				q.doubt = max(q.doubt, 1-convention)
			}
		}
	}
}

// pairs gives the first of each two one-channel parts of one map the second,
// and the second nil.
func pairs(parts []*part) map[*part]*part {
	type form struct {
		act   Activation
		size  string
		rank  int
		roots int
	}
	open, second := map[form]*part{}, map[*part]*part{}
	for _, p := range parts {
		f := p.roots[0].field
		k := form{p.act, mapSize(f), len(f.Shape), len(p.roots)}
		if k.size == "" || p.n != 1 {
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
func (s *site) tell(p, q *part) (class, obj *part, why string, sure float64) {
	f, g := p.roots[0], q.roots[0]
	if f.field == g.field {
		if f.span.Start > g.span.Start {
			p, q = q, p
		}
		return q, p, "of one layer's two confidences the objectness comes first", convention
	}
	pb, qb := s.besideBox(f.field), s.besideBox(g.field)
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
func (s *site) named(p *part) int {
	n := 0
	score := func(name string) {
		if classNames.MatchString(name) {
			n++
		}
		if objNames.MatchString(name) {
			n--
		}
	}
	for _, r := range p.roots {
		if r.field.Node == nil {
			continue
		}
		score(r.field.Value.Name)
		for _, v := range r.field.Node.Inputs {
			if v != nil && v.Init != nil {
				score(v.Name)
			}
		}
	}
	score(p.value.Name)
	if p.field != nil {
		score(p.field.Value.Name)
	}
	return n
}
