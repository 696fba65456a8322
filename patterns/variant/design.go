package variant

import (
	"math/rand/v2"
	"slices"
)

// pair is two levels of two factors.
type pair struct {
	f, g Factor
	x, y uint8
}

// Design is choices in which each pair of levels that may meet does so at
// least times times, by a greedy search from seed. The pairs that the rules
// keep apart are left out.
func Design(seed uint64, times int) []Choice {
	rng := rand.New(rand.NewPCG(seed, 1))
	missing := map[pair]int{}
	var order []pair
	for f := range numFactors {
		for g := f + 1; g < numFactors; g++ {
			for x := range factors[f].levels {
				for y := range factors[g].levels {
					p := pair{f, g, uint8(x), uint8(y)}
					missing[p] = times
					order = append(order, p)
				}
			}
		}
	}
	rng.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	var out []Choice
	for range times {
		for _, p := range order {
			if missing[p] <= 0 {
				continue
			}
			c, ok := best(p, missing, rng)
			if !ok {
				delete(missing, p)
				continue
			}
			out = append(out, c)
			c.pairs(func(q pair) { missing[q]-- })
		}
	}
	return out
}

// pairs calls do for each pair of levels in c.
func (c *Choice) pairs(do func(pair)) {
	for f := range numFactors {
		for g := f + 1; g < numFactors; g++ {
			do(pair{f, g, c[f], c[g]})
		}
	}
}

// tries is how many completions of a pair are compared.
const tries = 30

// best is a choice with p that has many missing pairs; false if the rules
// allow none.
func best(p pair, missing map[pair]int, rng *rand.Rand) (Choice, bool) {
	var won Choice
	top := -1
	for range tries {
		c := undecided()
		c[p.f], c[p.g] = p.x, p.y
		if !c.allowed() || !c.complete(ruled, rng) {
			return c, top >= 0
		}
		gain := 0
		c.pairs(func(q pair) {
			if missing[q] > 0 {
				gain++
			}
		})
		if gain > top {
			won, top = c, gain
		}
	}
	return won, true
}

// ruled is the factors in an order in which those that rules bind come first,
// so that a way without an end shows early.
var ruled = []Factor{
	Act, Obj, Back, Post, Merge, Levels, Layout, Anchors, Join, Logits, Decode, Output, Classes, Dims, Consts, Extra,
	Shared, Bias, Quant, Maker, Copies, Wrap, Cut, Order, Opset,
}

func undecided() Choice {
	var c Choice
	for f := range c {
		c[f] = unset
	}
	return c
}

// complete decides the undecided factors, in the given order, by trying levels
// at random and going back where the rules leave none.
func (c *Choice) complete(order []Factor, rng *rand.Rand) bool {
	for len(order) > 0 && c[order[0]] != unset {
		order = order[1:]
	}
	if len(order) == 0 {
		return true
	}
	f := order[0]
	for _, x := range rng.Perm(len(factors[f].levels)) {
		c[f] = uint8(x)
		if c.allowed() && c.complete(order[1:], rng) {
			return true
		}
	}
	c[f] = unset
	return false
}

// MayMeet reports whether the rules allow level x of factor f together with
// level y of g.
func MayMeet(f Factor, x string, g Factor, y string) bool {
	c := undecided()
	c[f], c[g] = index(f, x), index(g, y)
	return c.allowed() && c.complete(ruled, rand.New(rand.NewPCG(1, 1)))
}

func index(f Factor, level string) uint8 {
	return uint8(slices.Index(factors[f].levels, level))
}
