#!/usr/bin/env python3
"""Losses in PyTorch as their papers and public code write them, on what stdin asks for.

stdin: {"cases": [{"loss", "params", "counts", "background", "logits": [A][C], "target": [A][C]}]}.
stdout: for each case {"float32": {"value": [A], "grad": [A][C]}, "float64": the same}, the
numbers as strings that Python's float.hex writes. grad is the derivative of the sum of value.
"""
import json
import sys

import torch
import torch.nn.functional as F
from torchvision.ops import sigmoid_focal_loss


def bce(z, q):
    return F.binary_cross_entropy_with_logits(z, q, reduction="none")


def wrong(z, q):
    p = torch.sigmoid(z)
    return 1 - (p * q + (1 - p) * (1 - q))


def per_class(x, z):
    return torch.tensor(x, dtype=z.dtype)


def cross_entropy(z, q, c):
    return F.cross_entropy(z, q, reduction="none")


def modified_ce_softmax(z, q, c):
    return -(q * F.log_softmax(z, 1) + (1 - q) * torch.log1p(-F.softmax(z, 1))).sum(1)


def focal_softmax(z, q, c, alpha, gamma):
    return -(alpha * q * (1 - F.softmax(z, 1)) ** gamma * F.log_softmax(z, 1)).sum(1)


def modified_focal_softmax(z, q, c, alpha, gamma):
    p = F.softmax(z, 1)
    negative = (1 - alpha) * (1 - q) * p**gamma * torch.log1p(-p)
    return focal_softmax(z, q, c, alpha, gamma) - negative.sum(1)


def modified_focal_sigmoid(z, q, c, alpha, gamma):
    p = torch.sigmoid(z)
    positive = alpha * q * (1 - p) ** gamma * F.logsigmoid(z)
    return -(positive + (1 - alpha) * (1 - q) * p**gamma * F.logsigmoid(-z)).sum(1)


def sigmoid_focal(z, q, c, alpha, gamma):
    return sigmoid_focal_loss(z, q, alpha, gamma, "none").sum(1)


def quality_focal(z, q, c, beta):
    return ((q - torch.sigmoid(z)).abs() ** beta * bce(z, q)).sum(1)


def varifocal(z, q, c, alpha, gamma):
    p = torch.sigmoid(z)
    weight = q * (q > 0) + alpha * (p - q).abs() ** gamma * (q <= 0)
    return (weight * bce(z, q)).sum(1)


def asymmetric(z, q, c, gamma_pos, gamma_neg, clip):
    p = torch.sigmoid(z)
    shifted = (1 - p + clip).clamp(max=1)
    positive = q * (1 - p) ** gamma_pos * F.logsigmoid(z)
    return -(positive + (1 - q) * (1 - shifted) ** gamma_neg * torch.log(shifted)).sum(1)


def gaussian_focal(z, q, c, alpha, gamma):
    p = torch.sigmoid(z)
    centre = -((1 - p) ** alpha) * F.logsigmoid(z)
    around = -((1 - q) ** gamma) * p**alpha * F.logsigmoid(-z)
    return torch.where(q == 1, centre, around).sum(1)


def poly1_focal(z, q, c, alpha, gamma, epsilon):
    focal = sigmoid_focal_loss(z, q, alpha, gamma, "none")
    return (focal + epsilon * wrong(z, q) ** (gamma + 1)).sum(1)


def poly1_ce(z, q, c, epsilon):
    return cross_entropy(z, q, c) + epsilon * (1 - (q * F.softmax(z, 1)).sum(1))


def class_balanced_focal(z, q, c, beta, gamma):
    n = per_class(c["counts"], z)
    w = (1 - beta) / (1 - beta**n)
    w = w / w.sum() * len(n)
    total = q.sum(1)
    weight = torch.where(total > 1, (q * w).sum(1) / total.clamp(min=1), (q * w).sum(1) + 1 - total)
    return weight * (wrong(z, q) ** gamma * bce(z, q)).sum(1)


