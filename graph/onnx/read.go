package onnx

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/onnxloss/onnxloss/graph"
	"github.com/onnxloss/onnxloss/graph/limits"
	"github.com/onnxloss/onnxloss/graph/onnx/internal/pb"
)

// MaxSize is the largest model file there can be, external data not counted:
// protobuf's limit on one message.
const MaxSize = limits.File

// ReadFile reads the model at path, with the zero ReadOptions.
func ReadFile(path string) (*graph.Model, error) { return ReadOptions{}.ReadFile(path) }

// ReadFile reads the model at path; "-" is standard input. The file stays open
// until Close. Errors begin with the path.
//
// External data is looked for beside path and, if path is a link, beside the
// file that it leads to. Names and links that lead out of these folders are an
// error, a LinkError for links, except for links into o.FollowLinks.
func (o ReadOptions) ReadFile(path string) (*graph.Model, error) {
	if path == "-" {
		return Read(os.Stdin)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		err = fmt.Errorf("%s: is a directory, expected an ONNX file", path)
	case !info.Mode().IsRegular():
		defer f.Close()
		return spool(f, path)
	}
	if err != nil {
		f.Close()
		return nil, err
	}
	src := &graph.Source{ReaderAt: f, Size: info.Size(), Path: path}
	var m *graph.Model
	dirs, err := foldersOf(f, path, o)
	if err == nil {
		src.External = dirs.open
		m, err = readSource(src)
	}
	if err != nil {
		f.Close()
	}
	return m, err
}

// Read reads a model from a stream, which it copies to a temporary file that
// has no name. Such a model has no folder, so external data cannot be loaded.
func Read(r io.Reader) (*graph.Model, error) { return spool(r, "") }

// spool reads from r by way of a temporary file. The path is for messages.
func spool(r io.Reader, path string) (*graph.Model, error) {
	f, err := os.CreateTemp("", "onnx")
	if err != nil {
		return nil, err
	}
	os.Remove(f.Name())
	n, err := copyModel(f, r)
	if err != nil {
		f.Close()
		return nil, named(path, err)
	}
	m, err := ReadAt(f, n, "")
	if err != nil {
		f.Close()
		return nil, named(path, err)
	}
	return m, nil
}

// copyModel copies a stream of at most MaxSize bytes, and nothing but the start
// of one that is clearly no model, such as /dev/zero.
func copyModel(w io.Writer, r io.Reader) (int64, error) {
	var start bytes.Buffer
	_, err := io.CopyN(&start, r, smallWindow)
	if err == nil {
		err = checkStart(start.Bytes())
	} else if err == io.EOF {
		err = nil // all of it, which the reader looks at
	}
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, io.LimitReader(io.MultiReader(&start, r), MaxSize+1))
	if err == nil && n > MaxSize {
		err = errors.New("larger than 2 GiB, the limit of the format")
	}
	if err != nil {
		err = fmt.Errorf("copying the stream to a temporary file: %w", err)
	}
	return n, err
}

// checkStart fails if b cannot begin a model: its first fields are short.
func checkStart(b []byte) error {
	for range 8 {
		_, _, n := protowire.ConsumeField(b)
		if err := protowire.ParseError(n); n < 0 && !errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("not an ONNX model: %w", err)
		} else if n < 0 {
			return nil // it goes on
		}
		b = b[n:]
	}
	return nil
}

func named(path string, err error) error {
	if path == "" {
		path = "standard input"
	}
	return fmt.Errorf("%s: %w", path, err)
}

// Close closes the file that m was read from, after which the elements of its
// constants cannot be loaded any more.
func Close(m *graph.Model) error {
	if m.Source == nil {
		return nil
	}
	if c, ok := m.Source.ReaderAt.(io.Closer); ok {
		return c.Close()
	}
	return nil
}

// ReadAt reads a model from size bytes of r, which must stay readable while
// the model is in use. The path is for messages and to find external data; it
// may be empty. The model's Dirty is false.
func ReadAt(r io.ReaderAt, size int64, path string) (*graph.Model, error) {
	src := &graph.Source{ReaderAt: r, Size: size, Path: path}
	if path != "" {
		src.External = (&folders{beside: []string{filepath.Dir(path)}}).open
	}
	return readSource(src)
}

// ReadLike reads a model from size bytes of r, as ReadAt does, and finds
// external data where m does.
func ReadLike(m *graph.Model, r io.ReaderAt, size int64) (*graph.Model, error) {
	return readSource(&graph.Source{ReaderAt: r, Size: size, Path: m.Source.Path, External: m.Source.External})
}

