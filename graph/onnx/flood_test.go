package onnx

import (
	"bytes"
	"runtime"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/thorough"
)

// floodSize is the bytes of a flood in one file.
const floodSize = 4 << 20

// field1 is one record of field num that holds b.
func field1(num protowire.Number, b []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, num, protowire.BytesType), b)
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// many is records of field num with the content b, as many as a flood takes.
func many(num protowire.Number, b []byte) []byte {
	one := field1(num, b)
	return bytes.Repeat(one, floodSize/len(one))
}

// numbered is many with a number in place of each content.
func numbered(num protowire.Number, of func(s []byte) []byte) []byte {
	var b []byte
	for i := 0; len(b) < floodSize; i++ {
		b = append(b, field1(num, of(strconv.AppendInt(nil, int64(i), 36)))...)
	}
	return b
}

// The messages around a flood.
func inModel(b []byte) []byte    { return join([]byte{8, 8}, b, field1(7, field1(2, []byte("g")))) }
func inGraph(b []byte) []byte    { return join([]byte{8, 8}, field1(7, b)) }
func inFunction(b []byte) []byte { return inModel(field1(25, join(field1(1, []byte("f")), b))) }
func inNode(b []byte) []byte     { return inGraph(field1(1, join(field1(4, []byte("Op")), b))) }
func inAttr(b []byte) []byte     { return inNode(field1(5, join(field1(1, []byte("a")), b))) }
func inTensor(b []byte) []byte   { return inGraph(field1(5, join(field1(8, []byte("w")), b))) }
func inSparse(b []byte) []byte   { return inGraph(field1(15, b)) }
func inInfo(b []byte) []byte     { return inGraph(field1(13, join(field1(1, []byte("v")), b))) }
func inType(b []byte) []byte     { return inInfo(field1(2, b)) }
func inShape(b []byte) []byte    { return inType(field1(1, field1(2, b))) }

