package patterns

import "fmt"

// check holds that the user's decisions are possible ones.
func (o *Options) check() error {
	switch o.Activation {
	case "", None, Sigmoid, Softmax:
	default:
		return fmt.Errorf("activation %q is none of %s, %s and %s", o.Activation, Sigmoid, Softmax, None)
	}
	if o.Classes < 0 {
		return fmt.Errorf("%d classes are fewer than none", o.Classes)
	}
	return nil
}

// unlike reports whether the user says that h is not the head.
func (s *site) unlike(h *finding) bool {
	n := s.opts.Classes
	switch {
	case n > 0 && h.Classes != n && (h.Background < 0 || h.Classes != n+1):
		s.unasked = append(s.unasked, fmt.Sprintf("%d classes, not %d", h.Classes, n))
	case s.opts.Activation != "" && h.Activation != s.opts.Activation:
		s.unasked = append(s.unasked, fmt.Sprintf("activation %s, not %s", h.Activation, s.opts.Activation))
	default:
		return false
	}
	for _, p := range h.parts {
		p.rejected = "it has " + s.unasked[len(s.unasked)-1]
	}
	return true
}

// may reports whether, for all that the user says, n channels of activation
// act may be classes of one anchor or several.
func (s *site) may(n int64, act Activation) bool {
	if a := s.opts.Activation; a != "" && act != a && act != None {
		return false
	}
	c := int64(s.opts.Classes)
	return c == 0 || n > 0 && (n%c == 0 || n%(c+1) == 0)
}

// ofUser is the number of class channels of an anchor among n, where the user
// says how many classes there are and n has several times as many; else 0.
func (s *site) ofUser(n int64) int64 {
	if c := int64(s.opts.Classes); c > 0 && n > c && n%c == 0 {
		return c
	}
	return 0
}