def balanced_softmax(z, q, c):
    return cross_entropy(z + per_class(c["counts"], z).log(), q, c)


def logit_adjusted(z, q, c, tau):
    n = per_class(c["counts"], z)
    return cross_entropy(z + tau * (n / n.sum()).log(), q, c)


def ldam(z, q, c, max_margin, scale):
    margin = per_class(c["counts"], z) ** -0.25
    return cross_entropy(scale * (z - q * margin * (max_margin / margin.max())), q, c)


def weighted_ce(z, q, c, eos_coef):
    w = torch.ones(z.shape[1], dtype=z.dtype)
    w[c["background"]] = eos_coef
    return F.cross_entropy(z, q, weight=w, reduction="none")


def ohem_ce(z, q, c, neg_ratio):
    loss = cross_entropy(z, q, c)
    classes = [k for k in range(z.shape[1]) if k != c["background"]]
    positive = (q[:, classes] > 0).any(1)
    order = loss.detach().masked_fill(positive, -float("inf")).sort(descending=True, stable=True)[1]
    hard = order.sort()[1] < neg_ratio * positive.sum()
    return loss * (positive | hard)


def seesaw(z, q, c, mitigation, compensation, floor):
    n = q.sum(0)
    y = q.argmax(1)
    sigma = F.softmax(z.detach(), 1)
    fewer = (n.clamp(min=1)[None] / n.clamp(min=1)[y][:, None]).clamp(max=1) ** mitigation
    own = sigma.gather(1, y[:, None]).clamp(min=max(floor, 1e-38))
    worse = (sigma / own).clamp(min=1) ** compensation
    s = (fewer * worse).scatter(1, y[:, None], 1.0)
    return cross_entropy(z + s.log(), q, c)


def equalization_v2(z, q, c, alpha, gamma, mu):
    return bce(z, q).sum(1)  # before the first step all weights are 1


def ghm_c(z, q, c, bins, momentum):
    g = torch.where(q >= 0.5, torch.sigmoid(-z), torch.sigmoid(z)).detach()
    index = (g * bins).floor().clamp(max=bins - 1).long()
    r = torch.zeros(int(bins), dtype=z.dtype).scatter_add(0, index.flatten(), torch.ones(g.numel(), dtype=z.dtype))
    return (g.numel() / (r[index] * bins) * bce(z, q)).sum(1)


def task_aligned_bce(z, q, c, gamma):
    return ((q - torch.sigmoid(z)).abs() ** gamma * bce(z, q)).sum(1) if gamma else bce(z, q).sum(1)


def mal(z, q, c, gamma):
    score = q**gamma
    quality = bce(z, score)
    return torch.where(q > 0, quality, torch.sigmoid(z) ** gamma * bce(z, torch.zeros_like(q))).sum(1)


LOSSES = {
    "ce": cross_entropy,
    "bce": lambda z, q, c: bce(z, q).sum(1),
    **{f.__name__.replace("_", "-"): f for f in [
        modified_ce_softmax, focal_softmax, modified_focal_softmax, modified_focal_sigmoid, sigmoid_focal, quality_focal, varifocal,
        asymmetric, gaussian_focal, poly1_focal, poly1_ce, class_balanced_focal, balanced_softmax, logit_adjusted, ldam, weighted_ce,
        ohem_ce, seesaw, equalization_v2, ghm_c, task_aligned_bce, mal]},
}


def run(case, dtype):
    z = torch.tensor(case["logits"], dtype=dtype, requires_grad=True)
    q = torch.tensor(case["target"], dtype=dtype)
    value = LOSSES[case["loss"]](z, q, case, **case["params"])
    value.sum().backward()
    return {"value": [x.hex() for x in value.tolist()], "grad": [x.hex() for x in z.grad.flatten().tolist()]}


answers = [{str(d)[6:]: run(case, d) for d in (torch.float32, torch.float64)} for case in json.load(sys.stdin)["cases"]]
json.dump(answers, sys.stdout)
