#!/usr/bin/env python3
"""Golden values of losses as their papers' equations stand, by PyTorch in float64.

Run it in this folder; it writes index.json and CASE.npz, in the layout of
../golden: logits and target float32 [N, C, L] (of boxes [N, L]), loss float64 [N, L], grad
float64 [N, C, L], the derivative of the sum of loss; and, where a loss has one,
its state before and after. It shares nothing with the package: every loss is
written from its paper, over one anchor at a time or over all of them.
"""
import json

import numpy as np
import torch

N, C, L = 2, 7, 8
COUNTS = [12000.0, 3500.0, 800.0, 799.0, 60.0, 5.0, 1.0]


def balanced_softmax(z, q, n):
    # Ren et al.: p_j = n_j exp(z_j) / sum_i n_i exp(z_i)
    top = z.max()
    e = n * torch.exp(z - top)
    return -(q * (torch.log(n) + z - top - torch.log(e.sum()))).sum()


def logit_adjusted(z, q, n, tau):
    # Menon et al.: cross-entropy of f + tau log pi
    pi = n / n.sum()
    return -(q * torch.log_softmax(z + tau * torch.log(pi), 0)).sum()


def ldam(z, q, n, max_margin, scale):
    # Cao et al.: delta_j = K / n_j^(1/4), K such that the largest is
    # max_margin; the margin is taken off the logit of the target.
    delta = n ** -0.25
    delta = delta * (max_margin / delta.max())
    return -(q * torch.log_softmax(scale * (z - q * delta), 0)).sum()


def class_balanced_focal(z, q, n, beta, gamma):
    # Cui et al.: focal loss over sigmoids, without alpha, times
    # (1 - beta) / (1 - beta^n_y), these scaled to a sum of C. Several classes
    # weigh as their mean; anchors without one, which the paper lacks, weigh 1.
    w = (1 - beta) / (1 - beta ** n)
    w = w / w.sum() * C
    weight = (q * w).sum() / q.sum() if q.sum() >= 1 else (q * w).sum() + 1 - q.sum()
    zt = torch.where(q > 0.5, z, -z)  # for q of 0 and 1
    hard = -torch.sigmoid(-zt) ** gamma * torch.nn.functional.logsigmoid(zt)
    bce = -q * torch.nn.functional.logsigmoid(z) - (1 - q) * torch.nn.functional.logsigmoid(-z)
    soft = (q * torch.sigmoid(-z) + (1 - q) * torch.sigmoid(z)) ** gamma * bce
    return weight * torch.where((q == 0) | (q == 1), hard, soft).sum()


def weighted_ce(z, q, n, eos_coef):
    # Carion et al.: the class weights of DETR's SetCriterion, here with class 0
    # as no object. Divided by their sum only by the mean.
    w = torch.ones(C, dtype=torch.float64)
    w[0] = eos_coef
    return torch.nn.functional.cross_entropy(z[None], q[None], weight=w, reduction="sum")


def task_aligned_bce(z, q, n, gamma):
    # Feng et al., TOOD: |t - s|^gamma BCE(s, t) of the positives, s^gamma
    # BCE(s, 0) of the negatives
    bce = torch.nn.functional.binary_cross_entropy_with_logits(z, q, reduction="none")
    p, rest = torch.sigmoid(z), torch.sigmoid(-z)
    return ((q * rest - (1 - q) * p).abs() ** gamma * bce).sum()


def mal(z, q, n, gamma):
    # Huang et al.: -q^gamma log p - (1 - q^gamma) log(1 - p) of the positives,
    # -p^gamma log(1 - p) of the negatives. The authors' code takes p^gamma for
    # a constant; the equation is differentiated here.
    score = q ** gamma
    log_p, log_not = torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)
    positive = -score * log_p - (1 - score) * log_not
    return torch.where(q > 0, positive, -torch.exp(gamma * log_p) * log_not).sum()


