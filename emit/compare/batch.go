package compare

import (
	"math"
	"math/rand/v2"

	"github.com/onnxloss/onnxloss/emit/loss"
)

// Batch is the data on which losses are compared: logits, dense targets and the head's
// properties.
type Batch struct {
	loss.Batch
	// Softmax is set if the head applies a softmax to its logits rather than sigmoids.
	Softmax bool
	// Background is the class that means no object; -1 if there is none.
	Background int
	// Ignore is the number that marks ignored anchors, as all of their targets; nil if none
	// are ignored.
	Ignore *int64
}

// Group is one of the four groups of anchors.
type Group uint8

// The groups.
const (
	HardPositive Group = iota
	EasyPositive
	HardNegative
	EasyNegative
	ignored
)

// Groups is the number of groups.
const Groups = int(ignored)

func (g Group) String() string {
	return [...]string{"hard positives", "easy positives", "hard negatives", "easy negatives", "ignored"}[g]
}

// Draw gives b random targets: in each image a share of the anchors, and at least one,
// are positives with one random class; the others are background, or have no class if the
// head has no background class.
func (b *Batch) Draw(share float64, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 0x6f626a65637473))
	b.Index, b.Target = nil, make([]float64, len(b.Logits))
	var objects []int
	for k := range b.C {
		if k != b.Background {
			objects = append(objects, k)
		}
	}
	if b.A == 0 || objects == nil {
		return
	}
	positives := min(b.A, max(1, int(math.Round(share*float64(b.A)))))
	for n := range b.N {
		for i, a := range r.Perm(b.A) {
			q := b.Target[(n*b.A+a)*b.C:][:b.C]
			switch {
			case i < positives:
				q[objects[r.IntN(len(objects))]] = 1
			case b.Background >= 0:
				q[b.Background] = 1
			}
		}
	}
}

// SetIndex sets the targets from class indices [N, A] (see loss.Index). Anchors of
// class ignore, unless it is nil, are ignored.
func (b *Batch) SetIndex(index []int64, ignore *int64) {
	b.Ignore, b.Target = nil, make([]float64, len(b.Logits))
	if ignore != nil {
		b.Ignore = new(int64)
		*b.Ignore = -1
	}
	for i, k := range index {
		q := b.Target[i*b.C:][:b.C]
		switch {
		case ignore != nil && k == *ignore:
			mark(q, -1)
		case k >= 0 && k < int64(b.C):
			q[k] = 1
		}
	}
}

func mark(q []float64, x float64) {
	for i := range q {
		q[i] = x
	}
}

// positive reports whether q are the targets of a positive anchor.
func (b *Batch) positive(q []float64) bool {
	for k, x := range q {
		if x > 0 && k != b.Background {
			return true
		}
	}
	return false
}

// Truth is the probability p_t that the head assigns to the truth about an anchor with
// logits z and targets q: for a positive, that of its class, or the mean over its classes
// weighted by their targets; for a negative, that of the background class, or without one,
// 1 minus the greatest probability of any class.
func (b *Batch) Truth(z, q []float64) float64 {
	p := b.probabilities(z)
	if !b.positive(q) {
		if b.Background >= 0 {
			return p[b.Background]
		}
		greatest := 0.0
		for _, x := range p {
			greatest = max(greatest, x)
		}
		return 1 - greatest
	}
	sum, weight := 0.0, 0.0
	for k, x := range q {
		if k != b.Background && x > 0 {
			sum, weight = sum+x*p[k], weight+x
		}
	}
	return sum / weight
}

func (b *Batch) probabilities(z []float64) []float64 {
	p := make([]float64, len(z))
	if !b.Softmax {
		for i, x := range z {
			p[i] = 1 / (1 + math.Exp(-x))
		}
		return p
	}
	top, sum := math.Inf(-1), 0.0
	for _, x := range z {
		top = max(top, x)
	}
	for i, x := range z {
		p[i] = math.Exp(x - top)
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
	return p
}

// groups is the group of every anchor.
func (b *Batch) groups() []Group {
	of := make([]Group, b.N*b.A)
	for i := range of {
		z, q := b.Logits[i*b.C:][:b.C], b.Target[i*b.C:][:b.C]
		hard := b.Truth(z, q) < 0.5
		switch {
		case b.ignores(q):
			of[i] = ignored
		case b.positive(q) && hard:
			of[i] = HardPositive
		case b.positive(q):
			of[i] = EasyPositive
		case hard:
			of[i] = HardNegative
		default:
			of[i] = EasyNegative
		}
	}
	return of
}

func (b *Batch) ignores(q []float64) bool {
	if b.Ignore == nil {
		return false
	}
	for _, x := range q {
		if x != float64(*b.Ignore) {
			return false
		}
	}
	return true
}
