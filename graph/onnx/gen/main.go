// Command gen writes the Go types of ../onnx.proto to ../internal/pb. It is a
// module of its own, so that the compiler it is built of burdens nobody who
// builds onnxloss, and it needs no protoc.
//
// With -check it writes nothing and fails if the file there is not what it
// would write.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/bufbuild/protocompile"
	"google.golang.org/protobuf/cmd/protoc-gen-go/internal_gengo"
	"google.golang.org/protobuf/compiler/protogen"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/pluginpb"
)

const (
	source = "onnx.proto"
	target = "internal/pb/onnx.pb.go"
)

func main() {
	check := flag.Bool("check", false, "compare instead of writing")
	dir := flag.String("dir", "..", "folder of "+source)
	flag.Parse()
	if err := run(*dir, *check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(dir string, check bool) error {
	text, err := generate(dir)
	if err != nil {
		return err
	}
	path := dir + "/" + target
	if !check {
		return os.WriteFile(path, text, 0o644)
	}
	old, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if !bytes.Equal(old, text) {
		return fmt.Errorf("%s is not what %s gives: run go generate ./graph/onnx", path, source)
	}
	return nil
}

// generate compiles dir's source and gives the text of the Go file.
func generate(dir string) ([]byte, error) {
	compiler := protocompile.Compiler{
		Resolver:       &protocompile.SourceResolver{ImportPaths: []string{dir}},
		SourceInfoMode: protocompile.SourceInfoStandard,
	}
	files, err := compiler.Compile(context.Background(), source)
	if err != nil {
		return nil, err
	}
	plugin, err := protogen.Options{}.New(&pluginpb.CodeGeneratorRequest{
		FileToGenerate: []string{source},
		Parameter:      proto.String("module=github.com/onnxloss/onnxloss/graph/onnx"),
		ProtoFile:      []*descriptorpb.FileDescriptorProto{protodesc.ToFileDescriptorProto(files[0])},
	})
	if err != nil {
		return nil, err
	}
	internal_gengo.GenerateFile(plugin, plugin.FilesByPath[source])
	reply := plugin.Response()
	if reply.Error != nil {
		return nil, errors.New(reply.GetError())
	}
	return []byte(reply.File[0].GetContent()), nil
}
