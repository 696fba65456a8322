"""The models: network, seed, export settings and answer key of each."""
from dataclasses import dataclass, field
from typing import Callable

import classifier
import detr
import pyramid
import ssd
import two_stage
import yolo

BATCH = {0: "batch"}
BATCH_AND_SIZE = {0: "batch", 2: "height", 3: "width"}
MERGED = "merged(all levels)"
ROWS = "rows,C (batch axis gone; rows = anchors/cells/RoIs/queries)"


@dataclass
class Spec:
    name: str
    network: Callable
    seed: int
    opset: int
    size: tuple                 # image height and width
    input: str
    outputs: tuple
    classes: int                # channels of the class axis
    heads: list
    notes: str
    dynamic: dict = field(default_factory=dict)
    keep_norm: bool = False     # leave BatchNormalization as nodes
    external: bool = False      # weights in NAME.onnx.data


def place(tensor, axis, layout, slice=None, stride=None):
    """Where a tensor holds class logits: the channels [slice) of each group of
    `stride` on `axis`, or all of them."""
    entry = {"tensor": tensor, "class_axis": axis, "layout": layout}
    if slice:
        entry.update(slice=slice, per_anchor_stride=stride)
    return entry


def head(tensor, axis, layout, activation, activation_tensor, level, box,
         slice=None, stride=None, same=(), parts=(), **more):
    entry = {"logits_tensor": tensor, "class_axis": axis, "class_channel_slice": slice}
    if slice:
        entry["per_anchor_stride"] = stride
    entry.update(layout=layout, activation=activation,
                 activation_tensor=activation_tensor, **more)
    entry.update(level=level, box_tensor=box, same_values_in=list(same) or [tensor])
    if parts:
        entry["parts"] = list(parts)
    return entry


def _suffix(k):
    return "_%d" % k if k else ""


def _yolo_anchor_head(k, reshape):
    conv = "/m.%d/Conv_output_0" % k
    return head(
        "/Transpose%s_output_0" % _suffix(k), 4, "N,A,H,W,C", "sigmoid",
        "/Sigmoid%s_output_0" % _suffix(k), "s%d" % (8 << k),
        "channels [0,4) of each anchor of the same conv", [5, 13], 13,
        same=(place(conv, 1, "N,C,H,W", [5, 13], 13),
              place(reshape, 2, "N,A,C,H,W", [5, 13], 13)),
        objectness="channel 4 of each anchor of the same conv")


def _fcos_head(k, reshape, transpose, sigmoid):
    conv = "/u%s/Conv_output_0" % _suffix(k)
    return head(
        reshape, 2, "N,cells,C", "sigmoid", sigmoid, "s%d" % (8 << k),
        "/v%s/Conv_output_0" % _suffix(k),
        same=(place(transpose, 3, "N,H,W,C"), place(conv, 1, "N,C,H,W")),
        objectness="centerness: /w%s/Conv_output_0 (1 channel)" % _suffix(k))