def ohem_ce(z, q, state, neg_ratio):
    # Liu et al., SSD, with torchvision's way: in each image the negatives are
    # sorted by their losses, and neg_ratio for each positive stay.
    loss = -(q * torch.log_softmax(z, 1)).sum(1)
    positive = (q[:, 1:] > 0).any(1)
    for i in range(N):
        of_negatives = loss[i].detach().clone()
        of_negatives[positive[i]] = -float("inf")
        order = of_negatives.sort(descending=True, stable=True)[1]
        rank = order.sort()[1]
        hard = (rank < neg_ratio * positive[i].sum()) & ~positive[i]
        loss = torch.cat([loss[:i], (loss[i] * (positive[i] | hard))[None], loss[i + 1:]])
    return loss, []


def seesaw(z, q, state, mitigation, compensation, floor):
    # Wang et al.: S_ij = M_ij C_ij in the softmax's denominator, for the class
    # i of the anchor. The authors' code keeps S out of the gradient.
    n = state[0] + q.sum((0, 2))
    sigma = torch.softmax(z.detach(), 1)
    rows = []
    for i in range(N):
        for k in range(L):
            y = q[i, :, k].argmax()
            m = torch.clamp(n.clamp(min=1) / n[y].clamp(min=1), max=1) ** mitigation
            own = sigma[i, y, k].clamp(min=floor)
            c = torch.exp(compensation * (torch.log_softmax(z[i, :, k].detach(), 0) - torch.log(own)).clamp(min=0))
            if own == 0:  # the ratio as it is, where float64 has no sigma
                c = torch.exp(compensation * (z[i, :, k] - z[i, y, k]).detach().clamp(min=0))
            s = m * c
            s = torch.where(torch.arange(C) == y, torch.ones_like(s), s)
            rows.append(-(q[i, :, k] * (z[i, :, k] + torch.log(s) - torch.logsumexp(z[i, :, k] + torch.log(s), 0))).sum())
    return torch.stack(rows).reshape(N, L), [n]


def equalization_v2(z, q, state, alpha, gamma, mu):
    # Tan et al.: weights by the ratio of gradients up to the batch before, then
    # the gradients of this one, weighted, are added.
    positive, negative = state
    f = torch.where(negative > 0, torch.sigmoid(gamma * (positive / negative - mu)), torch.ones_like(negative))
    w = q * (1 + alpha * (1 - f))[None, :, None] + (1 - q) * f[None, :, None]
    bce = torch.nn.functional.binary_cross_entropy_with_logits(z, q, reduction="none")
    grad = (torch.sigmoid(z) - q).abs().detach() * w
    return (w * bce).sum(1), [positive + (grad * q).sum((0, 2)), negative + (grad * (1 - q)).sum((0, 2))]


def ghm_c(z, q, state, bins, momentum):
    # Li et al.: beta = N / GD(g), GD = R M by unit regions, or their moving
    # average.
    near = torch.where(q >= 0.5, torch.ones_like(q), torch.zeros_like(q))
    g = torch.where(near == 1, torch.sigmoid(-z), torch.sigmoid(z)).detach()
    index = (g * bins).floor().clamp(max=bins - 1).long()
    r = torch.zeros(int(bins), dtype=torch.float64).scatter_add(0, index.flatten(), torch.ones(g.numel(), dtype=torch.float64))
    new = []
    if momentum > 0:
        r = momentum * state[0] + (1 - momentum) * r
        new = [r]
    beta = g.numel() / (r[index] * bins)
    bce = torch.nn.functional.binary_cross_entropy_with_logits(z, q, reduction="none")
    return (beta * bce).sum(1), new


def distribution_focal(z, y, n):
    # Li et al.: -((y_{i+1} - y) log S_i + (y - y_i) log S_{i+1}). As in the
    # authors' code y stays within the bins; below 0 there is no box.
    if y < 0:
        return 0 * z.sum()
    y = y.clamp(max=C - 1)
    i = min(int(y), C - 2)
    log_s = torch.log_softmax(z, 0)
    return -((i + 1 - y) * log_s[i] + (y - i) * log_s[i + 1])


