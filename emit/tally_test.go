package emit_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/onnxloss/onnxloss/patterns/variant"
)

// tally counts verdicts; right has the refusals that are right, open the
// answers below sure that are.
type tally struct{ right, refused, wrong, open, sure, sureRight int }

func (x *tally) add(d verdict) {
	switch d.class {
	case "right":
		x.right++
	case "refused":
		x.refused++
	default:
		x.wrong++
	}
	if d.class == "right" && d.confidence > 0 && d.confidence < sure {
		x.open++
	}
	if d.confidence >= sure {
		x.sure++
		if d.class == "right" {
			x.sureRight++
		}
	}
}

func (x *tally) String() string {
	n := max(x.right+x.refused+x.wrong, 1)
	return fmt.Sprintf("%4d right %3d refused %3d wrong  (%5.1f%% right; %d of %d sure answers right, %d right and not sure)",
		x.right, x.refused, x.wrong, 100*float64(x.right)/float64(n), x.sureRight, x.sure, x.open)
}

// everything is the line of a confusion that counts all.
const everything = "all"

// confusion counts verdicts by family, by what the key expects, by confidence,
// and for dense detectors by the level of each factor.
type confusion map[string]*tally

func (c confusion) count(what string, d verdict) {
	if c[what] == nil {
		c[what] = &tally{}
	}
	c[what].add(d)
}

func (c confusion) add(v *variant.Variant, d verdict) {
	c.count(everything, d)
	c.count("family "+v.Family, d)
	c.count("expect "+string(v.Key.Expect), d)
	if d.confidence > 0 && v.Key.Expect != variant.Unsure {
		c.count("confidence "+band(d.confidence), d)
	}
	if v.Choice != nil {
		for _, f := range variant.Factors() {
			c.count(fmt.Sprintf("%v=%s", f, v.Choice.Of(f)), d)
		}
	}
}

// band is the interval of confidence that x lies in.
func band(x float64) string {
	bounds := []float64{0, 0.5, 0.7, 0.8, 0.85, sure, 0.94, 0.97, 1.01}
	i := slices.IndexFunc(bounds, func(b float64) bool { return b > x })
	return fmt.Sprintf("%.2f-%.2f", bounds[i-1], bounds[i])
}

func (c confusion) String() string {
	var b strings.Builder
	for _, what := range slices.Sorted(maps.Keys(c)) {
		fmt.Fprintf(&b, "%-20s %v\n", what, c[what])
	}
	return b.String()
}
