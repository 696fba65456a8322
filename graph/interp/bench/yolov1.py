"""Exports a YOLOv1 on torchvision's ResNet-18, full width, with random weights: python3 yolov1.py OUT.onnx [SIZE]

The backbone without its last two layers gives [N, 512, SIZE/32, SIZE/32]; a 1x1 convolution makes 30 channels of it,
two boxes of five numbers and 20 classes, as in Redmon et al., "You Only Look Once" (2016).
"""
import sys

import torch
import torchvision

torch.manual_seed(0)
backbone = torchvision.models.resnet18(weights=None)
model = torch.nn.Sequential(*list(backbone.children())[:-2], torch.nn.Conv2d(512, 30, 1)).eval()
size = int(sys.argv[2]) if len(sys.argv) > 2 else 416
torch.onnx.export(
    model, torch.zeros(1, 3, size, size), sys.argv[1],
    opset_version=13, input_names=["images"], output_names=["grid"],
)
