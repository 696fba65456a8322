// Package all registers every loss that onnxloss has with package loss:
//
//	import _ "github.com/onnxloss/onnxloss/emit/loss/all"
//
// Package emit and the packages above it do so.
package all

import (
	_ "github.com/onnxloss/onnxloss/emit/loss/box"        // register themselves
	_ "github.com/onnxloss/onnxloss/emit/loss/class"      // likewise
	_ "github.com/onnxloss/onnxloss/emit/loss/confidence" // likewise
)