func readSource(src *graph.Source) (*graph.Model, error) {
	m := &graph.Model{Source: src}
	rd := &reader{wire: newWire(src, src.Size), model: m, origin: newOrigin()}
	err := rd.file()
	if err != nil {
		if src.Path != "" {
			err = fmt.Errorf("%s: %w", src.Path, err)
		}
		return nil, err
	}
	m.Origin = rd.origin
	m.Dirty = false
	return m, nil
}

// reader builds a model from a file.
type reader struct {
	*wire
	model  *graph.Model
	origin *origin
	scopes []*scope // the graphs being read, outermost first
}

// The numbers of fields that are located.
const (
	modelGraph     = protowire.Number(7)
	modelTraining  = protowire.Number(20)
	modelFunctions = protowire.Number(25)
)

var modelFields = fieldSet(modelGraph, modelTraining, modelFunctions)

func (r *reader) file() error {
	if r.size == 0 {
		return errors.New("not an ONNX model: the file is empty")
	}
	if err := r.weigh("ModelProto"); err != nil {
		return err
	}
	var main graph.Extent
	var functions []graph.Extent
	head := &pb.ModelProto{}
	r.origin.whole = graph.Extent{Len: r.size}
	b, err := r.split(r.origin.whole, modelFields, func(f field) error {
		if err := r.message(f, "model"); err != nil {
			return err
		}
		switch f.num {
		case modelGraph:
			if !main.IsZero() {
				return r.errorf(f.rec.Off, "a second graph")
			}
			main = f.body
		case modelTraining:
			r.origin.training = append(r.origin.training, f.body)
		case modelFunctions:
			functions = append(functions, f.body)
		}
		return nil
	})
	if err == nil {
		err = decode.Unmarshal(b, head)
	}
	if err != nil {
		return fmt.Errorf("not an ONNX model: %w", err)
	}
	if main.IsZero() {
		return errors.New("not an ONNX model: it has no graph")
	}
	r.modelHeader(head)
	for _, e := range functions {
		if err := r.function(e); err != nil {
			return err
		}
	}
	if err := checkFunctions(r.model); err != nil {
		return err
	}
	r.model.Graph, err = r.graph(main, nil)
	return err
}

func (r *reader) modelHeader(p *pb.ModelProto) {
	m := r.model
	m.IR, m.Version = p.GetIrVersion(), p.GetModelVersion()
	m.Producer, m.ProducerVersion = p.GetProducerName(), p.GetProducerVersion()
	m.Domain, m.Doc = p.GetDomain(), p.GetDocString()
	m.Opsets = opsets(p.OpsetImport)
	for _, e := range p.MetadataProps {
		m.Metadata = append(m.Metadata, graph.Pair{Key: e.GetKey(), Value: e.GetValue()})
	}
}

func opsets(ps []*pb.OperatorSetIdProto) []graph.Opset {
	var r []graph.Opset
	for _, p := range ps {
		r = append(r, graph.Opset{Domain: p.GetDomain(), Version: p.GetVersion()})
	}
	return r
}

// The versions that commands which compute with a model support.
const (
	MinIR, MaxIR       = 3, 13
	MinOpset, MaxOpset = 7, 27
)

// CheckVersions reports whether m's IR version and its version of ONNX's own
// operator set are among those that are supported.
func CheckVersions(m *graph.Model) error {
	path := ""
	if m.Source != nil && m.Source.Path != "" {
		path = m.Source.Path + ": "
	}
	if m.IR < MinIR || m.IR > MaxIR {
		return fmt.Errorf("%sIR version %d is not supported (%d to %d are)", path, m.IR, MinIR, MaxIR)
	}
	check := func(o graph.Opset) error {
		if graph.CanonicalDomain(o.Domain) == "" && (o.Version < MinOpset || o.Version > MaxOpset) {
			return fmt.Errorf("%sopset %d is not supported (%d to %d are)", path, o.Version, MinOpset, MaxOpset)
		}
		return nil
	}
	for _, o := range m.Opsets {
		if err := check(o); err != nil {
			return err
		}
	}
	for _, f := range m.Functions {
		for _, o := range f.Opsets {
			if err := check(o); err != nil {
				return fmt.Errorf("function %s: %w", f.Name, err)
			}
		}
	}
	if m.Opset("") == 0 && len(m.Graph.Nodes) > 0 {
		return fmt.Errorf("%sthe model does not import ONNX's operator set", path)
	}
	return nil
}
