"""Holds every model and its answer key against PyTorch and ONNX Runtime."""
import json
import os
import subprocess
import tempfile

import numpy as np
import onnx
import torch

from export import image, prepared

TOLERANCE = 1e-4    # of the tensor's largest magnitude, PyTorch against ONNX Runtime
CELL_ORDER = ["rows", "N", "H", "W", "cells", "A", "C"]


class Fault(Exception):
    """A model or a key that does not hold."""


def need(condition, text, *args):
    if not condition:
        raise Fault(text % args)


class Runtime:
    """ONNX Runtime for Node.js, from the folder of node modules `modules`."""

    def __init__(self, modules):
        self.modules = os.path.abspath(modules)
        self.script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "run.mjs")

    def run(self, model, name, values):
        with tempfile.TemporaryDirectory() as folder:
            data, job = os.path.join(folder, "in.bin"), os.path.join(folder, "job.json")
            values.numpy().astype("<f4").tofile(data)
            with open(job, "w") as f:
                json.dump({"runtime": self.modules, "model": model, "folder": folder,
                           "inputs": [{"name": name, "dims": list(values.shape),
                                       "file": data}]}, f)
            done = subprocess.run(["node", self.script, job], capture_output=True, text=True)
            need(done.returncode == 0, "ONNX Runtime: %s", done.stderr.strip())
            return {e["name"]: np.fromfile(os.path.join(folder, "%d.bin" % k),
                                           e["type"]).reshape(e["dims"])
                    for k, e in enumerate(json.loads(done.stdout))}


def node_order(path, tensors):
    """The tensors in the order in which the model's nodes make them."""
    names = [name for node in onnx.load(path).graph.node for name in node.output]
    return {name: tensors[name] for name in names if name in tensors}


def exposed(path):
    """The model with every node output as a graph output, weights inside."""
    model = onnx.load(path)
    known = {o.name for o in model.graph.output}
    for node in model.graph.node:
        if node.op_type == "Constant":
            continue
        for name in node.output:
            if name and name not in known:
                model.graph.output.append(onnx.helper.make_empty_tensor_value_info(name))
    return model


def canonical(values, layout, axis, channels, stride, classes):
    """Class rows [anchors, classes]: image, row, column, anchor."""
    letters = layout.split(" ")[0].split(",")
    need(letters[axis] == "C" and len(letters) == values.ndim,
         "class axis %d does not fit layout %s of %s", axis, layout, values.shape)
    order = sorted(range(values.ndim), key=lambda k: CELL_ORDER.index(letters[k]))
    values = values.transpose(order)
    if channels:
        need(values.shape[-1] % stride == 0, "stride %d, %d channels", stride, values.shape[-1])
        values = values.reshape(values.shape[:-1] + (-1, stride))[..., channels[0]:channels[1]]
    need(values.shape[-1] == classes, "%d classes, want %d", values.shape[-1], classes)
    return values.reshape(-1, classes)


def torch_rows(spec, values):
    """The network's outputs, and the class rows of each call of its class
    layers, in order of the calls: [images, anchors, classes]."""
    network, rows = prepared(spec), []

    def hook(stride, start, stop):
        def record(_, __, out):
            if out.dim() == 4:
                out = out.permute(0, 2, 3, 1)
            grouped = out.reshape(values.shape[0], -1, stride)[:, :, start:stop]
            rows.append(grouped.numpy())
        return record

    for layer, stride, start, stop in network.class_layers():
        layer.register_forward_hook(hook(stride, start, stop))
    with torch.no_grad():
        out = network(values)
    return (out if isinstance(out, tuple) else (out,)), rows


def close(got, want, what):
    need(got.shape == want.shape, "%s: shape %s, want %s", what, got.shape, want.shape)
    worst = np.max(np.abs(got.astype("f8") - want)) / max(1.0, np.max(np.abs(want)))
    need(worst <= TOLERANCE, "%s: off by %g of the largest value", what, worst)
    return worst


