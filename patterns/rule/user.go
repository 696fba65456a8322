package rule

import "fmt"

// User is what the user has decided.
type User struct {
	Classes    int        // of each head, counted with a background or without; 0 where unknown
	Activation Activation // of each head; empty where unknown
}

// unlike says why f is not the head that the user wants; empty if it may be.
func (s *Scene) unlike(f *Finding) string {
	switch {
	case f.Classes >= 0 && !s.User.Fits(f.Classes, f.Background):
		return fmt.Sprintf("it has %d classes, not %d", f.Classes, s.User.Classes)
	case s.User.Activation != "" && f.Activation != s.User.Activation:
		return fmt.Sprintf("it has activation %s, not %s", f.Activation, s.User.Activation)
	}
	return ""
}

// Fits reports whether a head of so many classes may be the one that the user wants; its
// background, -1 where it has none, may be counted or not.
func (o *User) Fits(classes, background int) bool {
	return o.Classes == 0 || classes == o.Classes || background >= 0 && classes == o.Classes+1
}

// may reports whether, for all that the user says, n channels of activation
// act may be classes of one anchor or several.
func (s *Scene) may(n int64, act Activation) bool {
	if a := s.User.Activation; a != "" && act != a && act != None {
		return false
	}
	c := int64(s.User.Classes)
	return c == 0 || n < 0 || n%c == 0 || n%(c+1) == 0
}

// OfUser is the number of class channels of an anchor among n, where the user
// says how many classes there are and n has several times as many; else 0.
func (s *Scene) OfUser(n int64) int64 {
	if c := int64(s.User.Classes); c > 0 && n > c && n%c == 0 {
		return c
	}
	return 0
}
