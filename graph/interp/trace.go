package interp

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/onnxloss/onnxloss/graph/visible"
)

// traceEvent is one line of Chrome's trace format ("Trace Event Format", the
// JSON that chrome://tracing and Perfetto load). Times are in microseconds.
type traceEvent struct {
	Name  string         `json:"name"`
	Cat   string         `json:"cat,omitempty"`
	Phase string         `json:"ph"`
	TS    float64        `json:"ts"`
	Dur   *float64       `json:"dur,omitempty"`
	PID   int            `json:"pid"`
	TID   int            `json:"tid"`
	Args  map[string]any `json:"args,omitempty"`
}

// The rows of a trace: nodes on the first, nested as their subgraphs are, then
// one for each core with the pieces of loops it ran.
const (
	traceProcess = 1
	nodesRow     = 0
)

func coreRow(core int) int { return core + 1 }

// WriteTrace writes the profile as Chrome trace JSON, under the title given:
// one event for each node, with its shapes and rates, one for each piece of a
// loop on the core that ran it, and the memory that was held.
func (p *Profile) WriteTrace(w io.Writer, title string) error {
	out := bufio.NewWriter(w)
	events := p.traceHead(title)
	for i := range p.Records {
		events = append(events, p.Records[i].event(), p.Records[i].memory())
	}
	for _, q := range p.Parts {
		r := p.Records[q.Record]
		events = append(events, span(r.Op, "loop", coreRow(q.Core), q.Start, q.Time, map[string]any{"node": r.Node.Name}))
	}
	fmt.Fprint(out, `{"displayTimeUnit":"ms","traceEvents":[`)
	for i, e := range events {
		if i > 0 {
			fmt.Fprint(out, ",")
		}
		line, err := json.Marshal(e)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n%s", visible.JSON(line))
	}
	fmt.Fprintln(out, "\n]}")
	return out.Flush()
}

// traceHead names the process and its rows.
func (p *Profile) traceHead(title string) []traceEvent {
	name := func(what string, row int, name string) traceEvent {
		return traceEvent{Name: what, Phase: "M", PID: traceProcess, TID: row, Args: map[string]any{"name": name}}
	}
	events := []traceEvent{name("process_name", nodesRow, title), name("thread_name", nodesRow, "nodes")}
	cores := 0
	for _, q := range p.Parts {
		cores = max(cores, q.Core+1)
	}
	for core := range cores {
		events = append(events, name("thread_name", coreRow(core), fmt.Sprintf("core %d", core)))
	}
	return events
}

func (r *Record) event() traceEvent {
	args := map[string]any{"bytes": r.Bytes, "GB/s": perNanosecond(r.Bytes, r.Time), "shapes": r.Shapes}
	if r.Node.Name != "" {
		args["node"] = r.Node.Name
	}
	var outputs []string
	for _, v := range r.Node.Outputs {
		if v != nil {
			outputs = append(outputs, v.Name)
		}
	}
	args["outputs"] = outputs
	if r.Work > 0 {
		args["GFLOP/s"] = perNanosecond(r.Work, r.Time)
	}
	return span(r.Op, "node", nodesRow, r.Start, r.Time, args)
}

func (r *Record) memory() traceEvent {
	return traceEvent{Name: "memory", Phase: "C", TS: micros(r.Start + r.Time), PID: traceProcess, TID: nodesRow, Args: map[string]any{"bytes": r.Live}}
}

func span(name, cat string, row int, start, d time.Duration, args map[string]any) traceEvent {
	dur := micros(d)
	return traceEvent{Name: name, Cat: cat, Phase: "X", TS: micros(start), Dur: &dur, PID: traceProcess, TID: row, Args: args}
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
