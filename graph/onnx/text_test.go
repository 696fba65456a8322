package onnx

import (
	"bytes"
	"os"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
	"github.com/onnxloss/onnxloss/graph/text"
)

// TestText writes every model as text, reads that and compares its nodes with
// those of the file.
func TestText(t *testing.T) {
	eachModel(t, func(t *testing.T, path string) {
		if info, err := os.Stat(path); err != nil || info.Size() > 16<<20 {
			return // numbers take many times their bytes as text
		}
		m := read(t, path)
		defer Close(m)
		src, err := text.Print(m, -1)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		n, err := text.Parse(src)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return
		}
		if again, err := text.Print(n, -1); err != nil || again != src {
			t.Errorf("%s: another text: %v", path, err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, want := plain(t, path, encoded(t, n)), plain(t, path, file)
		for i := range want.Graph.Node {
			bare(want.Graph.Node[i])
			bare(got.Graph.Node[i])
			if !proto.Equal(got.Graph.Node[i], want.Graph.Node[i]) && !hasSparse(want.Graph.Node[i]) {
				t.Errorf("%s: node %d: got %.500v, want %.500v", path, i, got.Graph.Node[i], want.Graph.Node[i])
				break
			}
		}
		if len(got.Graph.Input) != len(want.Graph.Input) || len(got.Functions) != len(want.Functions) {
			t.Errorf("%s: another model", path)
		}
	})
}

// bare clears what the text form does not hold.
func bare(n *pb.NodeProto) {
	n.DocString, n.MetadataProps = nil, nil
	for _, a := range n.Attribute {
		a.DocString = nil
		for _, g := range append([]*pb.GraphProto{a.G}, a.Graphs...) {
			if g == nil {
				continue
			}
			g.DocString, g.ValueInfo = nil, nil
			for _, v := range append(g.Input, g.Output...) {
				v.DocString = nil
			}
			for _, n := range g.Node {
				bare(n)
			}
		}
	}
}

func hasSparse(n *pb.NodeProto) bool {
	for _, a := range n.Attribute {
		if a.SparseTensor != nil || len(a.SparseTensors) > 0 {
			return true
		}
	}
	return false
}

// TestTextOfRich: the text of a model with something of everything.
func TestTextOfRich(t *testing.T) {
	m := parse(t, marshal(t, richModel()))
	src, err := text.Print(m, -1)
	if err != nil {
		t.Fatal(err)
	}
	n, err := text.Parse(src)
	if err != nil {
		t.Fatalf("%v\n%s", err, src)
	}
	if again, err := text.Print(n, -1); err != nil || again != src {
		t.Errorf("%v\ngot:\n%s\nwant:\n%s", err, again, src)
	}
	if b := encoded(t, n); !bytes.Contains(b, []byte("then_branch")) {
		t.Error("the subgraph is lost")
	}
}
