// Package onnx reads and writes ONNX files. It alone knows protobuf.
//
// Vocabulary. An extent is a range of bytes in a model's file. A header is what
// remains of a message when the fields that hold nodes, tensors, graphs and
// elements are left out; it is decoded by the types that protoc-gen-go made of
// onnx.proto. What was left out is located: its extents are known and its
// bytes stay in the file.
//
// Reading. ReadFile, Read and ReadAt walk the file's framing with protowire
// through a window of at most 256 KiB and build a graph.Model. Elements of
// tensors are decoded by graph.Data.Load, and not before. The file is read with
// pread and never mapped: a file that shrinks gives an error, not a fault.
// Names become objects: each value belongs to one graph, and a subgraph sees
// the values of the graphs around it. Nodes may come in any order; the model
// has them in an order in which they can run.
//
// An extent means something in the file of its own model only. A constant goes
// into another model as graph.NewData of what Load gives; a node or attribute,
// with its Origin cleared.
//
// Writing. A model that nobody changed is copied byte for byte. Of a changed
// one only what was changed is encoded again: the fields of a message are put
// in order of their numbers, everything that still has its Origin is copied
// from the file it came from, and extents that lie next to each other are
// copied in one piece by the kernel. Fields that no type here knows are kept.
// What the model does not hold as objects — value_info, quantization
// annotations, training_info, metadata of nodes, device configurations — stays
// as it was, except that entries for values that no longer exist are dropped.
//
// External data. A location is a path inside the folder of the model, or of the
// file that it is a link to. It may be a link itself, which is followed into
// these folders and those of ReadOptions. What the path of a model leads to is
// what its user chose; what a model or a bundle of files names is not.
//
// Invariants:
//
//  1. The same model gives the same bytes.
//  2. No input makes a panic, and memory is bounded by the file's size:
//     lengths are checked against the file before anything is allocated, and
//     what the structure will take is counted before any of it is decoded.
//     The bounds stand in package limits.
//  3. A file appears under its name complete or not at all, with the external
//     data that belongs to it. At any moment, also after the process was killed
//     or the machine stopped, there is the old model or the new one.
//  4. Names in a model never become names on the disk. Files that WriteFile
//     makes are named after its path.
//  5. Nothing outside of a model's folders, and those of ReadOptions, is read.
//  6. No file is removed or changed but the one that is written, drafts that
//     nobody holds, and external data named after the path to which no model in
//     the folder refers any more and which has no other link.
//
// Versions. The reader takes any version, so that tools may look at any file;
// commands that compute call CheckVersions.
//
// Not mmap: a file that another process cuts would kill this one. Not one big
// proto.Unmarshal: it would hold the weights in memory twice.
//
// Non-goals: what operators mean, shape inference, ONNX's text form (package
// graph has one).
package onnx

//go:generate go run -C gen .
