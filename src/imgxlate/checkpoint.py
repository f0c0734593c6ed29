"""Checkpoints: ours (safetensors with a JSON header and checksums) and the originals' (torch files, tensors only).

This is the only module that calls `torch.load`, always with `weights_only=True`: no pickle is ever executed.
"""

import hashlib
import json
import re
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from imgxlate import atomic
from imgxlate.errors import CheckpointError

FORMAT = "imgxlate/1"
TRAINING = "training"
"""The header's `kind` of a checkpoint that a training resumes from. A model's header has no `kind`."""
RUN_MODEL = "model.safetensors"
"""The file of the model in the folder of a training run."""
_KEY = "imgxlate"  # in the metadata of a safetensors file
_DEEPEST = 20  # levels of nested dicts and lists
_MOST_ENTRIES = 100_000  # ... and how many entries, for a file can refer to one dict often, and to itself
_TORCH_MARK = (0x1950A86A20F9469CFC6C).to_bytes(10, "little")  # in the first bytes of torch's older format
_TENSORS_ALONE = "Where it was made, save only the state dict: torch.save(model.state_dict(), FILE)."
_DAMAGED = "Fetch or copy it again; `imgxlate weights verify` checks what was downloaded."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds.

    `tensors` is flat: nested dicts of an original's file are joined with dots, so {'a': {'dec.x': t}} gives 'a.dec.x'.
    `header` is what `write` stored, with at least the key 'method'; {} for an original's file.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    header: Mapping[str, Any] = field(default_factory=dict)


def read(path: Path) -> Checkpoint:
    """Read a checkpoint of ours, a torch file in the zip or the older format, or plain safetensors.

    Raises:
        CheckpointError: it cannot be read, is damaged or no checkpoint, holds values that are not finite, or needs more
            than tensors.
    """
    start = _first_bytes(path)
    if start[8:9] == b"{":
        checkpoint = _read_safetensors(path)
    elif start.startswith(b"\x80") and _TORCH_MARK not in start:
        raise CheckpointError(f"{path}: is a plain pickle, which could run code; it is not loaded", hint=_TENSORS_ALONE)
    elif start.startswith((b"PK\x03\x04", b"\x80")):
        checkpoint = Checkpoint(path, _flattened(path, _load_torch(path)))
    else:
        raise CheckpointError(
            f"{path}: is no checkpoint{_what_instead(start)}",
            hint="Give a .safetensors file of imgxlate, or a .pt or .pth file of an original.",
        )
    _check(checkpoint)
    return checkpoint


def write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a checkpoint of ours, whole or not at all. The same tensors and header give the same bytes.

    `header` is kept as JSON; it has at least 'method', and for models 'architecture' and 'domains', and where it
    is not B 'target', the domain to translate to by default.

    Raises:
        OutputError: the file cannot be written.
    """
    # Copied, because safetensors refuses tensors that share their memory.
    stored = {
        name: tensor.detach().cpu().clone(memory_format=torch.contiguous_format) for name, tensor in tensors.items()
    }
    document = {
        "format": FORMAT,
        "header": header,
        "header_sha256": _digest_header(header),
        "payload_sha256": payload_sha256(stored),
    }
    atomic.write_bytes(path, save(stored, {_KEY: json.dumps(document, sort_keys=True)}))


def write_original(path: Path, content: Mapping[str, Any]) -> None:
    """Write a torch file as the originals do, whole or not at all; `content` is tensors by name, or such by name.

    It is in torch's older format, which every release reads: those that the originals were made for know no other.

    Raises:
        OutputError: the file cannot be written.
    """
    with atomic.writer(path) as file:
        torch.save(_plain(content), file, _use_new_zipfile_serialization=False)


def payload_sha256(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 over names, dtypes, shapes and bytes, whatever the order of the tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` in dicts, its tensors in memory of their own, in order: nothing else goes into the file with them."""
    return {
        name: part.detach().cpu().clone(memory_format=torch.contiguous_format)
        if isinstance(part, Tensor)
        else _plain(part)
        for name, part in content.items()
    }


def _first_bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(64)
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}", hint="Check the path.") from error


def _what_instead(start: bytes) -> str:
    if not start:
        return ", it is empty"
    if start.lstrip().lower().startswith((b"<!doctype", b"<html", b"<?xml")):
        return " but a web page: what was downloaded is the server's answer, not the file"
    if start.startswith((b"\x89PNG", b"\xff\xd8\xff", b"RIFF", b"GIF8")):
        return " but an image"
    return ""


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            # Copied, because what is read stays mapped to the file, which may change on the disk.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (SafetensorError, OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: is damaged: {error}", hint=_DAMAGED) from error
    if _KEY in metadata:
        return Checkpoint(path, tensors, _verified_header(path, metadata[_KEY], tensors))
    if any("payload_sha256" in value for value in metadata.values()):
        raise CheckpointError(f"{path}: is damaged: its header has no name", hint=_DAMAGED)
    return Checkpoint(path, tensors)


