package patterns

import (
	"fmt"
	"strings"
)

// NotFound is the error where no part of the model is a classification head.
type NotFound struct {
	Reason     string
	Candidates []*Candidate
}

func (e *NotFound) Error() string {
	return "no classification head: " + e.Reason + list(e.Candidates) +
		"\n--head TENSOR names the tensor that holds class logits, if there is one"
}

// Ambiguous is the error where several parts may be the head and nothing in
// the graph separates them.
type Ambiguous struct {
	Reason     string
	Takes      string // an option that decides, beside --head; may be empty
	Candidates []*Candidate
}

func (e *Ambiguous) Error() string {
	takes := "--head N or --head TENSOR decides"
	if e.Takes != "" {
		takes = e.Takes + ", " + takes
	}
	return "the classification head is ambiguous: " + e.Reason + list(e.Candidates) + "\n" + takes
}

func list(cs []*Candidate) string {
	var b strings.Builder
	for i, c := range cs {
		fmt.Fprintf(&b, "\n  %d %s: axis %d, %d channels, %s: %s", i+1, c.Source.Name, c.Layout.ChannelAxis(), c.Classes, c.Activation, c.Role)
		if c.Rejected != "" {
			b.WriteString(": " + c.Rejected)
		}
	}
	return b.String()
}
