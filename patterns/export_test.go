package patterns

// Weights is how many weights the table of evidence has.
func Weights() int { return len(weights) }

// ScaleWeight makes weight i so many times as large until restore is called, and says
// what it is of.
func ScaleWeight(i int, by float64) (of string, restore func()) {
	old := weights[i].by
	weights[i].by *= by
	return weights[i].text, func() { weights[i].by = old }
}