def _verified_header(path: Path, text: str, tensors: Mapping[str, Tensor]) -> Mapping[str, Any]:
    try:
        document = json.loads(text)
        version, header = document["format"], document["header"]
        whole = document["header_sha256"] == _digest_header(header)
        whole = whole and document["payload_sha256"] == payload_sha256(tensors) and isinstance(header["method"], str)
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise CheckpointError(f"{path}: is damaged: its header cannot be read", hint=_DAMAGED) from error
    if version != FORMAT:
        raise CheckpointError(
            f"{path}: is in the format {version!r}, this version reads {FORMAT!r}",
            hint="Type `pip install --upgrade imgxlate`.",
        )
    if not whole:
        raise CheckpointError(f"{path}: is damaged: its checksum does not fit", hint=_DAMAGED)
    return dict(header)


def _digest_header(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()


def _load_torch(path: Path) -> Any:
    try:
        if zipfile.is_zipfile(path):
            _check_archive(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # The older format makes torch speak of its own storage classes.
            return torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # torch raises eight kinds for damaged files.
        raise _explained(path, error) from error


def _check_archive(path: Path) -> None:
    """Check what torch does not: that nothing unfolds to more than the file holds, and that the checksums fit."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        names = {entry.filename.rpartition("/")[2] for entry in entries}
        if "data.pkl" not in names or "constants.pkl" in names:
            kind = "a TorchScript program, which is code" if "constants.pkl" in names else "a zip file"
            raise CheckpointError(f"{path}: is no file of weights but {kind}", hint="Give a state dict: .pt or .pth.")
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise CheckpointError(
                f"{path}: is no torch file: it is compressed", hint="Unpack it first, if you trust it."
            )
        if sum(entry.file_size for entry in entries) > path.stat().st_size:
            raise CheckpointError(f"{path}: is damaged: it claims more than it holds", hint=_DAMAGED)
        damaged = archive.testzip()
    if damaged:
        raise CheckpointError(f"{path}: is damaged: the checksum of {damaged} does not fit", hint=_DAMAGED)


def _explained(path: Path, error: Exception) -> CheckpointError:
    found = re.search(r"GLOBAL (\S+)|[Uu]nsupported (?:global|class) (\S+)", str(error))
    if found:
        name = found.group(1) or found.group(2)
        return CheckpointError(
            f"{path}: needs more than tensors ({name.rstrip('.,')}), which could run code; it is not loaded",
            hint=_TENSORS_ALONE,
        )
    return CheckpointError(f"{path}: is damaged, or no torch file: {_reason(error)}", hint=_DAMAGED)


def _reason(error: Exception) -> str:
    """What torch says was wrong, without its advice to load the file with no guard."""
    text = str(error).strip()
    if "weights_only" in text:
        found = re.search(r"WeightsUnpickler error:\s*(.+)", text)
        text = found[1] if found and "weights_only" not in found[1] else "its pickle cannot be read"
    return (text.splitlines() or [type(error).__name__])[0][:200]


def _flattened(path: Path, content: Any) -> dict[str, Tensor]:
    """The tensors in nested dicts and lists, by dotted names; numbers and words beside them are left out."""
    tensors: dict[str, Tensor] = {}
    for number, (name, value) in enumerate(_entries(content)):
        if number == _MOST_ENTRIES:
            raise CheckpointError(f"{path}: holds more than {_MOST_ENTRIES} entries", hint="Give a plain state dict.")
        if isinstance(value, Tensor):
            if name in tensors:
                raise CheckpointError(f"{path}: holds two tensors named {name}", hint="Give a plain state dict.")
            tensors[name] = value.detach()
    return tensors


def _entries(value: Any, name: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    yield name, value
    if depth < _DEEPEST and isinstance(value, Mapping | list | tuple):
        children = value.items() if isinstance(value, Mapping) else enumerate(value)
        for key, child in children:
            yield from _entries(child, f"{name}.{key}" if name else str(key), depth + 1)


def _check(checkpoint: Checkpoint) -> None:
    size = checkpoint.path.stat().st_size
    if not checkpoint.tensors:
        raise CheckpointError(f"{checkpoint.path}: holds no tensors", hint="Give the file with the weights.")
    for name, tensor in checkpoint.tensors.items():
        claimed = tensor.numel() * tensor.element_size()
        in_a_byte = tensor.is_floating_point() and tensor.element_size() == 1
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta or in_a_byte:
            raise CheckpointError(f"{checkpoint.path}: {name} is no plain tensor", hint="Give the float weights.")
        if claimed > size:
            raise CheckpointError(f"{checkpoint.path}: {name} claims more than the file holds", hint=_DAMAGED)
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"{checkpoint.path}: {name} holds values that are not finite (NaN or infinity)",
                hint="The training diverged: give an earlier checkpoint.",
            )
