package rule

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
func (s *Scene) twins(parts []*Part) []*Part {
	if !slices.ContainsFunc(parts, func(p *Part) bool { return p.Channels == 1 }) {
		return parts
	}
	var out []*Part
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
			s.Doubt = "two one-channel maps of one form: one is the class, the other its objectness, and only names could say which"
			return nil
		}
		o.Role, c.Role = Objectness, Class
		o.Why = append(o.Why, why)
		c.Why = append(c.Why, why)
		c.doubt = max(c.doubt, 1-sure)
		out = append(out, c)
	}
	return out
}

// gates finds, of one-channel scores of one map that are multiplied, those that
// alone are compared with a number: a confidence that lets the other through.
func (s *Scene) gates() {
	const joined = match.Product | match.Factored
	of := map[string][]*Part{}
	for _, p := range s.Parts {
		if k := MapSize(p.Roots[0].Field); k != "" && p.Channels == 1 && p.Activation == Sigmoid && p.Marks.Has(joined) && (p.Role == Class || p.Role == Neutral) {
			of[k] = append(of[k], p)
		}
	}
	for _, two := range of {
		if len(two) != 2 {
			continue
		}
		for i, p := range two {
			q := two[1-i]
			if p.Marks&^q.Marks == match.Threshold && q.Marks&^p.Marks == 0 {
				p.Role, p.Why = Objectness, []string{"multiplied with another score of its map, and compared with a threshold before"}
				q.Role, q.Why = Class, append(q.Why, "multiplied with a confidence that a threshold has let through")
				q.doubt = max(q.doubt, 1-convention)
			}
		}
	}
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
func (s *Scene) tell(p, q *Part) (class, obj *Part, why string, sure float64) {
	f, g := p.Roots[0], q.Roots[0]
	if f.Field == g.Field {
		if f.Span.Start > g.Span.Start {
			p, q = q, p
		}
		return q, p, "of one layer's two confidences the objectness comes first", convention
	}
	pb, qb := s.besideBox(f.Field), s.besideBox(g.Field)
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
