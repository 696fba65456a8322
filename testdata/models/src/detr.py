"""A detection transformer: queries, softmax with the no-object class last."""
import math

import torch
from torch import nn

from layers import MLP, ConvUnit, head


class Attention(nn.Module):
    """Scaled dot-product attention with several heads."""

    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.depth = heads, width // heads
        self.q, self.k, self.v, self.o = (
            head(nn.Linear(width, width), gain) for gain in (2.0, 2.0, 1.5, 1.5))

    def part(self, x):
        return x.view(x.shape[0], x.shape[1], self.heads, self.depth).transpose(1, 2)

    def forward(self, query, key, value):
        q, k, v = self.part(self.q(query)), self.part(self.k(key)), self.part(self.v(value))
        weight = torch.softmax(torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.depth), -1)
        mixed = torch.matmul(weight, v).transpose(1, 2)
        return self.o(mixed.reshape(mixed.shape[0], mixed.shape[1], self.heads * self.depth))


class EncoderLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.attend, self.feed = Attention(width, heads), MLP((width, 2 * width, width))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, place):
        q = x + place
        x = self.norm1(x + self.attend(q, q, x))
        return self.norm2(x + self.feed(x))


class DecoderLayer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.own, self.cross = Attention(width, heads), Attention(width, heads)
        self.feed = MLP((width, 2 * width, width))
        self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(width) for _ in range(3))

    def forward(self, x, query, memory, place):
        q = x + query
        x = self.norm1(x + self.own(q, q, x))
        x = self.norm2(x + self.cross(x + query, memory + place, memory))
        return self.norm3(x + self.feed(x))


class DETR(nn.Module):
    """Set prediction (arXiv 2005.12872): 20 queries, 10 classes and no-object."""

    classes = 11
    queries = 20
    width, heads = 40, 4
    cells = 8

    def __init__(self):
        super().__init__()
        w = self.width
        self.backbone = nn.Sequential(ConvUnit(3, 8, 3, 2), ConvUnit(8, 16, 3, 2),
                                      ConvUnit(16, 24, 3, 2), ConvUnit(24, 32, 3, 2))
        self.project = head(nn.Conv2d(32, w, 1), 2.0)
        self.row, self.col = nn.Embedding(self.cells, w // 2), nn.Embedding(self.cells, w // 2)
        self.query = nn.Embedding(self.queries, w)
        self.encoder = nn.ModuleList([EncoderLayer(w, self.heads)])
        self.decoder = nn.ModuleList(DecoderLayer(w, self.heads) for _ in range(2))
        self.classify = head(nn.Linear(w, self.classes), 1.5)
        self.box = MLP((w, w, 4))

    def class_layers(self):
        return [(self.classify, self.classes, 0, self.classes)]

    def place(self):
        s, half = self.cells, self.width // 2
        y = self.row.weight.view(s, 1, half).expand(s, s, half)
        x = self.col.weight.view(1, s, half).expand(s, s, half)
        return torch.cat((x, y), 2).reshape(1, s * s, self.width)

    def forward(self, images):
        memory = self.project(self.backbone(images)).flatten(2).transpose(1, 2)
        place = self.place()
        for layer in self.encoder:
            memory = layer(memory, place)
        query = self.query.weight.unsqueeze(0).expand(memory.shape[0], self.queries, self.width)
        x = torch.zeros_like(query)
        for layer in self.decoder:
            x = layer(x, query, memory, place)
        probs = torch.softmax(self.classify(x), -1)[..., :-1]
        box = torch.sigmoid(self.box(x))
        centre, size = box[..., 0:2], box[..., 2:4]
        return probs, torch.cat((centre - 0.5 * size, centre + 0.5 * size), -1)
