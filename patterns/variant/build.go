package variant

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"slices"

	"github.com/onnxloss/onnxloss/graph/op"
)

// Seed is that of the committed design, and Times how often each pair of
// levels meets in it.
const (
	Seed  = 3
	Times = 2
)

// All is the committed design's variants and those of other families, not
// built yet.
func All() []*Variant {
	return slices.Concat(Dense(Design(Seed, Times)), Buried(Design(Seed+1, 1)[:12]), Others(Seed))
}

// Source gives random numbers for a name.
func Source(name string) *rand.Rand {
	h := fnv.New64a()
	h.Write([]byte(name))
	return rand.New(rand.NewPCG(Seed, h.Sum64()))
}

// Dense is the variants of a design: detectors with a head on every cell.
func Dense(design []Choice) []*Variant {
	var vs []*Variant
	for i := range design {
		vs = append(vs, &Variant{Name: fmt.Sprintf("dense%03d", i), Family: "dense", Choice: &design[i]})
	}
	return vs
}

// Buried is detectors whose whole head lies in a function.
func Buried(design []Choice) []*Variant {
	// Of two heads one may lie in the function and one not.
	vs := Dense(slices.DeleteFunc(slices.Clone(design), func(c Choice) bool { return c.Is(Extra, "aux") }))
	for i, v := range vs {
		v.Name, v.Family = fmt.Sprintf("buried%02d", i), "buried"
	}
	return vs
}

// Build makes v's model and key, anew at each call.
func (v *Variant) Build() error {
	rng := Source(v.Name)
	n, key, err := v.network(rng)
	if err != nil {
		return fmt.Errorf("%v: %w", v, err)
	}
	v.Model, v.Key, v.Sizes = n.m, key, n.sizes
	for _, m := range v.mutations(n.habits, rng) {
		if err := m.Apply(v, rng); err != nil {
			return fmt.Errorf("%v: %s: %w", v, m.Name, err)
		}
	}
	op.InferModel(v.Model)
	return nil
}

// network builds v before mutations.
func (v *Variant) network(rng *rand.Rand) (*net, Key, error) {
	var n *net
	var key Key
	var err error
	if v.Choice != nil {
		n, key, err = dense(v.Choice, rng)
	} else {
		n = newNet(drawn(rng), rng)
		key = v.make(n)
		err = n.g.Err()
	}
	if err == nil && len(n.g.Outputs) == 0 {
		err = errors.New("no outputs")
	}
	return n, key, err
}

// mutations are those that the choice asks for, or else some; renaming is
// always the last.
func (v *Variant) mutations(h habits, rng *rand.Rand) []Mutation {
	var ms []Mutation
	switch h.consts {
	case "folded":
		ms = append(ms, fold)
	case "literal":
		ms = append(ms, unfold)
	}
	asked := func(f Factor, level string) bool {
		if v.Choice == nil {
			return f != Wrap && rng.IntN(3) == 0
		}
		return v.Choice.Is(f, level)
	}
	for _, x := range []struct {
		factor Factor
		level  string
		m      Mutation
	}{
		{Copies, "some", copies}, {Order, "shuffled", reorder},
		{Wrap, "layers", wrapLayers}, {Wrap, "rest", wrapRest},
	} {
		if asked(x.factor, x.level) {
			ms = append(ms, x.m)
		}
	}
	if v.Family == "buried" {
		ms = append(ms, wrapWhole)
	}
	return append(ms, rename)
}
