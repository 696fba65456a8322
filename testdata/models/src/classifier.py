"""An image classifier: it has a softmax over classes and is no detector."""
import torch
from torch import nn

from layers import ConvUnit, head


class Classifier(nn.Module):
    """Four convolutions, global average, one linear layer, softmax."""

    classes = 12

    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(ConvUnit(3, 8, 3, 2), ConvUnit(8, 12, 3, 2),
                                  ConvUnit(12, 16, 3, 2), ConvUnit(16, 24, 3, 2))
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = head(nn.Linear(24, self.classes), 2.0)

    def class_layers(self):
        return []

    def forward(self, images):
        return torch.softmax(self.fc(torch.flatten(self.pool(self.body(images)), 1)), 1)
