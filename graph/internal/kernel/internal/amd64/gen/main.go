// The generator of the assembly of package amd64, of one family of kernels at a time: its
// last argument. It is a module of its own, so that nobody who uses the tool needs its
// dependencies.
package main

import (
	"fmt"
	"os"

	. "github.com/mmcloughlin/avo/build"
)

// families are the kernels of each assembly file.
var families = map[string][]func(){
	"gemm":     {tiles},
	"rows":     {functions, arithmetic, ends, sequences, rows512},
	"taps":     {taps, gathers, planes, transposes},
	"winograd": {winograd},
}

func main() {
	list := families[os.Args[len(os.Args)-1]]
	if list == nil {
		fmt.Fprintln(os.Stderr, "want one of gemm, rows, taps and winograd as the last argument")
		os.Exit(2)
	}
	ConstraintExpr("amd64,!noasm")
	for _, make := range list {
		make()
	}
	Generate()
}
