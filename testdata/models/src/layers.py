"""Layers, initialisation and box arithmetic that the detectors share.

Weights are drawn from a seeded uniform distribution in float64, centred for
each filter and rounded to multiples of 2**-14, so that they depend neither on
the vector unit nor on the thread count of the machine that draws them.
"""
import math

import numpy as np
import torch
from torch import nn


# The zero-sum filters of _filter_bank see only what varies in their input. A
# rectifier leaves (1/2 - 1/(2 pi)) of a centred signal's variance.
HIDDEN = 1.0 / math.sqrt(0.5 - 0.5 / math.pi)
ACTIVATION_GAIN = {nn.SiLU: 0.92, nn.Identity: 1.0 / HIDDEN}


class ConvUnit(nn.Module):
    """Convolution without bias, batch normalisation, activation."""

    def __init__(self, cin, cout, kernel=3, stride=1, groups=1, act=None):
        super().__init__()
        self.conv = nn.Conv2d(cin, cout, kernel, stride, kernel // 2,
                              groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(cout)
        self.act = nn.ReLU() if act is None else act
        self.conv.gain = HIDDEN * ACTIVATION_GAIN.get(type(self.act), 1.0)
        if cin == 3:
            self.conv.gain *= 3.0  # an image in [0, 1] has a deviation near 0.3

    def forward(self, x):
        return self.act(self.norm(self.conv(x)))


class MLP(nn.Module):
    """Linear layers with ReLU between them."""

    def __init__(self, sizes):
        super().__init__()
        self.steps = nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(sizes, sizes[1:]))

    def forward(self, x):
        for step in self.steps[:-1]:
            x = torch.relu(step(x))
        return self.steps[-1](x)


def _draw(rng, shape, low, high):
    return rng.random_sample(tuple(shape)) * (high - low) + low


def _store(parameter, values):
    rounded = np.round(values * 2.0**14) / 2.0**14
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(rounded.astype(np.float32)))


def _filter_bank(rng, weight, gain):
    """Uniform weights of variance gain**2 / fan_in, each filter summing to 0.

    The zero sum keeps the common offset that ReLU adds out of the next layer,
    so that what varies from cell to cell in the image still does in the head.
    """
    fan_in = int(np.prod(weight.shape[1:]))
    bound = gain * math.sqrt(3.0 / fan_in)
    w = _draw(rng, weight.shape, -bound, bound)
    if fan_in > 1:
        w -= w.reshape(w.shape[0], -1).mean(axis=1).reshape(
            (-1,) + (1,) * (w.ndim - 1))
    return w


def initialise(model, seed):
    """Fills every parameter and running statistic of model from seed.

    A layer's attribute `gain` (default HIDDEN) scales its weights; `offset`
    (default 0) is the centre of its biases.
    """
    rng = np.random.RandomState(seed)
    for module in model.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            if getattr(module, "fixed", False):
                continue
            gain = getattr(module, "gain", HIDDEN)
            _store(module.weight, _filter_bank(rng, module.weight, gain))
            if module.bias is not None:
                b = _draw(rng, module.bias.shape, -0.3, 0.3)
                _store(module.bias, b + getattr(module, "offset", 0.0))
        elif isinstance(module, (nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm)):
            _store(module.weight, _draw(rng, module.weight.shape, 0.8, 1.2))
            _store(module.bias, _draw(rng, module.bias.shape, -0.2, 0.2))
            if isinstance(module, nn.BatchNorm2d):
                shape = module.running_mean.shape
                _store(module.running_mean, _draw(rng, shape, -0.2, 0.2))
                _store(module.running_var, _draw(rng, shape, 0.6, 1.4))
        elif isinstance(module, nn.Embedding):
            _store(module.weight, _draw(rng, module.weight.shape, -1.5, 1.5))
    return model.eval()


def head(layer, gain, offset=0.0):
    """Marks layer as a prediction layer with its own gain and bias centre."""
    layer.gain, layer.offset = gain, offset
    return layer


def cell_grid(height, width):
    """Cell corners (x, y) in rows, then columns: [height * width, 2]."""
    y = torch.arange(height).to(torch.float32)
    x = torch.arange(width).to(torch.float32)
    ys = y.reshape(-1, 1) + 0.0 * x.reshape(1, -1)
    xs = x.reshape(1, -1) + 0.0 * y.reshape(-1, 1)
    return torch.stack((xs.reshape(-1), ys.reshape(-1)), dim=1)


def centre_anchors(height, width, stride, sizes):
    """Anchors (cx, cy, w, h) in pixels, in rows, columns, sizes: [H*W*K, 4]."""
    centres = (cell_grid(height, width) + 0.5) * stride
    wh = torch.tensor(sizes, dtype=torch.float32)
    k = wh.shape[0]
    cells = centres.shape[0]
    return torch.cat((centres.reshape(cells, 1, 2).expand(cells, k, 2),
                      wh.reshape(1, k, 2).expand(cells, k, 2)),
                     dim=2).reshape(-1, 4)


def decode_deltas(deltas, anchors, weights=(1.0, 1.0, 1.0, 1.0)):
    """Boxes (x1, y1, x2, y2) from (dx, dy, dw, dh) relative to anchors.

    Equations 6 to 9 of R-CNN (arXiv 1311.2524), with each delta divided by its
    weight and the log sizes limited to ln(1000 / 16).
    """
    limit = math.log(1000.0 / 16.0)
    centre = deltas[..., 0:2] / weights[0] * anchors[..., 2:4] + anchors[..., 0:2]
    size = torch.exp(torch.clamp(deltas[..., 2:4] / weights[2], max=limit)) \
        * anchors[..., 2:4]
    return torch.cat((centre - 0.5 * size, centre + 0.5 * size), dim=-1)
