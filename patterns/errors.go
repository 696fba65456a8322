package patterns

import (
	"fmt"
	"strings"

	"github.com/onnxloss/onnxloss/graph/visible"
)

// maxListed is how many candidates an error lists.
const maxListed = 20

// NotFoundError is the error where no part of the model is a classification head.
type NotFoundError struct {
	Reason string
	// Like is what kind of model it resembles; empty if unknown.
	Like       string
	Heads      []string // a line for each head there is, if Options.Head names none of them
	Candidates []*Candidate
}

// Error is a line, one for each candidate, and what takes one. Names in it are
// visible text.
func (e *NotFoundError) Error() string {
	text := "no classification head: " + visible.Text(e.Reason)
	if e.Like != "" {
		text += "; this looks like " + visible.Text(e.Like)
	}
	return text + list(e.Heads, e.Candidates) + "\n" + e.Takes()
}

// Takes is what would make a head of the model.
func (e *NotFoundError) Takes() string {
	takes := "--head TENSOR names the tensor that holds class logits, if there is one"
	switch {
	case len(e.Heads) > 0:
		takes = "--head N takes one of these heads, " + takes
	case len(e.Candidates) > 0:
		takes = "--head N takes one of these as the head, " + takes
	}
	return takes
}

// AmbiguousError is the error where several parts may be the head and nothing in
// the graph separates them.
type AmbiguousError struct {
	Reason     string
	Decides    string   // an option that decides, beside --head; may be empty
	Heads      []string // a line for each of several heads
	Candidates []*Candidate
}

// Error is a line, one for each candidate, and what decides. Names in it are
// visible text.
func (e *AmbiguousError) Error() string {
	text := "the classification head is ambiguous: " + visible.Text(e.Reason)
	return text + list(e.Heads, e.Candidates) + "\n" + e.Takes()
}

// Takes is what decides.
func (e *AmbiguousError) Takes() string {
	takes := "--head N or --head TENSOR decides"
	if e.Decides != "" {
		takes = e.Decides + ", or " + takes
	}
	return takes
}

// list is a line for each head and candidate. The number that --head takes is before the
// heads, or before the candidates if there are no heads.
func list(heads []string, cs []*Candidate) string {
	var b strings.Builder
	for i, h := range heads {
		fmt.Fprintf(&b, "\n  %d %s", i+1, visible.Text(h))
	}
	for i, c := range cs {
		if i == maxListed && len(cs) > i+1 {
			fmt.Fprintf(&b, "\n  … %d more: --json lists them", len(cs)-i)
			break
		}
		number := fmt.Sprint(i + 1)
		if len(heads) > 0 {
			number = "candidate"
			if c.Rejected == "" {
				continue // a level of a head
			}
		}
		fmt.Fprintf(&b, "\n  %s %s: %s on axis %d, ", number, visible.Text(c.Source.Name), channels(c.Classes), c.Layout.ChannelAxis())
		if c.Activation == None {
			b.WriteString("no activation")
		} else {
			b.WriteString(string(c.Activation))
		}
		if c.Rejected != "" {
			b.WriteString(": " + visible.Text(c.Rejected))
		}
	}
	return b.String()
}

// channels is n channels in words; n is -1 where it is unknown.
func channels(n int) string {
	switch {
	case n < 0:
		return "channels"
	case n == 1:
		return "1 channel"
	}
	return fmt.Sprintf("%d channels", n)
}
