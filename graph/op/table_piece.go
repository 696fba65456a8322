package op

import "github.com/onnxloss/onnxloss/graph/internal/kernel"

// Piece is an elementwise operator's work on a piece of float32 operands:
// elements that follow each other, all of one channel (of axis 1). Exactly one
// of the first three is set. Each gives the bits that the operator's kernel gives.
type Piece struct {
	Map     func(dst, x []float32)
	Pair    *kernel.Rows[float32, float32]
	Channel func(dst, x []float32, channel int)
	// Channels is how many Channel knows.
	Channels int
	// Link is what it is in a kernel.Sequence, if anything.
	Link kernel.Link
	// Times, which may be nil, is x times what Map makes of it, in one go.
	Times func(dst, x []float32)
	// Act and TimesAct are Map and Times as activations of a convolution, where they
	// can be.
	Act, TimesAct *kernel.FusedActivation
}

// mapPiece is the Piece of a map over elements.
func mapPiece(f func(dst, x []float32)) func(*Spec) *Piece {
	return func(*Spec) *Piece { return &Piece{Map: f} }
}

// linked is a Piece that may be part of a kernel.Sequence.
func linked(l kernel.Link, piece func(*Spec) *Piece) func(*Spec) *Piece {
	return func(s *Spec) *Piece {
		p := piece(s)
		if p != nil {
			p.Link = l
		}
		return p
	}
}

// pairPiece is the Piece of a binary operator; there is none before
// broadcasting became what it is.
func pairPiece(rows func() kernel.Rows[float32, float32]) func(*Spec) *Piece {
	return func(s *Spec) *Piece {
		if s.Since < 7 {
			return nil
		}
		r := rows()
		return &Piece{Pair: &r}
	}
}