// floods is files in which one field is repeated until they are large.
func floods() map[string]func() []byte {
	group := append(protowire.AppendTag(nil, 60, protowire.StartGroupType), protowire.AppendTag(nil, 60, protowire.EndGroupType)...)
	unknown := bytes.Repeat(protowire.AppendVarint(protowire.AppendTag(nil, 900, protowire.VarintType), 0), floodSize/3)
	zeros := make([]byte, floodSize)
	single := func(num protowire.Number) []byte {
		return bytes.Repeat(append(protowire.AppendTag(nil, num, protowire.VarintType), 0), floodSize/2)
	}
	op := field1(4, []byte("A"))
	return map[string]func() []byte{
		"model/metadata":         func() []byte { return inModel(many(14, nil)) },
		"model/metadata, named":  func() []byte { return inModel(numbered(14, func(s []byte) []byte { return field1(1, s) })) },
		"model/opsets":           func() []byte { return inModel(many(8, nil)) },
		"model/functions":        func() []byte { return inModel(many(25, nil)) },
		"model/functions, named": func() []byte { return inModel(numbered(25, func(s []byte) []byte { return field1(1, s) })) },
		"model/training":         func() []byte { return inModel(many(20, nil)) },
		"model/configuration":    func() []byte { return inModel(many(26, nil)) },
		"model/device":           func() []byte { return inModel(field1(26, many(3, nil))) },
		"model/graphs":           func() []byte { return many(7, nil) },
		"model/names":            func() []byte { return inModel(many(2, []byte("x"))) },
		"model/unknown":          func() []byte { return inModel(unknown) },
		"model/groups":           func() []byte { return inModel(bytes.Repeat(group, floodSize/len(group))) },
		"model/unknown messages": func() []byte { return inModel(many(50, nil)) },
		"model/versions":         func() []byte { return inModel(single(1)) },
		"graph/nodes, empty":     func() []byte { return inGraph(many(1, nil)) },
		"graph/nodes, bare":      func() []byte { return inGraph(many(1, op)) },
		"graph/nodes, made":      func() []byte { return inGraph(numbered(1, func(s []byte) []byte { return join(field1(2, s), op) })) },
		"graph/nodes, operators": func() []byte { return inGraph(numbered(1, func(s []byte) []byte { return field1(4, s) })) },
		"graph/inits, empty":     func() []byte { return inGraph(many(5, nil)) },
		"graph/inits":            func() []byte { return inGraph(numbered(5, func(s []byte) []byte { return field1(8, s) })) },
		"graph/inputs":           func() []byte { return inGraph(numbered(11, func(s []byte) []byte { return field1(1, s) })) },
		"graph/outputs": func() []byte {
			return inGraph(join(field1(11, field1(1, []byte("x"))), many(12, field1(1, []byte("x")))))
		},
		"graph/infos":              func() []byte { return inGraph(many(13, nil)) },
		"graph/infos, named":       func() []byte { return inGraph(numbered(13, func(s []byte) []byte { return field1(1, s) })) },
		"graph/annotations":        func() []byte { return inGraph(many(14, nil)) },
		"graph/sparse":             func() []byte { return inGraph(many(15, nil)) },
		"graph/metadata":           func() []byte { return inGraph(many(16, nil)) },
		"graph/docs":               func() []byte { return inGraph(many(10, nil)) },
		"graph/unknown":            func() []byte { return inGraph(unknown) },
		"function/inputs":          func() []byte { return inFunction(many(4, nil)) },
		"function/inputs, named":   func() []byte { return inFunction(numbered(4, func(s []byte) []byte { return s })) },
		"function/attributes":      func() []byte { return inFunction(many(6, nil)) },
		"function/opsets":          func() []byte { return inFunction(many(9, nil)) },
		"function/defaults":        func() []byte { return inFunction(many(11, nil)) },
		"function/nodes":           func() []byte { return inFunction(many(7, op)) },
		"function/infos":           func() []byte { return inFunction(many(12, nil)) },
		"function/metadata":        func() []byte { return inFunction(many(14, nil)) },
		"node/inputs":              func() []byte { return inNode(many(1, nil)) },
		"node/outputs":             func() []byte { return inNode(many(2, nil)) },
		"node/outputs, named":      func() []byte { return inNode(numbered(2, func(s []byte) []byte { return s })) },
		"node/attributes":          func() []byte { return inNode(many(5, nil)) },
		"node/attributes, named":   func() []byte { return inNode(numbered(5, func(s []byte) []byte { return field1(1, s) })) },
		"node/metadata":            func() []byte { return inNode(many(9, nil)) },
		"node/devices":             func() []byte { return inNode(many(10, nil)) },
		"node/shardings":           func() []byte { return inNode(field1(10, many(2, nil))) },
		"node/sharding's devices":  func() []byte { return inNode(field1(10, field1(2, field1(2, zeros)))) },
		"node/unknown":             func() []byte { return inNode(unknown) },
		"attribute/strings":        func() []byte { return inAttr(many(9, nil)) },
		"attribute/ints":           func() []byte { return inAttr(field1(8, zeros)) },
		"attribute/ints, single":   func() []byte { return inAttr(single(8)) },
		"attribute/floats":         func() []byte { return inAttr(field1(7, zeros)) },
		"attribute/tensors":        func() []byte { return inAttr(many(10, nil)) },
		"attribute/graphs":         func() []byte { return inAttr(many(11, nil)) },
		"attribute/sparse":         func() []byte { return inAttr(many(23, nil)) },
		"attribute/types":          func() []byte { return inAttr(many(15, nil)) },
		"attribute/text":           func() []byte { return inAttr(many(4, []byte("x"))) },
		"attribute/long text":      func() []byte { return inAttr(field1(4, zeros)) },
		"attribute/type":           func() []byte { return inAttr(many(14, nil)) },
		"tensor/dims":              func() []byte { return inTensor(field1(1, zeros)) },
		"tensor/dims, single":      func() []byte { return inTensor(single(1)) },
		"tensor/external":          func() []byte { return inTensor(many(13, nil)) },
		"tensor/metadata":          func() []byte { return inTensor(many(16, nil)) },
		"tensor/segments":          func() []byte { return inTensor(many(3, nil)) },
		"tensor/raw":               func() []byte { return inTensor(many(9, nil)) },
		"tensor/strings":           func() []byte { return inTensor(join([]byte{8, 0, 16, 8}, many(6, nil))) },
		"sparse/dims":              func() []byte { return inSparse(field1(3, zeros)) },
		"value/metadata":           func() []byte { return inInfo(many(4, nil)) },
		"value/types":              func() []byte { return inInfo(many(2, nil)) },
		"type/denotations":         func() []byte { return inType(many(6, nil)) },
		"type/tensors":             func() []byte { return inType(many(1, nil)) },
		"type/maps":                func() []byte { return inType(many(5, nil)) },
		"shape/dims":               func() []byte { return inShape(many(1, nil)) },
		"shape/dims' denotations":  func() []byte { return inShape(field1(1, many(3, nil))) },
		"training/tensor metadata": func() []byte { return inModel(field1(20, field1(1, field1(5, many(16, nil))))) },
		"training/nodes":           func() []byte { return inModel(field1(20, field1(1, many(1, nil)))) },
	}
}