def modulated(z, q, n, base, gamma, alpha):
    # The general form of the project's design: alpha q (1-p)^gamma times the
    # positive term of a base loss, and (1-alpha) (1-q) p^gamma times its
    # negative one; gamma and alpha of each class.
    gamma, alpha = torch.tensor(gamma, dtype=torch.float64), torch.tensor(alpha, dtype=torch.float64)
    if base == "bce":
        log_p, log_not = torch.nn.functional.logsigmoid(z), torch.nn.functional.logsigmoid(-z)
    else:
        log_p = torch.log_softmax(z, 0)
        others = z[None].expand(C, C).masked_fill(torch.eye(C, dtype=torch.bool), -float("inf"))
        log_not = torch.logsumexp(others, 1) - torch.logsumexp(z, 0)
    loss = -alpha * q * torch.exp(gamma * log_not) * log_p
    if base != "ce":
        loss = loss - (1 - alpha) * (1 - q) * torch.exp(gamma * log_p) * log_not
    return loss.sum()


def sigmoid_focal_each(z, q, n, gamma, alpha):
    # Lin et al. with alpha and gamma of each class, for any q as torchvision
    # has it.
    gamma, alpha = torch.tensor(gamma, dtype=torch.float64), torch.tensor(alpha, dtype=torch.float64)
    bce = torch.nn.functional.binary_cross_entropy_with_logits(z, q, reduction="none")
    wrong = q * torch.sigmoid(-z) + (1 - q) * torch.sigmoid(z)
    return ((alpha * q + (1 - alpha) * (1 - q)) * wrong ** gamma * bce).sum()


EACH = {"gamma": [2.0, 0.5, 0.0, 1.0, 3.0, 1.5, 2.5], "alpha": [0.25, 0.5, 1.0, 0.0, 0.75, 0.1, 0.9]}

# Focal modulations of base losses, and a loss with numbers for each class, under
# the options of the package that stand for them.
MODULATED = [
    ("bce", lambda *a: modulated(*a, "bce", **EACH), {"modulate": EACH}),
    ("ce", lambda *a: modulated(*a, "ce", **EACH), {"modulate": EACH}),
    ("modified_ce_softmax", lambda *a: modulated(*a, "both", **EACH), {"modulate": EACH}),
    ("sigmoid_focal", lambda *a: sigmoid_focal_each(*a, **EACH), {"perClass": EACH}),
]

LOSSES = {
    "balanced_softmax": (balanced_softmax, [{}]),
    "logit_adjusted": (logit_adjusted, [{"tau": 1.0}, {"tau": 2.5}]),
    "ldam": (ldam, [{"max_margin": 0.5, "scale": 1.0}, {"max_margin": 0.8, "scale": 4.0}]),
    "class_balanced_focal": (class_balanced_focal, [{"beta": 0.9999, "gamma": 2.0}, {"beta": 0.9, "gamma": 1.0}]),
    "weighted_ce": (weighted_ce, [{"eos_coef": 0.1}, {"eos_coef": 2.5}]),
    "task_aligned_bce": (task_aligned_bce, [{"gamma": 0.0}, {"gamma": 2.0}]),
    "mal": (mal, [{"gamma": 1.5}, {"gamma": 2.0}]),
}

BOXES = {"distribution_focal": (distribution_focal, [{}])}

TARGETS = {
    "class_balanced_focal": ("onehot", "soft", "multilabel"),
    "task_aligned_bce": ("onehot", "quality"),
    "mal": ("onehot", "quality"),
    "ohem_ce": ("mined",),
    "seesaw": ("onehot", "soft"),
    "equalization_v2": ("onehot", "multilabel", "soft"),
    "ghm_c": ("onehot", "multilabel", "soft"),
    "distribution_focal": ("positions", "bins"),
}

# The losses that take COUNTS, and those for which class 0 is no object.
COUNTED = ("balanced_softmax", "logit_adjusted", "ldam", "class_balanced_focal")
BACKGROUND = ("weighted_ce", "ohem_ce")

# The losses of all anchors at once, with their parameters and the lengths of
# their states.
WHOLE = {
    "ohem_ce": (ohem_ce, [({"neg_ratio": 3.0}, []), ({"neg_ratio": 0.5}, [])]),
    "seesaw": (seesaw, [({"mitigation": 0.8, "compensation": 2.0, "floor": 0.0}, [C]), ({"mitigation": 1.5, "compensation": 0.5, "floor": 0.01}, [C])]),
    "equalization_v2": (equalization_v2, [({"alpha": 4.0, "gamma": 12.0, "mu": 0.8}, [C, C]), ({"alpha": 1.0, "gamma": 3.0, "mu": 1.5}, [C, C])]),
    "ghm_c": (ghm_c, [({"bins": 30.0, "momentum": 0.0}, []), ({"bins": 10.0, "momentum": 0.75}, [10])]),
}


