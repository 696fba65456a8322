package rule

import (
	"fmt"
	"slices"
)

// Finders say what channels are for and find heads, in the order in which they are asked,
// until heads or a doubt are found.
var Finders = []*Rule{
	boxLayers, laterLayer, bins, rawCopy, refinedBox, uses, readAgain, proposals, gates,
	softmaxPixels, softmaxBesideBoxes, boxShapes, scored,
	rawBoxes, mixedLayers, pixels, rareBiases, rareScores, besideBoxes, widths,
	biasPeriods, scorePeriods, rawMap, classifier,
}

// Judges say how far what was found may be trusted, in the order in which they are asked.
var Judges = []*Rule{
	cutBackground, summedScores, offTheBoxes, weighed,
	metadataAgrees, metadataContradicts, biasesJudge, biasBackground, scoresJudge, scoreBackground,
}

func init() {
	if err := inOrder(slices.Concat(Finders, Judges)); err != nil {
		panic(err)
	}
}

// inOrder is an error if a rule of the list does not stand behind all that it names, or if two
// have one name.
func inOrder(list []*Rule) error {
	before := map[string]bool{}
	for _, r := range list {
		for _, name := range r.After {
			if !before[name] {
				return fmt.Errorf("rule %q must stand behind %q", r.Name, name)
			}
		}
		if before[r.Name] {
			return fmt.Errorf("there are two rules %q", r.Name)
		}
		before[r.Name] = true
	}
	return nil
}
