package loss

// Choice is an option that losses share, as given by a user.
type Choice struct {
	Name    string // as in errors of Options.Resolve
	Meaning string
	set     func(o *Options, classes int)
}

// choices are tried on a loss to see whether it accepts them.
var choices = []Choice{
	{"target", "index targets: one class per anchor", func(o *Options, _ int) { o.Target = Index }},
	{"eps", "log(p + ε) instead of the exact logarithm", func(o *Options, _ int) { o.Eps = 1e-7 }},
	{"label_smoothing", "softer targets", func(o *Options, _ int) { o.LabelSmoothing = 0.1 }},
	{"ignore_index", "anchors to ignore", func(o *Options, _ int) { k := int64(-2); o.IgnoreIndex = &k }},
	{"class_weights", "one weight per class", func(o *Options, n int) { o.ClassWeights = ones(n) }},
	{"class_counts", "the number of objects per class", func(o *Options, n int) { o.ClassCounts = ones(n) }},
	{"anchor_weights", "one weight per anchor, fed by the trainer", func(o *Options, _ int) { o.AnchorWeights = true }},
	{"modulate", "a focal modulation of the loss", func(o *Options, _ int) { o.Modulate = &Modulation{Gamma: []float64{2}} }},
	{"alpha_per_class", "one alpha per class", func(o *Options, n int) { o.PerClass = map[string][]float64{"alpha": ones(n)} }},
	{"gamma_per_class", "one gamma per class", func(o *Options, n int) { o.PerClass = map[string][]float64{"gamma": ones(n)} }},
	{"check_targets", "an output that reports invalid targets", func(o *Options, _ int) { o.CheckTargets = true }},
	{"background", "the no-object class, if the model does not say", func(o *Options, _ int) { o.Background = new(int) }},
}

func ones(n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = 1
	}
	return x
}

// someClasses is a number of classes that every loss accepts.
const someClasses = 3

// Plain is the minimal options with which l can be built for the given number of classes.
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

// Takes lists the choices that l accepts.
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

// Needs reports whether l is refused without the choice c.
func (l *Loss) Needs(c Choice) bool {
	return c.Name == "class_counts" && l.Counts || c.Name == "background" && l.Background
}
