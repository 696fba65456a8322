"""Plants a fault in each part of an answer key: the check has to find it."""
import copy
import os

from check import Fault, check_key, intermediate, torch_rows
from export import image
from table import SPECS, key


def _set(**fields):
    return lambda head: head.update(fields)


def _other(index, **fields):
    return lambda head: head["same_values_in"][index].update(fields)


# model, what is wrong, change to the key's last head
FAULTS = [
    ("yolov1", "an activation", _set(activation="sigmoid")),
    ("yolov1", "an activation tensor", _set(activation_tensor="/Sigmoid_output_0")),
    ("yolov1", "a slice off by one", _other(0, slice=[2, 22])),
    ("yolov1", "a class axis", _other(2, class_axis=2)),
    ("yolov1", "an earlier tensor", lambda h: (
        h.update(logits_tensor="/Reshape_output_0", class_channel_slice=[1, 21],
                 per_anchor_stride=25))),
    ("yolov1", "a tensor left out", lambda h: h["same_values_in"].pop()),
    ("yolo_anchor", "a slice off by one", _set(class_channel_slice=[4, 12])),
    ("yolo_anchor", "a stride", _other(0, per_anchor_stride=39)),
    ("yolo_anchor", "another level", _set(logits_tensor="/Transpose_output_0")),
    ("yolo_anchor", "an order of axes", _set(layout="N,A,W,H,C")),
    ("yolo_free", "the box bins", _set(logits_tensor="/Split_output_0")),
    ("ssd", "the order of the levels", lambda h: h["parts"].reverse()),
    ("ssd", "the activated tensor", _set(logits_tensor="out1")),
    ("fcos", "the centerness", _set(logits_tensor="/Reshape_15_output_0")),
    ("detr", "an attention", _set(logits_tensor="/decoder.1/cross/Div_output_0")),
    ("two_stage", "the boxes of the regions", _set(logits_tensor="/delta/Gemm_output_0")),
]


def missed(folder, runtime):
    """Yields a line for each planted fault that the check lets pass."""
    for spec in SPECS:
        planted = [f for f in FAULTS if f[0] == spec.name]
        if not planted:
            continue
        values = image(spec, 2000 + spec.seed)
        tensors = intermediate(spec, os.path.join(folder, spec.name + ".onnx"),
                               runtime, values)
        _, calls = torch_rows(spec, values)
        for name, what, change in planted:
            wrong = copy.deepcopy(key(spec))
            change(wrong["heads"][-1])
            try:
                check_key(wrong, tensors, calls)
            except Fault:
                continue
            yield "%s with %s wrong passes" % (name, what)
