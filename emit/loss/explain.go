package loss

// Choice is one of the options that losses share, as a user gives it.
type Choice struct {
	Name    string // as in the errors of Options.Resolve
	Meaning string
	set     func(o *Options, classes int)
}

// choices are tried on a loss to see whether it takes them.
var choices = []Choice{
	{"target", "index targets: a class for each anchor", func(o *Options, _ int) { o.Target = Index }},
	{"eps", "log(p + ε) in place of the exact logarithm", func(o *Options, _ int) { o.Eps = 1e-7 }},
	{"label_smoothing", "softer targets", func(o *Options, _ int) { o.LabelSmoothing = 0.1 }},
	{"ignore_index", "anchors to be left out", func(o *Options, _ int) { k := int64(-2); o.IgnoreIndex = &k }},
	{"class_weights", "a factor for each class", func(o *Options, n int) { o.ClassWeights = ones(n) }},
	{"class_counts", "the number of objects of each class", func(o *Options, n int) { o.ClassCounts = ones(n) }},
	{"anchor_weights", "a factor for each anchor, which is fed", func(o *Options, _ int) { o.AnchorWeights = true }},
	{"modulate", "a focal modulation of the loss", func(o *Options, _ int) { o.Modulate = &Modulation{Gamma: []float64{2}} }},
	{"alpha_per_class", "an alpha for each class", func(o *Options, n int) { o.PerClass = map[string][]float64{"alpha": ones(n)} }},
	{"gamma_per_class", "a gamma for each class", func(o *Options, n int) { o.PerClass = map[string][]float64{"gamma": ones(n)} }},
	{"check_targets", "an output that tells of targets that are none", func(o *Options, _ int) { o.CheckTargets = true }},
	{"background", "which class stands for no object, where the model does not tell", func(o *Options, _ int) { o.Background = new(int) }},
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// someClasses is a number of classes that every loss takes.
const someClasses = 3

// Plain is the least options with which l can be built over the given number of
// classes.
func (l *Loss) Plain(classes int) Options {
	o := Options{Name: l.Name}
	if l.Counts {
		o.ClassCounts = ones(classes)
	}
	if l.Background {
		o.Background = new(int)
	}
	return o
}

// Takes are the choices that l takes; Needs those without which it is refused.
func (l *Loss) Takes() (takes []Choice) {
	for _, c := range choices {
		o := l.Plain(someClasses)
		c.set(&o, someClasses)
		if _, err := o.Resolve(l.Kind, someClasses); err == nil {
			takes = append(takes, c)
		}
	}
	return takes
}

// Needs reports whether the loss is refused without the choice c.
func (l *Loss) Needs(c Choice) bool {
	return c.Name == "class_counts" && l.Counts || c.Name == "background" && l.Background
}