def draw_logits(kind, rng):
    if kind == "normal":
        return rng.standard_normal((N, C, L))
    if kind == "wide":
        return 12 * rng.standard_normal((N, C, L))
    return rng.choice([-90.0, -30.0, 0.0, 30.0, 90.0], (N, C, L))


def draw_target(kind, rng):
    if kind == "onehot":
        return np.moveaxis(np.eye(C)[rng.integers(0, C, (N, L))], 2, 1)
    if kind == "positions":  # before the first bin, between bins, behind the last
        return 1.2 * C * rng.random((N, L)) - 0.1 * C
    if kind == "bins":
        return rng.integers(0, C, (N, L))
    if kind == "mined":  # class 0 for most
        return np.moveaxis(np.eye(C)[np.maximum(0, rng.integers(-3 * C, C, (N, L)))], 2, 1)
    if kind == "multilabel":
        return (rng.random((N, C, L)) < 0.2).astype(np.float64)
    if kind == "quality":  # one class or none, by how well its box fits
        q = np.moveaxis(np.eye(C + 1)[rng.integers(0, C + 1, (N, L))], 2, 1)[:, :C]
        return q * rng.random((N, 1, L))
    e = np.exp(rng.standard_normal((N, C, L)))
    return e / e.sum(1, keepdims=True)


def golden(loss, params, z, q):
    z = torch.tensor(z.astype(np.float64), requires_grad=True)
    q = torch.tensor(q.astype(np.float64))
    n = torch.tensor(COUNTS, dtype=torch.float64)
    rows = [[loss(z[i, :, k], q[i, ..., k], n, **params) for k in range(L)] for i in range(N)]
    total = torch.stack([torch.stack(r) for r in rows])
    total.sum().backward()
    return total.detach().numpy(), z.grad.numpy()


def golden_whole(loss, params, z, q, state):
    z = torch.tensor(z.astype(np.float64), requires_grad=True)
    q = torch.tensor(q.astype(np.float64))
    value, new = loss(z, q, [torch.tensor(x.astype(np.float64)) for x in state], **params)
    value.sum().backward()
    arrays = {"state_%d" % i: x for i, x in enumerate(state)}
    arrays.update(("new_state_%d" % i, x.detach().numpy()) for i, x in enumerate(new))
    return value.detach().numpy(), z.grad.numpy(), arrays


def sets_of(losses):
    for name, (loss, sets) in losses.items():
        for params in sets:
            for logits in ("normal", "wide", "extreme"):
                for target in TARGETS.get(name, ("onehot", "soft")):
                    yield name, loss, params, logits, target


def main():
    rng = np.random.default_rng(20)
    index = []
    cases = [(*c, {}) for c in [*sets_of(LOSSES), *sets_of(WHOLE), *sets_of(BOXES)]]
    for name, loss, more in MODULATED:
        for target in ("onehot", "soft"):
            cases += [(name, loss, {}, logits, target, more) for logits in ("normal", "wide", "extreme")]
    for name, loss, params, logits, target, more in cases:
        case = "%03d_%s_%s_%s" % (len(index), name, logits, target)
        z = draw_logits(logits, rng).astype(np.float32)
        q = draw_target(target, rng).astype(np.float32)
        if name in WHOLE:
            params, lengths = params
            state = [(rng.random(n) * 40 * rng.integers(0, 2, n)).astype(np.float32) for n in lengths]
            value, grad, arrays = golden_whole(loss, params, z, q, state)
        else:
            (value, grad), arrays = golden(loss, params, z, q), {}
        np.savez(case + ".npz", logits=z, target=q, loss=value, grad=grad, **arrays)
        entry = {"case": case, "loss": name, "logits": logits, "target": target, "shape": [N, C, L], "params": params}
        entry.update(more)
        if name in COUNTED:
            entry["counts"] = COUNTS
        if name in BACKGROUND:
            entry["background"] = 0
        index.append(entry)
    with open("index.json", "w") as f:
        json.dump(index, f, indent=1)
        f.write("\n")


main()
