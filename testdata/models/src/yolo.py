"""The three YOLO styles: one grid, anchors, anchor-free with distance bins."""
import torch
from torch import nn

from layers import ConvUnit, cell_grid, head


class YoloV1(nn.Module):
    """One 13 x 13 grid; a single 1x1 convolution predicts, for each cell,
    [objectness | classes | x y w h]. Classes compete in a softmax, and the
    score is their probability times the objectness (arXiv 1506.02640)."""

    classes = 20

    def __init__(self):
        super().__init__()
        widths = [3, 8, 16, 32, 48, 64]
        steps = []
        for cin, cout in zip(widths, widths[1:]):
            steps.append(ConvUnit(cin, cout, stride=2, act=nn.LeakyReLU(0.1)))
        steps.append(ConvUnit(64, 48, act=nn.LeakyReLU(0.1)))
        self.backbone = nn.Sequential(*steps)
        self.pred = head(nn.Conv2d(48, 1 + self.classes + 4, 1), 1.3)

    def class_layers(self):
        return [(self.pred, 1 + self.classes + 4, 1, 1 + self.classes)]

    def forward(self, images):
        z = self.pred(self.backbone(images)).permute(0, 2, 3, 1)
        n, rows, cols = z.shape[0], z.shape[1], z.shape[2]
        z = z.reshape(n, rows * cols, 1 + self.classes + 4)
        objectness = torch.sigmoid(z[:, :, 0:1])
        scores = torch.softmax(z[:, :, 1:1 + self.classes], dim=2) * objectness
        box = z[:, :, 1 + self.classes:]
        centre = (torch.sigmoid(box[:, :, 0:2]) + cell_grid(rows, cols)) / rows
        size = torch.pow(torch.sigmoid(box[:, :, 2:4]), 2.0)
        return torch.cat((centre - size / 2, centre + size / 2), dim=2), scores


class YoloAnchor(nn.Module):
    """Three levels, three anchors a cell, one convolution a level for
    (x y w h | objectness | classes) of each anchor, one sigmoid over all."""

    classes = 8
    strides = (8, 16, 32)
    sizes = (((10., 13.), (16., 30.), (33., 23.)),
             ((30., 61.), (62., 45.), (59., 119.)),
             ((116., 90.), (156., 198.), (220., 200.)))

    def __init__(self):
        super().__init__()
        act = nn.SiLU()
        self.stem = nn.Sequential(
            ConvUnit(3, 8, 3, 2, act=act), ConvUnit(8, 16, 3, 2, act=act),
            ConvUnit(16, 24, 3, 2, act=act), ConvUnit(24, 24, 3, act=act))
        self.down4 = ConvUnit(24, 40, 3, 2, act=act)
        self.down5 = ConvUnit(40, 56, 3, 2, act=act)
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.mix4 = ConvUnit(56 + 40, 32, 3, act=act)
        self.mix3 = ConvUnit(32 + 24, 24, 3, act=act)
        per_anchor = 5 + self.classes
        self.m = nn.ModuleList(head(nn.Conv2d(c, 3 * per_anchor, 1), 3.5, -0.4)
                               for c in (24, 32, 56))

    def class_layers(self):
        return [(m, 5 + self.classes, 5, 5 + self.classes) for m in self.m]

    def forward(self, images):
        c3 = self.stem(images)
        c4 = self.down4(c3)
        p5 = self.down5(c4)
        p4 = self.mix4(torch.cat((self.up(p5), c4), 1))
        p3 = self.mix3(torch.cat((self.up(p4), c3), 1))
        out = []
        for level, x in enumerate((p3, p4, p5)):
            z = self.m[level](x)
            n, rows, cols = z.shape[0], z.shape[2], z.shape[3]
            z = z.view(n, 3, 5 + self.classes, rows, cols).permute(0, 1, 3, 4, 2)
            s = torch.sigmoid(z)
            grid = cell_grid(rows, cols).view(1, 1, rows, cols, 2)
            wh = torch.tensor(self.sizes[level]).view(1, 3, 1, 1, 2)
            centre = (s[..., 0:2] * 2.0 - 0.5 + grid) * float(self.strides[level])
            size = (s[..., 2:4] * 2.0) ** 2 * wh
            row = torch.cat((centre, size, s[..., 4:]), -1)
            out.append(row.view(n, -1, 5 + self.classes))
        return torch.cat(out, 1)


