module github.com/onnxloss/onnxloss

go 1.25.0
