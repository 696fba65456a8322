// The generator of the assembly of package kernel. It is a
// module of its own, so that nobody who uses the tool needs its dependencies.
package main

import . "github.com/mmcloughlin/avo/build"

func main() {
	ConstraintExpr("amd64,!noasm")
	tiles()
	functions()
	arithmetic()
	taps()
	gathers()
	winograd()
	ends()
	transposes()
	chains()
	rows512()
	planes()
	Generate()
}
