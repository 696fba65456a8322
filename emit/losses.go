package emit

import _ "github.com/onnxloss/onnxloss/emit/loss/all" // the losses that Options.Loss may name
