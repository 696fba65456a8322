"""Means of PyTorch's cross_entropy, in float64, as JSON on standard output.

    python3 cross_entropy.py >cross_entropy.json

Each case has logits [A, C], the class of each anchor, or targets [A, C], the options, and
PyTorch's mean with its derivative by the logits.
"""

import json

import torch
import torch.nn.functional as F

torch.manual_seed(7)
A, C = 9, 4
WEIGHTS = [0.5, 2.0, 0.0, 3.25]
cases = []
for weight in (None, WEIGHTS):
    for ignore in (-100, 2):
        for smoothing in (0.0, 0.125):
            for dense in (False, True):
                if dense and ignore != -100:
                    continue  # which PyTorch does not take together
                z = (3 * torch.randn(A, C, dtype=torch.float64)).round(decimals=6).requires_grad_()
                index = torch.randint(0, C, (A,))
                if not dense:
                    index[0] = index[5] = ignore
                target = torch.softmax(torch.randn(A, C, dtype=torch.float64), 1).round(decimals=6)
                w = None if weight is None else torch.tensor(weight, dtype=torch.float64)
                loss = F.cross_entropy(z, target if dense else index, weight=w, ignore_index=ignore, label_smoothing=smoothing)
                loss.backward()
                case = {"logits": z.tolist(), "smoothing": smoothing, "loss": loss.item(), "gradient": z.grad.tolist()}
                case["weight"] = weight
                if dense:
                    case["target"] = target.tolist()
                else:
                    case["index"], case["ignore"] = index.tolist(), ignore
                cases.append(case)
print("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]")
