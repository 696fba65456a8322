#!/usr/bin/env python3
"""Golden values of losses as their papers' equations stand, by PyTorch in float64.

Run it in this folder; it writes index.json and CASE.npz, in the layout of
../golden: logits and target float32 [N, C, L], loss float64 [N, L], grad
float64 [N, C, L], the derivative of the sum of loss. It shares nothing with
the package: every loss is written from its paper, over one anchor at a time.
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


LOSSES = {
    "balanced_softmax": (balanced_softmax, [{}]),
    "logit_adjusted": (logit_adjusted, [{"tau": 1.0}, {"tau": 2.5}]),
    "ldam": (ldam, [{"max_margin": 0.5, "scale": 1.0}, {"max_margin": 0.8, "scale": 4.0}]),
    "class_balanced_focal": (class_balanced_focal, [{"beta": 0.9999, "gamma": 2.0}, {"beta": 0.9, "gamma": 1.0}]),
    "weighted_ce": (weighted_ce, [{"eos_coef": 0.1}, {"eos_coef": 2.5}]),
    "task_aligned_bce": (task_aligned_bce, [{"gamma": 0.0}, {"gamma": 2.0}]),
    "mal": (mal, [{"gamma": 1.5}, {"gamma": 2.0}]),
}

TARGETS = {
    "class_balanced_focal": ("onehot", "soft", "multilabel"),
    "task_aligned_bce": ("onehot", "quality"),
    "mal": ("onehot", "quality"),
}

# The losses that take COUNTS, and those for which class 0 is no object.
COUNTED = ("balanced_softmax", "logit_adjusted", "ldam", "class_balanced_focal")
BACKGROUND = ("weighted_ce",)


def draw_logits(kind, rng):
    if kind == "normal":
        return rng.standard_normal((N, C, L))
    if kind == "wide":
        return 12 * rng.standard_normal((N, C, L))
    return rng.choice([-90.0, -30.0, 0.0, 30.0, 90.0], (N, C, L))


def draw_target(kind, rng):
    if kind == "onehot":
        return np.moveaxis(np.eye(C)[rng.integers(0, C, (N, L))], 2, 1)
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
    rows = [[loss(z[i, :, k], q[i, :, k], n, **params) for k in range(L)] for i in range(N)]
    total = torch.stack([torch.stack(r) for r in rows])
    total.sum().backward()
    return total.detach().numpy(), z.grad.numpy()


def main():
    rng = np.random.default_rng(20)
    index = []
    for name, (loss, sets) in LOSSES.items():
        for params in sets:
            for logits in ("normal", "wide", "extreme"):
                for target in TARGETS.get(name, ("onehot", "soft")):
                    case = "%03d_%s_%s_%s" % (len(index), name, logits, target)
                    z = draw_logits(logits, rng).astype(np.float32)
                    q = draw_target(target, rng).astype(np.float32)
                    value, grad = golden(loss, params, z, q)
                    np.savez(case + ".npz", logits=z, target=q, loss=value, grad=grad)
                    entry = {"case": case, "loss": name, "logits": logits, "target": target,
                             "shape": [N, C, L], "params": params}
                    if name in COUNTED:
                        entry["counts"] = COUNTS
                    if name in BACKGROUND:
                        entry["background"] = 0
                    index.append(entry)
    with open("index.json", "w") as f:
        json.dump(index, f, indent=1)
        f.write("\n")


main()
