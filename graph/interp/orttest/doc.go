// Package orttest runs models in stock ONNX Runtime. It is for tests only: of
// this module's tests, those that hold a model or the interpreter against an
// implementation that shares nothing with it import this package.
//
// Vocabulary. The runtime is the npm package onnxruntime-node, driven by a
// node process that lives as long as the test binary. The environment variable
// ONNXLOSS_ORT names the folder whose node_modules has it; where it is not
// set, tests that need it are skipped and say so. A model of the tests is a
// file of testdata/models or, where ONNXLOSS_MODELS names a folder of real
// ones, of that.
//
// Invariants. Sessions run on one thread, so that a model gives the same bits
// each time. A runtime that cannot load or run a model fails the test; it is
// never a reason to skip.
//
// Non-goals: speed, sequences, maps and strings.
package orttest
