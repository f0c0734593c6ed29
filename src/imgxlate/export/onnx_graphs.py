"""Writes parts of models as ONNX files, and checks each against torch."""

import importlib.util
import warnings
from collections.abc import Mapping
from importlib import import_module
from typing import Any

import torch
from torch import Tensor
from torch.export import Dim

from imgxlate.errors import ImgxlateError, UsageError
from imgxlate.methods.protocol import Graph

_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_LENGTHS = (
    {"batch": 2, "height": 16, "width": 24},
    {"batch": 1, "height": 23, "width": 17},
)  # of the axes, in multiples of the least
_TOLERANCE = 1e-3  # largest difference from torch's values


def require_onnx() -> None:
    """Check that the packages for ONNX are installed.

    Raises:
        UsageError: one is missing.
    """
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"ONNX needs {', '.join(missing)}", hint='Type `pip install "imgxlate[onnx]"`.')


def to_onnx(graph: Graph, metadata: Mapping[str, str]) -> bytes:
    """The bytes of an ONNX file of `graph`. Axes with a name may have any length.

    Raises:
        ImgxlateError: onnxruntime computes other values than torch.
    """
    graph.module.eval()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The exporter warns about its own internals.
        program = torch.onnx.export(
            graph.module,
            tuple(_example(graph, _LENGTHS[0]).values()),
            input_names=list(graph.inputs),
            output_names=[graph.output],
            dynamic_shapes=_dynamic(graph),
            dynamo=True,
            verbose=False,
        )
    assert program is not None  # noqa: S101 (only the older exporter returns None)
    program.model.metadata_props.update(metadata)
    proto = program.model_proto
    for node in proto.graph.node:
        del node.metadata_props[:]  # Stack traces, which name folders of this machine.
    data: bytes = proto.SerializeToString()
    for lengths in _LENGTHS:
        _check(data, graph, _example(graph, lengths))
    return data


def _example(graph: Graph, lengths: Mapping[str, int]) -> dict[str, Tensor]:
    """Inputs in [-1, 1] for the graph, always the same for the same axes and `lengths`."""
    generator = torch.Generator().manual_seed(0)
    shapes = {
        name: [axis if isinstance(axis, int) else lengths[axis] * graph.multiples.get(axis, 1) for axis in axes]
        for name, axes in graph.inputs.items()
    }
    return {name: torch.rand(shape, generator=generator) * 2 - 1 for name, shape in shapes.items()}


def _dynamic(graph: Graph) -> tuple[dict[int, Any], ...]:
    """The named axes of each input, as torch describes them. Axes of the same name have the same length."""
    names = {axis for axes in graph.inputs.values() for axis in axes if isinstance(axis, str)}
    dims: dict[str, Any] = {name: Dim(name) for name in names}
    dims |= {name: dims[name] * multiple for name, multiple in graph.multiples.items() if multiple > 1}
    return tuple(
        {place: dims[axis] for place, axis in enumerate(axes) if isinstance(axis, str)}
        for axes in graph.inputs.values()
    )


def _check(data: bytes, graph: Graph, inputs: Mapping[str, Tensor]) -> None:
    session = import_module("onnxruntime").InferenceSession(data, providers=["CPUExecutionProvider"])
    (computed,) = session.run([graph.output], {name: tensor.numpy() for name, tensor in inputs.items()})
    with torch.no_grad():
        expected = graph.module(*inputs.values())
    error = float((torch.from_numpy(computed) - expected).abs().max())
    if not error <= _TOLERANCE:
        raise ImgxlateError(
            f"the ONNX file of {graph.name} computes values that differ from torch's by {error:.2g}",
            hint="Nothing was written. Try another release of torch or onnxscript.",
        )