// TestFloods reads files in which one field is repeated: each is refused with
// a sentence or takes at most 10 times its size and 64 MB, in linear time.
func TestFloods(t *testing.T) {
	for name, build := range floods() {
		t.Run(name, func(t *testing.T) {
			file := build()
			bound := 10*uint64(len(file)) + 64e6
			start, before := time.Now(), memory()
			m, err := readBytes(file)
			took, after := time.Since(start), memory()
			if total := after.TotalAlloc - before.TotalAlloc; total > 5*bound {
				t.Errorf("%d MB are taken in all, want at most %d", total/1e6, 5*bound/1e6)
			}
			if m != nil {
				runtime.GC()
				after = memory()
			}
			if live := int64(after.HeapAlloc) - int64(before.HeapAlloc); m != nil && live > int64(bound) {
				t.Errorf("%d MB are kept, want at most %d", live/1e6, bound/1e6)
			}
			if took > 20*time.Second {
				t.Errorf("it takes %v", took)
			}
			t.Logf("%v; %d MB in all; %v", took.Round(time.Millisecond), (after.TotalAlloc-before.TotalAlloc)/1e6, err)
			runtime.KeepAlive(m)
		})
	}
}

func memory() (m runtime.MemStats) {
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// TestChain reads a chain of a million of the smallest nodes of use.
func TestChain(t *testing.T) {
	n := 1_000_000 / thorough.Every(10)
	b := field1(11, field1(1, []byte("v0")))
	for i := range n {
		b = append(b, field1(1, join(field1(1, strconv.AppendInt([]byte("v"), int64(i), 10)),
			field1(2, strconv.AppendInt([]byte("v"), int64(i+1), 10)), field1(4, []byte("Relu"))))...)
	}
	file := inGraph(b)
	before := memory()
	start := time.Now()
	m, err := readBytes(file)
	if err != nil {
		t.Fatal(err)
	}
	took, after := time.Since(start), memory()
	if live := after.HeapAlloc - before.HeapAlloc; live > uint64(limits.Structure(int64(len(file)))) {
		t.Errorf("%d MB for %d MB", live/1e6, len(file)/1e6)
	} else {
		t.Logf("%v, %d bytes a node, %d in all, of %d in the file", took.Round(time.Millisecond), live/uint64(n), (after.TotalAlloc-before.TotalAlloc)/uint64(n), len(file)/n)
	}
	if len(m.Graph.Nodes) != n {
		t.Error(len(m.Graph.Nodes))
	}
}

// FuzzFlood reads files in which any bytes are repeated inside one message of
// each kind. None takes more than a few times what its size allows, garbage
// included.
func FuzzFlood(f *testing.F) {
	frames := []func([]byte) []byte{inModel, inGraph, inFunction, inNode, inAttr, inTensor, inSparse, inInfo, inType, inShape}
	for i := range frames {
		for num := range protowire.Number(26) {
			f.Add(field1(num+1, nil), uint8(i))
		}
		f.Add(field1(1, field1(4, []byte("A"))), uint8(i))
	}
	f.Fuzz(func(t *testing.T, b []byte, frame uint8) {
		if len(b) == 0 || len(b) > 64 {
			return
		}
		file := frames[int(frame)%len(frames)](bytes.Repeat(b, (256<<10)/len(b)))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := readBytes(file)
		runtime.ReadMemStats(&after)
		if all, most := int64(after.TotalAlloc-before.TotalAlloc), 3*limits.Memory(int64(len(file))); all > most {
			t.Fatalf("%d bytes are taken for a file of %d, want at most %d: %v", all, len(file), most, err)
		}
	})
}
