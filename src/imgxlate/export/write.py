"""Exports models: to the original's files, to ONNX, and to checkpoints of ours in half precision."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

import torch

from imgxlate import __version__, atomic, checkpoint
from imgxlate.callbacks import Notify, ignore
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.export import onnx_graphs
from imgxlate.export.inspection import Inspection, inspect
from imgxlate.images.inputs import STDIO
from imgxlate.images.outputs import Existing, refuse_existing
from imgxlate.inference.device import Arithmetic
from imgxlate.inference.loading import ModelFile, choice_note, load_model, model_header
from imgxlate.inference.model import Model
from imgxlate.methods import registry
from imgxlate.methods.protocol import Exportable
from imgxlate.methods.spec import DOMAINS, Capability, MethodSpec
from imgxlate.methods.tensor_names import opposite
from imgxlate.paths import exists, is_folder

Format = Literal["onnx", "originals", "half"]

_Places = Callable[[Sequence[str]], list[Path]]  # from the names of files to their paths
_SUFFIXES = frozenset({".pt", ".pth", ".onnx", ".safetensors"})


def export(
    file: Path,  # a model of ours, an original's file, or the folder of a run
    form: Format,
    output: str | Path | None = None,  # a file or a folder; None: the current folder
    *,
    config: Path | None = None,  # the original's yaml, for settings that the weights do not show
    generators: Sequence[str] = (),  # the networks to take from an original's file, by their names in it
    overwrite: bool = False,
    notify: Notify = ignore,
) -> list[Path]:
    """Write the model in `file` in another format, and return the paths of the files.

    Raises:
        CheckpointError: `file` holds no model, or a value that float16 cannot represent.
        UsageError: the method cannot be exported, the extra for ONNX is missing, several files would go to one, or an
            output is an input.
        OutputError: a file exists already, or cannot be written.
        ImgxlateError: the ONNX file computes something else than the model; nothing was written.
    """
    if form == "onnx":
        onnx_graphs.require_onnx()
    found = inspect(file)
    if file.is_dir():
        notify(choice_note(Path(found.path), found.step))
    spec = _spec(found)
    source = ModelFile(file.name, Path(found.path), config, generators=tuple(generators))
    model = load_model(spec, source, torch.device("cpu"), Arithmetic(), notify)
    stem = file.resolve().name if file.is_dir() else file.stem

    def places(names: Sequence[str]) -> list[Path]:
        paths = _paths(names, None if output is None else str(output))
        _refuse_inputs(paths, [Path(found.path), opposite(Path(found.path)), config])
        if not overwrite:
            refuse_existing(paths, Existing.REFUSE, "Add --overwrite to replace it.")
        return paths

    if form == "half":
        return _write_half(model, found, spec, stem, places)
    if not isinstance(model.translator, Exportable):
        raise UsageError(f"models of {spec.name} cannot be exported")
    if form == "originals":
        return _write_originals(model.translator, found.step, places)
    return _write_onnx(model.translator, stem, places, _metadata(spec, model))


def _spec(found: Inspection) -> MethodSpec:
    if found.method is None:
        raise CheckpointError(
            f"{found.path}: holds {found.contents}, which cannot be exported",
            hint="Give the file with the generators.",
        )
    return registry.find(found.method, Capability.TRANSLATE)


def _write_half(model: Model, found: Inspection, spec: MethodSpec, stem: str, places: _Places) -> list[Path]:
    """A checkpoint of ours with weights in float16. Every command loads it and computes in float32."""
    (path,) = places([f"{stem}.half.safetensors"])
    if path.suffix.lower() != ".safetensors":
        raise UsageError(
            f"{path}: the format 'half' writes a .safetensors file", hint=f"Type `-o {path.stem}.safetensors`."
        )
    halved = {name: _halved(f"{found.path}: {name}", tensor) for name, tensor in model.translator.tensors().items()}
    facts = {"step": found.step, "card": found.card, "quality": found.quality}
    history = {key: value for key, value in facts.items() if value is not None}
    header = model_header(spec.name, model.translator.config, model.domains, model.translator.targets[0], model.formats)
    checkpoint.write(path, halved, header | history)
    return [path]


def _halved(name: str, tensor: torch.Tensor) -> torch.Tensor:
    if not tensor.is_floating_point():
        return tensor
    half = tensor.half()
    if not half.isfinite().all():
        raise CheckpointError(f"{name} holds values that float16 cannot represent")
    return half


def _write_originals(translator: Exportable, step: int | None, places: _Places) -> list[Path]:
    contents = translator.original_files(step)
    paths = places(list(contents))
    for path, content in zip(paths, contents.values(), strict=True):
        checkpoint.write_original(path, content)
    return paths


def _write_onnx(translator: Exportable, stem: str, places: _Places, metadata: Mapping[str, str]) -> list[Path]:
    graphs = translator.graphs()
    paths = places([f"{stem}.{graph.name}.onnx" for graph in graphs])
    files = [onnx_graphs.to_onnx(graph, {**metadata, "graph": graph.does}) for graph in graphs]
    for path, data in zip(paths, files, strict=True):
        atomic.write_bytes(path, data)
    return paths


def _metadata(spec: MethodSpec, model: Model) -> dict[str, str]:
    return {
        "imgxlate": __version__,
        "method": spec.name,
        "domain_a": model.domains[0],
        "domain_b": model.domains[1],
        **_image_facts(model),
    }


def _image_facts(model: Model) -> dict[str, str]:
    """What the values of images mean, for each domain if images of one are not in color."""
    color = "float32, (batch, 3, height, width), red, green, blue, from -1 (black) to 1 (white)"
    if all(model.format_of(domain).is_color for domain in DOMAINS):
        return {"images": color}
    facts = {}
    for domain in DOMAINS:
        pixels = model.format_of(domain)
        other = f"float32, (batch, {pixels.channels}, height, width), scaled to -1 to 1: {pixels}"
        facts[f"images_{domain.lower()}"] = color if pixels.is_color else other
    return facts


def _paths(names: Sequence[str], output: str | None) -> list[Path]:
    if output == STDIO:
        raise UsageError("weights are not written to standard output", hint="Give a file or a folder: `-o exported/`.")
    if output is None or not _names_file(output):
        return [Path(output or ".") / name for name in names]
    if len(names) > 1:
        raise UsageError(f"{len(names)} files cannot go to {output}", hint="Give a folder: `-o exported/`.")
    return [Path(output)]


def _names_file(output: str) -> bool:
    return not output.endswith("/") and not is_folder(output) and Path(output).suffix.lower() in _SUFFIXES


def _refuse_inputs(paths: Sequence[Path], inputs: Sequence[Path | None]) -> None:
    """Refuse to write over a file that was read, also under another path to it."""
    read = [source for source in inputs if source and source.exists()]
    for path in paths:
        if exists(path) and any(path.samefile(source) for source in read):
            raise UsageError(f"the output {path} is an input", hint="Give another file or folder: `-o exported/`.")
