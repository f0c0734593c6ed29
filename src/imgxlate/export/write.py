"""Writes models for other programs, as the original's files or as ONNX, and for others to use: in half precision."""

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import torch

from imgxlate import __version__, atomic, checkpoint
from imgxlate.errors import CheckpointError, OutputError, UsageError
from imgxlate.export import onnx_graphs
from imgxlate.export.inspection import Inspection, inspect
from imgxlate.inference.loading import ModelFile, load_model, model_header
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.protocol import Exportable, Graph
from imgxlate.methods.spec import Capability, MethodSpec

Format = Literal["onnx", "originals", "half"]

_SUFFIXES = frozenset({".pt", ".pth", ".onnx", ".safetensors"})


def export(
    file: Path,
    form: Format,
    output: str | None,  # a file or a folder; None: the current one
    *,
    config: Path | None = None,  # the original's yaml, for what weights do not show
    overwrite: bool = False,
) -> Iterator[Path]:
    """Write the model in `file`, which is ours, an original's, or a run's folder; yields each file that is written.

    Raises:
        CheckpointError: `file` holds no model, or one that float16 has no room for.
        UsageError: its method cannot be exported, the extra for ONNX is missing, or several files are to go to one.
        OutputError: a file exists already, or cannot be written.
        ImgxlateError: a graph does not compute what the model does; nothing was written.
    """
    if form == "onnx":
        onnx_graphs.require_onnx()
    found = inspect(file)
    spec = _spec(found)
    model = load_model(spec, ModelFile(file.name, Path(found.path), config), torch.device("cpu"), torch.float32)
    if form == "half":
        yield _write_half(model, found, spec, output, overwrite, file)
        return
    if not isinstance(model.translator, Exportable):
        raise UsageError(f"models of {spec.name} cannot be exported")
    if form == "originals":
        yield from _write_originals(model.translator.original_files(found.step), output, overwrite)
    else:
        yield from _write_onnx(model.translator.graphs(), output, overwrite, _about(spec, model), file)


def _spec(found: Inspection) -> MethodSpec:
    if found.method is None:
        raise CheckpointError(
            f"{found.path}: holds {found.contents}, and no model that can be exported",
            hint="Give the file with the generators.",
        )
    return registry.find(found.method, Capability.TRANSLATE)


def _write_originals(contents: Mapping[str, Mapping[str, Any]], output: str | None, overwrite: bool) -> Iterator[Path]:
    for path, content in zip(_paths(list(contents), output, overwrite), contents.values(), strict=True):
        checkpoint.write_original(path, content)
        yield path


def _write_onnx(
    graphs: Sequence[Graph], output: str | None, overwrite: bool, about: Mapping[str, str], file: Path
) -> Iterator[Path]:
    paths = _paths([f"{_stem(file)}.{graph.name}.onnx" for graph in graphs], output, overwrite)
    checked = [onnx_graphs.to_onnx(graph, {**about, "graph": graph.does}) for graph in graphs]
    for path, data in zip(paths, checked, strict=True):
        atomic.write_bytes(path, data)
        yield path


def _write_half(
    model: Model, found: Inspection, spec: MethodSpec, output: str | None, overwrite: bool, file: Path
) -> Path:
    """A model of ours whose weights are stored in float16; it computes in float32 as any other."""
    (path,) = _paths([f"{_stem(file)}.half.safetensors"], output, overwrite)
    if path.suffix.lower() != ".safetensors":
        raise UsageError(f"{path}: a model of ours is a .safetensors file", hint=f"Type `-o {path.stem}.safetensors`.")
    halved = {name: _halved(f"{found.path}: {name}", tensor) for name, tensor in model.translator.tensors().items()}
    history = {key: value for key, value in (("step", found.step), ("card", found.card)) if value is not None}
    header = model_header(spec.name, model.translator.config, model.domains, model.translator.targets[0])
    checkpoint.write(path, halved, header | history)
    return path


def _halved(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not half.isfinite().all():
        raise CheckpointError(f"{name} holds numbers that float16 has no room for, or that are none")
    return half


def _stem(file: Path) -> str:
    """What the files that are made of `file`, or of the run in it, are named after."""
    return file.resolve().name if file.is_dir() else file.stem


def _about(spec: MethodSpec, model: Model) -> dict[str, str]:
    """What an ONNX file says of itself."""
    return {
        "imgxlate": __version__,
        "method": spec.name,
        "domain_a": model.domains[0],
        "domain_b": model.domains[1],
        "images": "float32, (batch, 3, height, width), red, green, blue, from -1 (black) to 1 (white)",
    }


def _paths(names: list[str], output: str | None, overwrite: bool) -> list[Path]:
    """Where files of these names go."""
    paths = [Path(output or ".") / name for name in names]
    if output is not None and _is_file(output):
        if len(names) > 1:
            raise UsageError(f"{len(names)} files cannot go to {output}", hint="Give a folder: `-o exported/`.")
        paths = [Path(output)]
    taken = [path for path in paths if os.path.lexists(path)]
    if taken and not overwrite:
        raise OutputError(f"{taken[0]} already exists", hint="Add --overwrite to replace it.")
    return paths


def _is_file(output: str) -> bool:
    return not output.endswith("/") and not Path(output).is_dir() and Path(output).suffix.lower() in _SUFFIXES