SPECS = [
    Spec("yolov1", yolo.YoloV1, 101, 13, (416, 416), "images", ("bboxes", "scores"), 20,
         [head("/Slice_1_output_0", 2, "N,cells,C", "softmax", "/Softmax_output_0", "s32",
               "channels [21,25) of the same conv",
               same=(place("/Reshape_output_0", 2, "N,cells,C", [1, 21], 25),
                     place("/Transpose_output_0", 3, "N,H,W,C", [1, 21], 25),
                     place("/pred/Conv_output_0", 1, "N,C,H,W", [1, 21], 25)),
               objectness="channel 0 of the same conv")],
         "One 1x1 conv of [objectness | 20 classes | box]; scores = softmax of the classes "
         "times sigmoid of the objectness. No background class."),
    Spec("yolo_anchor", yolo.YoloAnchor, 102, 11, (256, 256), "images", ("output",), 8,
         [_yolo_anchor_head(k, "/Reshape%s_output_0" % s)
          for k, s in enumerate(("", "_7", "_14"))],
         "One conv a level of 3 anchors x [box | objectness | 8 classes], one sigmoid over "
         "all of it: no tensor holds class logits alone.", dynamic=BATCH),
    Spec("yolo_free", yolo.YoloFree, 103, 15, (192, 192), "images", ("output0",), 10,
         [head("/Split_output_1", 1, "N,C,cells", "sigmoid", "/Sigmoid_output_0", MERGED,
               "/Split_output_0 (4 x 16 distance bins, their own softmax)",
               same=(place("/Concat_13_output_0", 1, "N,C,cells", [64, 74], 74),),
               parts=[place("/cls.%d/cls.%d.1/Conv_output_0" % (k, k), 1, "N,C,H,W")
                      for k in range(3)])],
         "Class and box convs of a level are joined, levels are joined, then split into bins "
         "and classes. The softmax is over distance bins, not over classes.",
         dynamic=BATCH_AND_SIZE),
    Spec("ssd", ssd.SSD, 104, 12, (160, 160), "input", ("out0", "out1"), 21,
         [head("/Concat_5_output_0", 2, "N,cells,C", "softmax", "out1", MERGED,
               "/Concat_4_output_0", background_class="first",
               parts=[place("/b.%d/Conv_output_0" % k, 1, "N,C,H,W", [0, 21], 21)
                      for k in range(4)])],
         "4, 6, 6 and 4 priors a cell. BatchNormalization kept as nodes; output names carry "
         "no meaning.", keep_norm=True),
    Spec("retinanet", pyramid.RetinaNet, 105, 14, (128, 128), "image", ("boxes", "scores"), 15,
         [head("/Concat_39_output_0", 2, "N,cells,C", "sigmoid", "scores", MERGED,
               "/Concat_36_output_0",
               parts=[place("/class_tower/class_tower.2%s/Conv_output_0" % _suffix(k), 1,
                            "N,C,H,W", [0, 15], 15) for k in range(4)])],
         "One class tower shared by four levels, 9 anchors a cell; the weights lie in "
         "retinanet.onnx.data.", dynamic=BATCH, external=True),
    Spec("fcos", pyramid.FCOS, 106, 16, (128, 128), "image", ("boxes", "scores", "labels"), 6,
         [_fcos_head(0, "/Reshape_output_0", "/Transpose_output_0", "/Sigmoid_output_0"),
          _fcos_head(1, "/Reshape_7_output_0", "/Transpose_3_output_0", "/Sigmoid_2_output_0"),
          _fcos_head(2, "/Reshape_14_output_0", "/Transpose_6_output_0", "/Sigmoid_4_output_0")],
         "scores = sqrt(class x centerness), then maximum and arg-max over the classes. Heads "
         "shared by three levels, names carry no meaning. Height and width: multiples of 32.",
         dynamic=BATCH_AND_SIZE),
    Spec("detr", detr.DETR, 107, 17, (128, 128), "pixels", ("probs", "boxes"), 11,
         [head("/classify/Add_output_0", 2, "N,cells,C", "softmax", "/Softmax_output_0",
               "queries", "/box/steps.1/Add_output_0", background_class="last")],
         "20 queries. The no-object class is cut off after the softmax; the five other "
         "softmaxes are attention.", dynamic=BATCH),
    Spec("two_stage", two_stage.TwoStage, 108, 16, (160, 160), "image",
         ("boxes", "labels", "scores"), 9,
         [head("/score/Gemm_output_0", 1, ROWS, "softmax", "/Softmax_output_0", "roi",
               "/delta/Gemm_output_0", background_class="first",
               objectness="/rpn_objectness/Conv_output_0, of the proposal network: chooses "
                          "the regions, is no factor of the scores")],
         "TopK and NonMaxSuppression choose 32 regions, RoIAlign pools them; suppression for "
         "each class at the end."),
    Spec("classifier", classifier.Classifier, 109, 11, (64, 64), "input", ("output",), 12, [],
         "An image classifier, no detector: it has no boxes, so no detection head is found.",
         dynamic=BATCH),
]


def key(spec):
    """The answer key of spec, as NAME.json holds it."""
    shape = [1, 3, *spec.size]
    for axis, name in spec.dynamic.items():
        shape[axis] = name
    return {
        "name": spec.name, "source": "testdata/models/build.py, seed %d" % spec.seed,
        "license": "Apache-2.0", "exporter": "torch 1.13",
        "opset": {"ai.onnx": spec.opset}, "num_classes": spec.classes,
        "inputs": [{"name": spec.input, "shape": shape, "elem_type": "FLOAT"}],
        "heads": spec.heads, "notes": spec.notes,
    }
