package emit

import _ "github.com/onnxloss/onnxloss/emit/loss/all" // all that Options.Loss may name
