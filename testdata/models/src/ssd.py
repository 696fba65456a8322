"""Single shot detector: background class first, priors on four levels."""
import torch
from torch import nn

from layers import ConvUnit, centre_anchors, decode_deltas, head


class Separable(nn.Module):
    """Depthwise then pointwise convolution, both with ReLU6."""

    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.dw = ConvUnit(cin, cin, 3, stride, groups=cin, act=nn.ReLU6())
        self.pw = ConvUnit(cin, cout, 1, act=nn.ReLU6())

    def forward(self, x):
        return self.pw(self.dw(x))


class ChannelNorm(nn.Module):
    """Unit Euclidean length over the channels of each cell, then a scale."""

    def __init__(self, channels, scale):
        super().__init__()
        self.scale = nn.Parameter(torch.full((1, channels, 1, 1), scale))

    def forward(self, x):
        length = torch.sqrt(torch.sum(x * x, dim=1, keepdim=True) + 1e-6)
        return x / length * self.scale


class SSD(nn.Module):
    """Softmax over background and 20 classes; boxes from priors with the
    variances 0.1 and 0.2 (arXiv 1512.02325)."""

    classes = 21
    strides = (8, 16, 32, 64)
    sizes = (((16., 16.), (22., 22.), (23., 11.), (11., 23.)),
             ((40., 40.), (52., 52.), (57., 28.), (28., 57.), (70., 23.), (23., 70.)),
             ((72., 72.), (86., 86.), (102., 51.), (51., 102.), (125., 42.), (42., 125.)),
             ((110., 110.), (128., 128.), (155., 78.), (78., 155.)))

    def __init__(self):
        super().__init__()
        self.body = nn.ModuleList([
            nn.Sequential(ConvUnit(3, 12, 3, 2, act=nn.ReLU6()), Separable(12, 24, 2),
                          Separable(24, 32, 2), Separable(32, 32)),
            nn.Sequential(Separable(32, 48, 2), Separable(48, 48)),
            nn.Sequential(Separable(48, 64, 2), Separable(64, 64)),
            Separable(64, 48, 2)])
        self.norm = ChannelNorm(32, 6.0)
        widths, counts = (32, 48, 64, 48), [len(s) for s in self.sizes]
        self.a = nn.ModuleList(head(nn.Conv2d(w, 4 * k, 1), 0.8)
                               for w, k in zip(widths, counts))
        self.b = nn.ModuleList(head(nn.Conv2d(w, self.classes * k, 1), 1.2)
                               for w, k in zip(widths, counts))

    def class_layers(self):
        return [(b, self.classes, 0, self.classes) for b in self.b]

    def forward(self, images):
        x, boxes, classes, priors = images, [], [], []
        for k, stage in enumerate(self.body):
            x = stage(x)
            f = self.norm(x) if k == 0 else x
            n, rows, cols = f.shape[0], f.shape[2], f.shape[3]
            boxes.append(self.a[k](f).permute(0, 2, 3, 1).reshape(n, -1, 4))
            classes.append(self.b[k](f).permute(0, 2, 3, 1).reshape(n, -1, self.classes))
            priors.append(centre_anchors(rows, cols, self.strides[k], self.sizes[k]))
        deltas = torch.cat(boxes, 1) * torch.tensor([0.1, 0.1, 0.2, 0.2])
        scores = torch.softmax(torch.cat(classes, 1), dim=-1)
        return decode_deltas(deltas, torch.cat(priors, 0)) / 160.0, scores
