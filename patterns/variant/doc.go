// Package variant generates models for tests of package patterns: detectors
// whose heads lie in every way that is known, what is no detector, and edits
// that keep a model's meaning. Each comes with its answer key.
//
// Vocabulary. A Factor is one way in which heads differ (layout, activation,
// what follows, the exporter's habits), a level one of its values, a Choice a
// level of each factor. A Design is a list of choices that shows each pair of
// levels that may meet. Networks of other families differ in ways of their own,
// of which a pick has a value each. A Variant is a model built of a choice or a
// pick, with its Key: the class logits as the layers make them, so that an
// answer is judged by the values it selects and never by a name. Where nothing
// in a graph decides, the key says why, and holds an answer to be refused or
// not sure. A Mutation changes a variant and maps its key along.
//
// Invariants. The same seed gives the same models, bit for bit. Names of
// values and nodes are drawn at random and say nothing. Models hold
// graph.Check, inference finds no contradiction in them, and the interpreter
// runs what leads to the key. Weights are random and the maps small: they are
// for looking at, not for detecting with.
//
// Non-goals: judging answers, which needs package emit and is done in its
// tests.
package variant
