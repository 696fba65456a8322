package rule

// Finders say what channels are for and find heads, in the order in which they are asked,
// until heads or a doubt are found.
var Finders = []*Rule{
	boxLayers, laterLayer, bins, rawCopy, refinedBox, uses, readAgain, proposals, gates,
	softmaxPixels, softmaxBesideBoxes, boxShapes, scored,
	rawBoxes, mixedLayers, pixels, besideBoxes, widths, rawMap, classifier,
}

// Judges say how far what was found may be trusted, in the order in which they are asked.
var Judges = []*Rule{cutBackground, onlyIndices, summedScores, offTheBoxes, weighed}
