"""RetinaNet and FCOS: a feature pyramid with heads shared by its levels."""
import torch
from torch import nn
from torch.nn import functional as F

from layers import ConvUnit, cell_grid, centre_anchors, decode_deltas, head


class Residual(nn.Module):
    """Two 3x3 convolutions and a shortcut; stride 2 halves the map."""

    def __init__(self, cin, cout, stride):
        super().__init__()
        self.first = ConvUnit(cin, cout, 3, stride)
        self.second = ConvUnit(cout, cout, 3, act=nn.Identity())
        self.shortcut = ConvUnit(cin, cout, 1, stride, act=nn.Identity())

    def forward(self, x):
        return torch.relu(self.second(self.first(x)) + self.shortcut(x)) * 0.7


class FeaturePyramid(nn.Module):
    """Top-down pyramid over strides 8, 16, 32 (arXiv 1612.03144), and `extra`
    further halvings above them."""

    def __init__(self, widths, out, extra):
        super().__init__()
        self.lateral = nn.ModuleList(head(nn.Conv2d(w, out, 1), 1.2) for w in widths)
        self.smooth = nn.ModuleList(head(nn.Conv2d(out, out, 3, padding=1), 1.2)
                                    for _ in widths)
        self.extra = nn.ModuleList(nn.Conv2d(out, out, 3, 2, 1) for _ in range(extra))

    def forward(self, maps):
        sums = [lat(m) for lat, m in zip(self.lateral, maps)]
        for k in (1, 0):
            sums[k] = sums[k] + F.interpolate(sums[k + 1], scale_factor=2.0, mode="nearest")
        levels = [smooth(s) for smooth, s in zip(self.smooth, sums)]
        for step in self.extra:
            levels.append(step(torch.relu(levels[-1])))
        return levels


class RetinaNet(nn.Module):
    """Nine anchors a cell on four levels, one class tower and one box tower for
    all levels, a sigmoid for each class (arXiv 1708.02002)."""

    classes = 15
    strides = (8, 16, 32, 64)

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(ConvUnit(3, 8, 3, 2), nn.MaxPool2d(3, 2, 1))
        self.c3, self.c4, self.c5 = Residual(8, 16, 2), Residual(16, 24, 2), Residual(24, 32, 2)
        self.fpn = FeaturePyramid((16, 24, 32), 24, 1)
        self.box_tower = nn.Sequential(nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(),
                                       head(nn.Conv2d(24, 36, 3, padding=1), 0.5))
        self.class_tower = nn.Sequential(
            nn.Conv2d(24, 24, 3, padding=1), nn.ReLU(),
            head(nn.Conv2d(24, 9 * self.classes, 3, padding=1), 1.5, -2.0))

    def class_layers(self):
        return [(self.class_tower[-1], self.classes, 0, self.classes)]

    def anchors(self, level, rows, cols):
        base = 4.0 * self.strides[level]
        sizes = [(base * s / r ** 0.5, base * s * r ** 0.5)
                 for r in (0.5, 1.0, 2.0) for s in (1.0, 2 ** (1 / 3), 2 ** (2 / 3))]
        return centre_anchors(rows, cols, self.strides[level], sizes)

    def rows(self, z, values):
        n, h, w = z.shape[0], z.shape[2], z.shape[3]
        return z.view(n, 9, values, h, w).permute(0, 3, 4, 1, 2).reshape(n, -1, values)

    def forward(self, images):
        c3 = self.c3(self.stem(images))
        c4 = self.c4(c3)
        deltas, logits, anchors = [], [], []
        for k, f in enumerate(self.fpn([c3, c4, self.c5(c4)])):
            logits.append(self.rows(self.class_tower(f), self.classes))
            deltas.append(self.rows(self.box_tower(f), 4))
            anchors.append(self.anchors(k, f.shape[2], f.shape[3]))
        boxes = decode_deltas(torch.cat(deltas, 1), torch.cat(anchors, 0))
        return torch.clamp(boxes, 0.0, 128.0), torch.sigmoid(torch.cat(logits, 1))


class FCOS(nn.Module):
    """No anchors: each cell predicts its classes, the distances to the four
    sides and its centerness; the score is the root of class probability times
    centerness (arXiv 1904.01355). Group normalisation in the towers."""

    classes = 6
    strides = (8, 16, 32)

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(ConvUnit(3, 8, 3, 2), ConvUnit(8, 12, 3, 2))
        self.c3, self.c4, self.c5 = Residual(12, 16, 2), Residual(16, 24, 2), Residual(24, 32, 2)
        self.fpn = FeaturePyramid((16, 24, 32), 24, 0)
        self.left, self.right = self.tower(), self.tower()
        self.u = head(nn.Conv2d(24, self.classes, 3, padding=1), 1.5, -1.0)
        self.v = head(nn.Conv2d(24, 4, 3, padding=1), 0.4, 0.5)
        self.w = head(nn.Conv2d(24, 1, 3, padding=1), 1.0)
        self.scale = nn.ParameterList(nn.Parameter(torch.tensor([s])) for s in (0.8, 1.0, 1.3))

    @staticmethod
    def tower():
        return nn.Sequential(nn.Conv2d(24, 24, 3, padding=1), nn.GroupNorm(4, 24), nn.ReLU(),
                             nn.Conv2d(24, 24, 3, padding=1), nn.GroupNorm(4, 24), nn.ReLU())

    def class_layers(self):
        return [(self.u, self.classes, 0, self.classes)]

    def forward(self, images):
        c3 = self.c3(self.stem(images))
        c4 = self.c4(c3)
        boxes, scores = [], []
        for k, f in enumerate(self.fpn([c3, c4, self.c5(c4)])):
            n, rows, cols = f.shape[0], f.shape[2], f.shape[3]
            a, b = self.left(f), self.right(f)
            p = self.u(a).permute(0, 2, 3, 1).reshape(n, -1, self.classes).sigmoid()
            c = self.w(b).permute(0, 2, 3, 1).reshape(n, -1, 1).sigmoid()
            d = torch.relu(self.v(b) * self.scale[k]) * float(self.strides[k])
            d = d.permute(0, 2, 3, 1).reshape(n, -1, 4)
            centre = (cell_grid(rows, cols) + 0.5) * float(self.strides[k])
            boxes.append(torch.cat((centre - d[..., 0:2], centre + d[..., 2:4]), -1))
            scores.append(torch.sqrt(p * c))
        best, label = torch.max(torch.cat(scores, 1), dim=2)
        return torch.cat(boxes, 1), best, label
