// Package loss is the engine of the losses: options, the graph that each builds (Emit),
// its closed form in float64 (Eval), and the table of losses. The losses themselves are
// one file each in the packages class, confidence and box, which register themselves;
// importing package all registers them all.
//
// Vocabulary. z are the logits [N, A, C] (images, anchors, classes), q the
// targets, p the probability that the loss's activation gives. An anchor is
// whatever has one prediction: a cell, an anchor box, a query, a proposal. The
// cost of a class is −log of a probability. Every loss is a case of one form,
//
//	Σ over classes of  w⁺ · q · m⁺ · (−log p)  +  w⁻ · (1−q) · m⁻ · (−log(1−p)),
//
// a positive term and a negative term, each with a weight and a modulation; the
// focal modulations are m⁺ = (1−p)^γ and m⁻ = p^γ. Build has these parts, so a
// loss is one short file that puts them together (Logits). What all losses share is
// implemented once: targets, class weights, label smoothing, ignored anchors, anchor
// weights, reductions (Options, Emit).
//
// Two forms. The exact form works in the log domain and holds for every finite
// logit: the smaller of p and 1−p is computed afresh, never as one minus the
// other. The form with Options.Eps takes log(p+ε) and log(1−p+ε), as much code
// in use does; modulations are the same in both.
//
// A logit of −∞ masks its class (masked.go): with a target of 0 the class adds
// nothing to the loss, and a target above 0 costs +∞.
//
// Targets are labels, or what was measured: qualities and heat maps (Meaning).
// Measured targets are not smoothed. A loss that treats a target of 0 or of 1
// apart does so by a comparison, and both of its branches hold everywhere.
//
// Losses for classes of unequal frequency take the number of objects of each
// class (Options.ClassCounts) and are a loss as above with adjusted logits
// (Adjustment) or with a weight for each anchor by its label
// (Loss.LabelWeights).
//
// What is common to these is code: a loss of labels has Terms, T⁺ of a class that
// is there and T⁻ of one that is not, and Modulation puts α (1−p)^γ and (1−α) p^γ
// on the terms of any. The focal losses with a Base are that.
//
// A loss may look at the batch as a whole (Statistics): select anchors by the losses of
// all, weigh by statistics, carry these from step to step as state that is an
// input and an output. All that is constant to differentiation, since it comes by
// way of comparisons and integers.
//
// Invariants. Graphs use operators of ONNX's own domain that opset 7 has, and
// no construct whose derivative is undefined or infinite at a finite logit: no
// Pow, no Where over infinities, no Max of tied values; what selects a branch
// is a comparison, through which no differentiation goes. 16-bit logits are
// computed in float32. The oracle (Eval, Closed) shares no code with the
// building of graphs.
//
// Non-goals: where the logits come from, which anchors are positive (targets
// are the trainer's), backward graphs.
package loss