def probabilities(rows, activation):
    z = rows.astype("f8")
    if activation == "sigmoid":
        return 1.0 / (1.0 + np.exp(-z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def check_head(head, tensors, want, classes):
    """One head of a key against `want`, the rows that PyTorch computed."""
    name = head["logits_tensor"]
    where = (head["layout"], head["class_axis"], head["class_channel_slice"],
             head.get("per_anchor_stride"), classes)
    rows = canonical(tensors[name], *where)
    worst = close(rows, want, name)
    close(canonical(tensors[head["activation_tensor"]], *where),
          probabilities(rows, head["activation"]), head["activation_tensor"])
    need(np.mean(np.std(rows, axis=0)) > 0.3, "%s: hardly varies between anchors", name)
    need(np.std(rows, axis=1).mean() > 0.2, "%s: hardly varies between classes", name)
    need(len(set(rows.argmax(axis=1))) > classes // 3, "%s: few classes ever lead", name)

    listed = {name}
    for other in head["same_values_in"]:
        if isinstance(other, str):
            need(other == name, "%s: without axis and layout", other)
            continue
        listed.add(other["tensor"])
        same = canonical(tensors[other["tensor"]], other["layout"], other["class_axis"],
                         other.get("slice"), other.get("per_anchor_stride"), classes)
        need(np.array_equal(same, rows), "%s: other values than %s", other["tensor"], name)
    held = {t for t, v in tensors.items()
            if v.dtype == np.float32 and np.isin(rows, v).all()}
    need(held == listed, "the values of %s lie in %s, the key lists %s",
         name, sorted(held), sorted(listed))
    check_last(head, list(tensors))
    if "parts" in head:
        check_parts(head, tensors, rows, classes)
    return worst, rows


def check_last(head, order):
    """logits_tensor is the last tensor of class logits alone or, where there is
    none, the last mixed one; `order` has the tensors as the nodes make them."""
    others = [o for o in head["same_values_in"] if not isinstance(o, str)]
    pure = [o["tensor"] for o in others if not o.get("slice")]
    name = head["logits_tensor"]
    if head["class_channel_slice"]:
        need(not pure, "%s is mixed, %s hold classes alone", name, pure)
        pure = [o["tensor"] for o in others]
    late = [t for t in pure if order.index(t) > order.index(name)]
    need(not late, "%s come after %s", late, name)


def check_parts(head, tensors, rows, classes):
    parts = [canonical(tensors[p["tensor"]], p["layout"], p["class_axis"], p.get("slice"),
                       p.get("per_anchor_stride"), classes) for p in head["parts"]]
    images = max(1, tensors[head["parts"][0]["tensor"]].shape[0])
    joined = np.concatenate([p.reshape(images, -1, classes) for p in parts], axis=1)
    need(np.array_equal(joined.reshape(-1, classes), rows),
         "the parts of %s do not make it up", head["logits_tensor"])


def check_model(spec, folder, runtime):
    """Yields a line a tried input shape; raises Fault."""
    path = os.path.join(folder, spec.name + ".onnx")
    try:
        onnx.checker.check_model(path)
    except onnx.checker.ValidationError as err:
        raise Fault("%s: %s" % (path, err)) from err
    model = onnx.load(path)
    need([(o.domain, o.version) for o in model.opset_import] == [("", spec.opset)],
         "opset %s, want %d", model.opset_import, spec.opset)
    with open(os.path.join(folder, spec.name + ".json")) as f:
        key = json.load(f)
    shapes = [(1, spec.size)]
    if 0 in spec.dynamic:
        shapes.append((2, spec.size))
    if 2 in spec.dynamic:
        shapes.append((3, (spec.size[0] - 32, spec.size[1] + 64)))
    for batch, size in shapes:
        values = image(spec, 1000 + spec.seed, batch, size)
        worst, rows = check_run(spec, key, path, runtime, values)
        yield "%s %s: off by %.1e; %s" % (
            spec.name, "x".join(map(str, values.shape)), worst, statistics(rows, key))


def statistics(rows, key):
    parts = []
    for head, z in zip(key["heads"], rows):
        p = probabilities(z, head["activation"])
        parts.append("%s %d rows, logits %.2f +- %.2f, p %.4f..%.4f" % (
            head["level"], len(z), z.mean(), z.std(), p.min(), p.max()))
    return "; ".join(parts) or "no head"


def intermediate(spec, path, runtime, values):
    """Every tensor that the model's nodes make of values, in their order."""
    with tempfile.TemporaryDirectory() as folder:
        whole = os.path.join(folder, "exposed.onnx")
        onnx.save_model(exposed(path), whole)
        return node_order(whole, runtime.run(whole, spec.input, values))


def check_run(spec, key, path, runtime, values):
    outputs = runtime.run(path, spec.input, values)
    tensors = intermediate(spec, path, runtime, values)
    want, calls = torch_rows(spec, values)
    worst = 0.0
    for name, value in zip(spec.outputs, want):
        worst = max(worst, close(outputs[name], value.numpy(), name))
        need(np.isfinite(outputs[name]).all(), "%s: not finite", name)
        need(np.array_equal(outputs[name], tensors[name]), "%s: differs when exposed", name)
    off, rows = check_key(key, tensors, calls)
    return max(worst, off), rows


def check_key(key, tensors, calls):
    """Every head of key against the rows of the class layers' calls; returns
    the worst error and the rows of each head."""
    if len(key["heads"]) == 1 and len(calls) > 1:
        calls = [np.concatenate(calls, axis=1)]
    need(len(calls) == len(key["heads"]), "%d class layers, %d heads", len(calls),
         len(key["heads"]))
    worst, rows = 0.0, []
    for head, call in zip(key["heads"], calls):
        off, z = check_head(head, tensors, call.reshape(-1, call.shape[-1]),
                            key["num_classes"])
        worst = max(worst, off)
        rows.append(z)
    return worst, rows
