"""Region proposals, RoIAlign, and a head for each region; background first."""
import torch
from torch import nn
from torchvision.ops import nms, roi_align

from layers import MLP, ConvUnit, centre_anchors, decode_deltas, head


def clip(boxes, side):
    return torch.clamp(boxes, 0.0, float(side))


class TwoStage(nn.Module):
    """Proposals from 3 anchors a cell, the best 32 after suppression pooled to
    5 x 5, softmax over background and 8 classes, boxes for each class
    (arXiv 1506.01497). One image at a time."""

    classes = 9
    side, stride = 160, 8
    before, regions, kept = 96, 32, 20

    def __init__(self):
        super().__init__()
        self.trunk = nn.Sequential(ConvUnit(3, 8, 3, 2), ConvUnit(8, 16, 3, 2),
                                   ConvUnit(16, 24, 3, 2), ConvUnit(24, 24, 3))
        self.rpn = ConvUnit(24, 24, 3)
        self.rpn_objectness = head(nn.Conv2d(24, 3, 1), 1.5)
        self.rpn_deltas = head(nn.Conv2d(24, 12, 1), 0.4)
        self.hidden = MLP((24 * 25, 72, 48))
        self.score = head(nn.Linear(48, self.classes), 2.0)
        self.delta = head(nn.Linear(48, 4 * self.classes), 2.0)

    def class_layers(self):
        return [(self.score, self.classes, 0, self.classes)]

    def propose(self, features):
        f = self.rpn(features)
        objectness = self.rpn_objectness(f).permute(0, 2, 3, 1).reshape(-1)
        deltas = self.rpn_deltas(f).permute(0, 2, 3, 1).reshape(-1, 4)
        cells = self.side // self.stride
        anchors = centre_anchors(cells, cells, self.stride,
                                 ((24., 24.), (64., 32.), (48., 96.)))
        best, order = torch.topk(objectness.sigmoid(), self.before)
        boxes = clip(decode_deltas(deltas[order], anchors[order]), self.side)
        return boxes[nms(boxes, best, 0.7)[:self.regions]]

    def forward(self, images):
        features = self.trunk(images)
        regions = self.propose(features)
        pooled = roi_align(features, [regions], 5, 1.0 / self.stride, 2, aligned=True)
        h = torch.relu(self.hidden(pooled.flatten(1)))
        probs = torch.softmax(self.score(h), -1)
        centre = torch.cat(((regions[:, 0:2] + regions[:, 2:4]) / 2,
                            regions[:, 2:4] - regions[:, 0:2]), 1)
        deltas = self.delta(h).view(-1, self.classes, 4)
        boxes = clip(decode_deltas(deltas, centre.unsqueeze(1), (10., 10., 5., 5.)), self.side)
        boxes, scores = boxes[:, 1:].reshape(-1, 4), probs[:, 1:].reshape(-1)
        labels = torch.arange(1, self.classes).view(1, -1).expand_as(probs[:, 1:]).reshape(-1)
        apart = boxes + labels.to(torch.float32).unsqueeze(1) * (2.0 * self.side)
        keep = nms(apart, scores, 0.5)[:self.kept]
        return boxes[keep], labels[keep], scores[keep]
