package kernel

// Link is an operation that a Sequence can have.
type Link uint8

const (
	NoLink Link = iota
	AddLink
	SubLink
	MulLink
	AbsLink // only as the second
)

// Sequence is two operations on rows of float32 in one loop, without a row between
// them:
//
//	dst[i] = (a[i] ∘ b[i]) • c[i]
//
// Each is rounded, so that the bits are those of one after the other. One of a and
// b, and c, may be a single number for all i.
type Sequence struct {
	first, second int // forms
	swap          bool
	negA, negC    bool
	loop          sequenceLoop
}

type sequenceLoop = func(dst, a, b, c *float32, p, q float32, n int)

// The forms of the first operation are a+b, a−b, a×b, a+p, p−a and a×p; those of the
// second, on its result t: t+c, t−c, c−t, t×c, t+q, q−t, t×q and |t|.
const (
	firstForms, secondForms = 6, 8
	firstOne, secondOne     = 3, 4 // the first with a single number
	absForm                 = 7
)

// SequenceOf returns the sequence of two operations; nil if there is no loop for it. aOne, bOne
// and cOne say which operands are single numbers, and tLeft whether the first's
// result is the left operand of the second.
func SequenceOf(first Link, aOne, bOne bool, second Link, tLeft, cOne bool) *Sequence {
	if first == NoLink || first == AbsLink || second == NoLink || aOne && bOne {
		return nil
	}
	k := &Sequence{first: int(first - AddLink), second: int(second - AddLink)}
	if one := aOne || bOne; one {
		k.first += firstOne
		k.swap = aOne
		if first == SubLink && bOne {
			k.first, k.negA = firstOne, true // a − p = a + (−p)
		}
	}
	switch {
	case second == AbsLink:
		k.second = absForm
	case second == MulLink:
		k.second = 3
	case second == SubLink && !tLeft:
		k.second = 2
	}
	if cOne && second != AbsLink {
		switch k.second {
		case 0, 1:
			k.second, k.negC = secondOne, k.second == 1
		default:
			k.second += secondOne - 1
		}
	}
	if k.loop = fast32.sequence[k.first][k.second]; k.loop == nil {
		return nil
	}
	return k
}

// Run computes dst, of the length of the operands that are no single numbers. c is
// not read for an absolute value. dst may be one of the operands.
func (k *Sequence) Run(dst, a, b, c []float32) {
	if k.swap {
		a, b = b, a
	}
	var p, q float32
	if k.first >= firstOne {
		if p = b[0]; k.negA {
			p = -p
		}
		b = nil
	} else {
		b = b[:len(dst)]
	}
	switch {
	case k.second == absForm:
		c = nil
	case k.second >= secondOne:
		if q = c[0]; k.negC {
			q = -q
		}
		c = nil
	default:
		c = c[:len(dst)]
	}
	a = a[:len(dst)]
	n := len(dst) &^ (vectorLen - 1)
	if n > 0 {
		k.loop(&dst[0], &a[0], at32(b), at32(c), p, q, n)
	}
	for i := n; i < len(dst); i++ {
		if b != nil {
			p = b[i]
		}
		if c != nil {
			q = c[i]
		}
		dst[i] = k.one(a[i], p, q)
	}
}

// one is the sequence of single numbers, each as the loop has it.
func (k *Sequence) one(a, p, q float32) float32 {
	var t float32
	switch k.first {
	case 0, 3:
		t = a + p
	case 1:
		t = a - p
	case 4:
		t = p - a
	case 2, 5:
		t = a * p
	}
	switch k.second {
	case 0, 4:
		return float32(t) + q
	case 1:
		return float32(t) - q
	case 2, 5:
		return q - float32(t)
	case 3, 6:
		return t * q
	}
	return max(t, -t)
}
