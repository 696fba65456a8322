package onnx

import (
	"fmt"
	"reflect"
	"sync"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// weigher counts the memory that a file's structure will take, by a walk over
// its framing that takes none: what is kept of each message, and the most that
// the decoder takes for one of them at a time.
type weigher struct {
	*wire
	limit int64
	kept  int64
	now   int64 // what the decoder takes for the message at hand
	most  int64 // the largest now of the messages before
	moved int64 // what the decoder copies as lists of packed numbers grow, record by record
	aside bool  // inside what is located and never read
	tally []tally
	over  error
}

// tally is how often a field was met and what it takes.
type tally struct{ count, bytes int64 }

// weigh fails if the file, which holds a message of the named kind, describes
// more than a file of its size may. Of broken framing it says nothing: the
// reader does, with the place in its words.
func (w *wire) weigh(name protoreflect.Name) error {
	kinds, n := kindsOf()
	g := &weigher{wire: w, limit: limits.Structure(w.size), tally: make([]tally, n)}
	g.message(graph.Extent{Len: w.size}, kinds[name], 0)
	return g.over
}

func (w *weigher) message(e graph.Extent, k *kind, depth int) {
	if depth > 4*limits.Nesting { // the reader refuses it
		return
	}
	var counts [32]int64
	_ = w.each(e, func(f field) error {
		x := k.field(f.num)
		if x == nil || x.sub != nil && f.typ != protowire.BytesType {
			w.now += 2 * f.rec.Len // kept by the decoder as it is
			return w.check()
		}
		counts[f.num]++
		if x.packed && f.typ == protowire.BytesType {
			if !x.payload {
				w.moved += 8 * (counts[f.num] - 1)
			}
			counts[f.num] += f.body.Len - 1
		}
		if w.moved > w.limit {
			w.over = w.errorf(f.rec.Off, "too many records of packed %s", x.name)
			return w.over
		}
		if x.cost.most > 0 && counts[f.num] > x.cost.most {
			w.over = w.errorf(f.rec.Off, "more than %d %s", x.cost.most, x.name)
			return w.over
		}
		w.take(f, x)
		if x.sub != nil {
			w.inside(f, x, depth)
		}
		return w.check()
	})
}

// take counts what the record f takes, messages inside it not counted.
func (w *weigher) take(f field, x *fieldKind) {
	kept, now := x.cost.record+x.cost.perByte*f.body.Len, int64(0)
	switch {
	case x.payload:
	case x.sub == nil:
		now = f.rec.Len + x.decoded + x.perByte(f)*f.body.Len
		if x.text {
			kept += f.body.Len
		}
	case !x.located:
		now = x.decoded + 4
	}
	if w.aside {
		kept = 0
	}
	w.kept += kept
	w.now += now
	w.tally[x.id].count++
	w.tally[x.id].bytes += kept + now
}

// inside weighs the message in f.
func (w *weigher) inside(f field, x *fieldKind, depth int) {
	if !x.located {
		w.message(f.body, x.sub, depth+1)
		return
	}
	now, aside := w.now, w.aside
	w.now, w.aside = 0, aside || x.aside
	w.message(f.body, x.sub, depth+1)
	w.most = max(w.most, w.now)
	w.now, w.aside = now, aside
}

func (w *weigher) check() error {
	if w.over == nil && w.kept+max(w.now, w.most) > w.limit {
		w.over = fmt.Errorf("%d bytes would become more than %d MB in memory, mostly %s", w.size, w.limit/1e6, w.largest())
	}
	return w.over
}

// largest names the field that takes most.
func (w *weigher) largest() string {
	at := 0
	for i, t := range w.tally {
		if t.bytes > w.tally[at].bytes {
			at = i
		}
	}
	kinds, _ := kindsOf()
	for _, k := range kinds {
		for _, x := range k.fields {
			if x != nil && x.id == at {
				return fmt.Sprintf("%d × %s", w.tally[at].count, x.name)
			}
		}
	}
	return "of no kind"
}

// kind is a type of message.
type kind struct{ fields [32]*fieldKind }

func (k *kind) field(n protowire.Number) *fieldKind {
	if int(n) >= len(k.fields) {
		return nil
	}
	return k.fields[n]
}

// fieldKind is a field of a type of message.
type fieldKind struct {
	id      int
	name    string
	sub     *kind // of messages
	located bool  // decoded by itself
	aside   bool  // not read
	payload bool  // elements, which are read when asked for
	text    bool
	packed  bool // may hold many numbers in one record
	fixed   bool // numbers of a fixed length
	decoded int64
	cost    cost
}

// perByte is what the decoder takes for a byte of f's content.
func (x *fieldKind) perByte(f field) int64 {
	if x.packed && !x.fixed && f.typ == protowire.BytesType {
		return 8
	}
	return 1
}

// kindsOf is the types of messages by name, and the number of their fields.
var kindsOf = sync.OnceValues(func() (map[protoreflect.Name]*kind, int) {
	kinds := map[protoreflect.Name]*kind{}
	count := 0
	var of func(m protoreflect.MessageDescriptor) *kind
	of = func(m protoreflect.MessageDescriptor) *kind {
		name := m.Name()
		if m.Parent() != m.ParentFile() {
			name = m.Parent().Name() + "." + name
		}
		if k := kinds[name]; k != nil {
			return k
		}
		k := &kind{}
		kinds[name] = k
		for i := range m.Fields().Len() {
			d := m.Fields().Get(i)
			full := string(name) + "." + string(d.Name())
			x := &fieldKind{
				id: count, name: full, cost: costs[full], decoded: decodedSize(d),
				located: locatedFields[string(name)].has(d.Number()), aside: full == "ModelProto.training_info",
				payload: name == "TensorProto" && payloadFields.has(d.Number()),
				text:    d.Kind() == protoreflect.StringKind || d.Kind() == protoreflect.BytesKind,
				fixed:   d.Kind() == protoreflect.FloatKind || d.Kind() == protoreflect.DoubleKind,
			}
			x.packed = d.IsList() && !x.text && d.Message() == nil
			count++
			k.fields[d.Number()] = x
			if d.Message() != nil {
				x.sub = of(d.Message())
			}
		}
		return k
	}
	messages := pb.File_onnx_proto.Messages()
	for i := range messages.Len() {
		of(messages.Get(i))
	}
	return kinds, count
})

// locatedFields is the fields of each message that are decoded by themselves.
var locatedFields = map[string]fields{
	"ModelProto": modelFields, "GraphProto": graphFields, "FunctionProto": functionFields,
	"NodeProto": fieldSet(nodeAttribute), "AttributeProto": attrFields,
	"SparseTensorProto": sparseFields, "SequenceProto": valueFields, "OptionalProto": valueFields,
	"TrainingInfoProto": fieldSet(1, 2),
}

// decodedSize is what the generated types take for one record of d, its text
// or packed numbers not counted.
func decodedSize(d protoreflect.FieldDescriptor) int64 {
	size := int64(8)
	switch {
	case d.Message() != nil:
		t, err := protoregistry.GlobalTypes.FindMessageByName(d.Message().FullName())
		if err != nil {
			panic(err)
		}
		size = int64(reflect.TypeOf(t.Zero().Interface()).Elem().Size())
		if d.ContainingOneof() != nil {
			size += 16
		}
	case d.Kind() == protoreflect.StringKind:
		size = 16
	case d.Kind() == protoreflect.BytesKind:
		size = 24
	}
	if d.IsList() { // the slack of growing, and what it grew from
		size += 16
		if d.Message() == nil && size == 8+16 {
			size += 8
		}
	}
	return size
}
