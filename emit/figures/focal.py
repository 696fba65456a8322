#!/usr/bin/env python3
"""Runs torchvision's sigmoid_focal_loss, forward and backward, once for each line of stdin: focal.py THREADS"""
import sys

import torch
from torchvision.ops import sigmoid_focal_loss

torch.set_num_threads(int(sys.argv[1]))
logits = (torch.randn(8, 8400, 80) * 3 - 2).requires_grad_()
target = torch.zeros(8, 8400, 80)
target[..., 7] = (torch.rand(8, 8400) < 0.005).float()
for _ in sys.stdin:
    logits.grad = None
    sigmoid_focal_loss(logits, target, reduction="sum").backward()
    print("done", flush=True)
