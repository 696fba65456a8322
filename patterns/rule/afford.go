package rule

// Affordable is an error if running the network takes more than a probe may.
func (s *Scene) Affordable() error { return s.affordable() }
