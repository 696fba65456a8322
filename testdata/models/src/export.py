"""Exports one detector as ONNX, the same bytes each time."""
import os
import warnings

import onnx
import torch

from layers import initialise


def prepared(spec):
    """The spec's network in evaluation mode, its weights drawn from the seed."""
    return initialise(spec.network(), spec.seed)


def image(spec, seed, batch=1, size=None):
    """Uniform noise in [0, 1): [batch, 3, height, width]."""
    height, width = size or spec.size
    generator = torch.Generator().manual_seed(seed)
    return torch.rand((batch, 3, height, width), generator=generator)


def export(spec, folder):
    """Writes spec's model, and its weights beside it where they are external."""
    path = os.path.join(folder, spec.name + ".onnx")
    axes = {spec.input: dict(spec.dynamic)} if spec.dynamic else None
    if axes and 0 in axes[spec.input]:
        axes.update({out: {0: "batch"} for out in spec.outputs})
    mode = torch.onnx.TrainingMode.PRESERVE if spec.keep_norm else torch.onnx.TrainingMode.EVAL
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            prepared(spec), image(spec, 1), path, opset_version=spec.opset,
            input_names=[spec.input], output_names=list(spec.outputs),
            dynamic_axes=axes, training=mode, do_constant_folding=True)
    if spec.external:
        _move_weights(path, spec.name + ".onnx.data")
    return path


def _move_weights(path, location):
    """Moves each tensor of 1 KiB and more to the file `location` beside path."""
    data = os.path.join(os.path.dirname(path), location)
    if os.path.exists(data):
        os.remove(data)  # onnx appends to what is there
    onnx.save_model(onnx.load(path), path, save_as_external_data=True,
                    all_tensors_to_one_file=True, location=location, size_threshold=1024)