class SplitBlock(nn.Module):
    """Half of the channels pass through two convolutions with a shortcut."""

    def __init__(self, cin, cout):
        super().__init__()
        half = cout // 2
        self.half = half
        self.enter = ConvUnit(cin, cout, 1, act=nn.SiLU())
        self.first = ConvUnit(half, half, 3, act=nn.SiLU())
        self.second = ConvUnit(half, half, 3, act=nn.SiLU())
        self.leave = ConvUnit(3 * half, cout, 1, act=nn.SiLU())

    def forward(self, x):
        kept, worked = torch.split(self.enter(x), self.half, dim=1)
        deeper = worked + self.second(self.first(worked))
        return self.leave(torch.cat((kept, worked, deeper), 1))


class PoolPyramid(nn.Module):
    """Three stacked 5x5 maximum filters, joined (spatial pyramid)."""

    def __init__(self, c):
        super().__init__()
        self.enter = ConvUnit(c, c // 2, 1, act=nn.SiLU())
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.leave = ConvUnit(2 * c, c, 1, act=nn.SiLU())

    def forward(self, x):
        a = self.enter(x)
        b = self.pool(a)
        c = self.pool(b)
        return self.leave(torch.cat((a, b, c, self.pool(c)), 1))


class YoloFree(nn.Module):
    """Anchor-free and decoupled: each side of the box is the mean of a softmax
    over `bins` distances (arXiv 2006.04388), each class its own sigmoid; one
    output [N, 4 + classes, anchors]."""

    classes = 10
    bins = 16
    strides = (8, 16, 32)

    def __init__(self):
        super().__init__()
        act = nn.SiLU()
        self.stem = nn.Sequential(ConvUnit(3, 8, 3, 2, act=act),
                                  ConvUnit(8, 16, 3, 2, act=act))
        self.stage3 = nn.Sequential(ConvUnit(16, 24, 3, 2, act=act), SplitBlock(24, 24))
        self.stage4 = nn.Sequential(ConvUnit(24, 32, 3, 2, act=act), SplitBlock(32, 32))
        self.stage5 = nn.Sequential(ConvUnit(32, 40, 3, 2, act=act), PoolPyramid(40))
        self.up = nn.Upsample(scale_factor=2, mode="nearest")
        self.mix4 = SplitBlock(40 + 32, 32)
        self.mix3 = SplitBlock(32 + 24, 24)
        self.reg, self.cls = nn.ModuleList(), nn.ModuleList()
        for c in (24, 32, 40):
            self.reg.append(nn.Sequential(
                ConvUnit(c, 24, 3, act=act), head(nn.Conv2d(24, 4 * self.bins, 1), 2.0)))
            self.cls.append(nn.Sequential(
                ConvUnit(c, 24, 3, act=act), head(nn.Conv2d(24, self.classes, 1), 2.0, -1.0)))
        self.expect = nn.Conv2d(self.bins, 1, 1, bias=False)
        self.expect.fixed = True
        self.expect.weight.data[:] = torch.arange(float(self.bins)).view(1, -1, 1, 1)

    def class_layers(self):
        return [(c[-1], self.classes, 0, self.classes) for c in self.cls]

    def forward(self, images):
        c3 = self.stage3(self.stem(images))
        c4 = self.stage4(c3)
        p5 = self.stage5(c4)
        p4 = self.mix4(torch.cat((self.up(p5), c4), 1))
        p3 = self.mix3(torch.cat((self.up(p4), c3), 1))
        levels, centres, strides = [], [], []
        for k, x in enumerate((p3, p4, p5)):
            y = torch.cat((self.reg[k](x), self.cls[k](x)), 1)
            grid = cell_grid(y.shape[2], y.shape[3]) + 0.5
            centres.append(grid)
            strides.append(0.0 * grid[:, 0:1] + float(self.strides[k]))
            levels.append(y.view(y.shape[0], 4 * self.bins + self.classes, -1))
        centre = torch.cat(centres, 0).transpose(0, 1).unsqueeze(0)
        stride = torch.cat(strides, 0).transpose(0, 1)
        box, cls = torch.cat(levels, 2).split((4 * self.bins, self.classes), 1)
        spread = box.view(box.shape[0], 4, self.bins, -1).transpose(2, 1).softmax(1)
        near, far = self.expect(spread).view(box.shape[0], 4, -1).chunk(2, 1)
        low, high = centre - near, centre + far
        xywh = torch.cat(((low + high) / 2, high - low), 1) * stride
        return torch.cat((xywh, cls.sigmoid()), 1)
