package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/patterns"
)

// inspection is the JSON document of inspect: everything the text says, in full.
type inspection struct {
	Model      modelDoc              `json:"model"`
	Heads      []headDoc             `json:"heads"`
	Candidates []*patterns.Candidate `json:"candidates"`
	// Pattern is the name of the pattern that found the heads.
	Pattern  string      `json:"pattern"`
	Refusal  *refusalDoc `json:"refusal"` // null where a head was found
	Warnings []string    `json:"warnings"`
	Next     *next       `json:"next"`
	// Trace is the rules' verdicts, with --trace-rules.
	Trace []patterns.Said `json:"trace,omitempty"`
	// Unprobed is why the network was not run although a rule asked for it.
	Unprobed string `json:"unprobed,omitempty"`
}

type modelDoc struct {
	File            string    `json:"file"`
	Producer        string    `json:"producer"`
	ProducerVersion string    `json:"producerVersion"`
	IR              int64     `json:"ir"`
	Opset           int64     `json:"opset"`
	Nodes           int       `json:"nodes"`
	Functions       int       `json:"functions"`
	Inputs          []typeDoc `json:"inputs"`
	Outputs         []typeDoc `json:"outputs"`
}

// typeDoc is a tensor. A dimension is a number, or a name if it is dynamic;
// shape is null if not even the rank is known.
type typeDoc struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []any  `json:"shape"`
}

type headDoc struct {
	patterns.HeadRecord
	// Classes is their number, or its name where the graph leaves it open.
	Classes  any               `json:"classes"`
	PerImage bool              `json:"perImage"`
	Reasons  []patterns.Reason `json:"reasons"`
	// RestsOn is the places where the evidence was found.
	RestsOn []patterns.Evidence `json:"restsOn"`
	// Auxiliary is what the model gives beside the head's classes and boxes.
	Auxiliary []auxiliaryDoc `json:"auxiliary"`
	Path      []stepDoc      `json:"path"`
}

type auxiliaryDoc struct {
	patterns.PartRecord
	Kind string `json:"kind"`
	Why  string `json:"why"`
}

func auxiliaryRecord(h *patterns.Head) []auxiliaryDoc {
	list := []auxiliaryDoc{}
	for _, x := range h.Auxiliary() {
		list = append(list, auxiliaryDoc{x.Record(), x.Kind, x.Why})
	}
	return list
}

// stepDoc is a step of a path; to is the index of the step that it feeds,
// from 0, and null at an output.
type stepDoc struct {
	typeDoc
	Ops    []string     `json:"ops"`
	To     *int         `json:"to"`
	Marks  []string     `json:"marks"`
	Beside []joiningDoc `json:"beside"`
}

type joiningDoc struct {
	typeDoc
	Role  string `json:"role"`
	Count int    `json:"count"`
}

type refusalDoc struct {
	Kind   string `json:"kind"` // "not found" or "ambiguous"
	Reason string `json:"reason"`
	Like   string `json:"looksLike"` // the kind of model that it looks like; may be empty
	Takes  string `json:"takes"`     // what would decide
}

func describeInspection(path string, m *graph.Model, r *patterns.Report, n *next, failed error) *inspection {
	d := &inspection{Model: modelRecord(path, m), Heads: []headDoc{}, Candidates: append([]*patterns.Candidate{}, r.Candidates...),
		Pattern: r.Pattern, Refusal: refusalOf(failed), Warnings: warnings(r), Next: n,
		Trace: r.Trace, Unprobed: r.Unprobed}
	for _, h := range r.Heads {
		d.Heads = append(d.Heads, headDoc{h.FullRecord(), classCount(h), h.PerImage(), h.Reasons(), h.RestsOn(), auxiliaryRecord(h), pathRecord(r.Path(h))})
	}
	return d
}

// classCount is how many classes h has, or the name of that number.
func classCount(h *patterns.Head) any {
	if h.Classes < 0 {
		return h.OpenClasses()
	}
	return h.Classes
}

func modelRecord(path string, m *graph.Model) modelDoc {
	d := modelDoc{title(path), m.Producer, m.ProducerVersion, m.IR, m.Opset(""), len(m.Graph.Nodes), len(m.Functions), []typeDoc{}, []typeDoc{}}
	for _, v := range dataInputs(m) {
		d.Inputs = append(d.Inputs, typeRecord(v.Name, v.Type))
	}
	for _, v := range m.Graph.Outputs {
		d.Outputs = append(d.Outputs, typeRecord(v.Name, v.Type))
	}
	return d
}

func typeRecord(name string, t graph.Type) typeDoc {
	d := typeDoc{Name: name, DType: t.DType.String()}
	if t.Kind != graph.TensorKind {
		d.DType = t.String()
	}
	if t.Shape == nil {
		return d
	}
	d.Shape = []any{}
	for _, x := range t.Shape {
		if x.IsKnown() {
			d.Shape = append(d.Shape, x.Value)
		} else {
			d.Shape = append(d.Shape, x.String())
		}
	}
	return d
}

func pathRecord(steps []*patterns.Step) []stepDoc {
	list := []stepDoc{}
	for _, x := range steps {
		d := stepDoc{typeRecord(x.Tensor, x.Type), append([]string{}, x.Ops...), nil, append([]string{}, x.Marks...), []joiningDoc{}}
		if x.To >= 0 {
			d.To = &x.To
		}
		for _, j := range x.Beside {
			d.Beside = append(d.Beside, joiningDoc{typeRecord(j.Tensor, j.Type), j.Role, j.Count})
		}
		list = append(list, d)
	}
	return list
}

func refusalOf(err error) *refusalDoc {
	var none *patterns.NotFoundError
	var several *patterns.AmbiguousError
	switch {
	case errors.As(err, &none):
		return &refusalDoc{"not found", none.Reason, none.Like, none.Takes()}
	case errors.As(err, &several):
		return &refusalDoc{"ambiguous", several.Reason, "", several.Takes()}
	}
	return nil
}

// warnings are reasons not to trust the best head unseen.
func warnings(r *patterns.Report) []string {
	list := []string{}
	if len(r.Heads) == 0 {
		return list
	}
	h := r.Heads[0]
	if h.Confidence < 0.9 {
		list = append(list, fmt.Sprintf("confidence %.2f is below 0.9: check the path before you train; --classes, --activation and --head override what was found", h.Confidence))
	}
	for _, x := range h.Reasons() {
		if h.Confidence == 1 && x.Against() && strings.HasPrefix(x.Text, "against it: ") {
			list = append(list, strings.TrimPrefix(x.Text, "against it: "))
		}
	}
	h.Boxes() // which may read weights
	if err := h.ReadErr(); err != nil {
		list = append(list, fmt.Sprintf("the network could not be run, so that less is known: %v", err))
	}
	if lost := h.LostBatch(); lost != nil {
		list = append(list, lost.String())
	}
	return list
}
