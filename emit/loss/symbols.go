package loss

import (
	"maps"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
)

// symbols is what the equation calls the values of a graph: z, q, p and what is
// made of them. A value that stands for several has the first name.
func (e *emission) symbols(b *Build, z *graph.Value, r *Result) map[*graph.Value]string {
	name := map[*graph.Value]string{}
	call := func(v *graph.Value, s string) {
		if v != nil && name[v] == "" {
			name[v] = s
		}
	}
	call(z, "z")
	call(b.raw, "z_finite")
	call(b.z, "z_adjusted")
	call(b.Q, "q")
	for _, key := range slices.Sorted(maps.Keys(b.parts)) {
		call(b.parts[key], identifier(key))
	}
	for _, in := range e.inputs {
		if in.Role != RoleState {
			call(in.Value, in.Role)
		}
	}
	call(e.valid, "valid")
	for i, s := range e.loss.states(e.opts, e.classes) {
		call(e.state[i], s.Name)
		call(b.NewState[i], "new_"+s.Name)
	}
	call(r.PerAnchor, "per_anchor_loss")
	call(r.Loss, "loss")
	call(r.Check, RoleTargetCheck)
	return name
}

// identifier is a part of a formula as a name.
func identifier(part string) string {
	return strings.NewReplacer("cost ", "neg_log_", "1-", "one_minus_", "^", "_to_the_", "+ε", "_plus_eps", "(", "", ")", "", " ", "_", ".", "_", "-", "minus_").Replace(part)
}
