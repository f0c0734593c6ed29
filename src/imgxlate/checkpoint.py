"""Checkpoints: ours (safetensors with a JSON header and checksums) and the originals' (torch files).

Nothing here runs what a file holds: `unpickling` reads pickles without making their calls.
"""

import errno
import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor

from imgxlate import atomic, signatures, torch_files
from imgxlate.checkpoint_header import KEY
from imgxlate.errors import CheckpointError, unreadable

FORMAT = "imgxlate/1"
TRAINING = "training"
"""The `kind` in the header of a checkpoint that training resumes from. The header of a model has no `kind`."""
_TORCH_MARK = torch_files.MAGIC.to_bytes(10, "little")  # near the start of torch's older format
_MAX_SHARING = 100  # how often tensors may use the same bytes of a file, on average
_STATE_DICT = "In the program that wrote it, save only the state dict: torch.save(model.state_dict(), FILE)."
_DAMAGED = "Download or copy it again; `imgxlate weights verify` checks downloaded files."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The content of a checkpoint file.

    `tensors` is flat: the keys of nested dicts are joined with dots, so {'a': {'dec.x': t}} gives 'a.dec.x'.
    `header` is the one that `write` stored, with at least the key 'method'. An original's file has the header {}.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    header: Mapping[str, Any] = field(default_factory=dict)

    def part(self, name: str) -> dict[str, Tensor]:
        """The tensors NAME.*, without the prefix."""
        prefix = f"{name}."
        return {key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)}


def read(path: Path) -> Checkpoint:
    """Read a checkpoint of ours, a torch file in the zip or the older format, a plain pickle, or plain safetensors.

    The tensors of a pickled module are named as in its state dict. All else beside the tensors is left out, and none
    of its code runs.

    Raises:
        CheckpointError: the file cannot be read, is damaged, is not a checkpoint, or holds no tensors, tensors of an
            unusual kind, or values that are not finite.
    """
    start = _first_bytes(path)
    if start[8:9] == b"{":
        checkpoint = _read_safetensors(path)
    elif start.startswith((b"PK\x03\x04", b"\x80")):
        checkpoint = _read_torch(path, start)
    else:
        raise _no_checkpoint(path, start)
    _check(checkpoint)
    return checkpoint


def write(path: Path, tensors: Mapping[str, Tensor], header: Mapping[str, Any]) -> None:
    """Write a checkpoint of ours, whole or not at all. The same tensors and header give the same bytes.

    `header` is stored as JSON. It has at least 'method'. The header of a model also has 'architecture', 'domains' and,
    unless it is B, 'target': the domain to which the model translates by default.

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
    atomic.write_bytes(path, save(stored, {KEY: json.dumps(document, sort_keys=True)}))


def write_original(path: Path, content: Mapping[str, Any]) -> None:
    """Write a torch file as the originals do, whole or not at all. `content` holds tensors, or dicts of them, by name.

    The file has torch's older format, which every release reads. The releases that the originals need read no other.

    Raises:
        OutputError: the file cannot be written.
    """
    data = io.BytesIO()  # Torch writes to a real file by itself, and reports a full disk as an unknown error.
    torch.save(_plain(content), data, _use_new_zipfile_serialization=False)
    atomic.write_bytes(path, data.getbuffer())


def payload_sha256(tensors: Mapping[str, Tensor]) -> str:
    """The SHA-256 of names, dtypes, shapes and bytes. It does not depend on the order of the tensors."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        digest.update(f"{name} {tensor.dtype} {list(tensor.shape)}\n".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return digest.hexdigest()


def _plain(content: Mapping[str, Any]) -> dict[str, Any]:
    """`content` as dicts of copied, contiguous tensors, so that the file holds nothing else of their storage."""
    return {
        name: part.detach().cpu().clone(memory_format=torch.contiguous_format)
        if isinstance(part, Tensor)
        else _plain(part)
        for name, part in content.items()
    }


def _first_bytes(path: Path) -> bytes:
    try:
        return signatures.first_bytes(path)
    except OSError as error:
        raise unreadable(path, error) from error


def _no_checkpoint(path: Path, start: bytes) -> CheckpointError:
    if other := signatures.recognize(start):
        return CheckpointError(f"{path}: is {other.title}, not a checkpoint", hint=other.hint)
    reason = "is not a checkpoint" if start else "is not a checkpoint: it is empty"
    hint = "Give a .safetensors file of imgxlate, or a .pt or .pth file of an original."
    return CheckpointError(f"{path}: {reason}", hint=hint)


def _read_safetensors(path: Path) -> Checkpoint:
    try:
        # From bytes: `safe_open` reports a disk that fails and Ctrl-C as a damaged file.
        tensors, metadata = _parsed(path.read_bytes())
    except OSError as error:
        raise unreadable(path, error) from error
    except (SafetensorError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: is damaged: {error}", hint=_DAMAGED) from error
    if KEY in metadata:
        return Checkpoint(path, tensors, _verified_header(path, metadata[KEY], tensors))
    if any("payload_sha256" in value for value in metadata.values()):
        raise CheckpointError(f"{path}: is damaged: the key of its header is missing", hint=_DAMAGED)
    return Checkpoint(path, tensors)


def _parsed(data: bytes) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Tensors and metadata in the bytes of a safetensors file: 8 bytes with the length of the header, then the header.

    Raises:
        SafetensorError: the file is damaged.
    """
    tensors = load(data)
    length = int.from_bytes(data[:8], "little")
    return tensors, json.loads(data[8 : 8 + length]).get("__metadata__", {})


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
            f"{path}: has the format {version!r}; this version reads {FORMAT!r}",
            hint="Type `pip install --upgrade imgxlate`.",
        )
    if not whole:
        raise CheckpointError(f"{path}: is damaged: its checksum does not match", hint=_DAMAGED)
    return dict(header)


def _digest_header(header: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(header, sort_keys=True).encode()).hexdigest()


def _read_torch(path: Path, start: bytes) -> Checkpoint:
    try:
        if start.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                _check_archive(path, archive)
                tensors = torch_files.read_zip(archive)
        elif _TORCH_MARK in start:
            tensors = torch_files.read_older(path.read_bytes())
        else:
            tensors = torch_files.read_pickle(path.read_bytes())
    except CheckpointError:
        raise
    except torch_files.UnusableError as error:
        raise CheckpointError(f"{path}: {error}", hint=_STATE_DICT) from error
    except Exception as error:  # Damaged files give many kinds of errors.
        if failure := _disk_failure(error):
            raise unreadable(path, failure) from failure
        raise _damaged(path, error) from error
    return Checkpoint(path, tensors)


def _disk_failure(error: BaseException | None) -> OSError | None:
    """The error of the disk that led to `error`. An invalid argument is none: damage leads to invalid positions."""
    while error:
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            return error
        error = error.__cause__ or error.__context__
    return None


def _damaged(path: Path, error: Exception) -> CheckpointError:
    reason = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    return CheckpointError(f"{path}: is damaged or not a torch file: {reason}", hint=_DAMAGED)


def _check_archive(path: Path, archive: zipfile.ZipFile) -> None:
    """Check the kind of archive, its unpacked size, which is at most the file's, and its checksums."""
    entries = archive.infolist()
    names = {entry.filename.rpartition("/")[2] for entry in entries}
    if "data.pkl" not in names or "constants.pkl" in names:
        kind = "a TorchScript program, which is code" if "constants.pkl" in names else "a zip file"
        raise CheckpointError(f"{path}: is {kind}, not a file of weights", hint="Give a state dict: .pt or .pth.")
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
        raise CheckpointError(
            f"{path}: is a compressed archive, not a torch file", hint="Unpack it first, if you trust it."
        )
    if sum(entry.file_size for entry in entries) > path.stat().st_size:
        raise CheckpointError(f"{path}: is damaged: its entries are larger than the file", hint=_DAMAGED)
    if damaged := archive.testzip():
        raise CheckpointError(f"{path}: is damaged: the checksum of {damaged} does not match", hint=_DAMAGED)


def _check(checkpoint: Checkpoint) -> None:
    size = checkpoint.path.stat().st_size
    if not checkpoint.tensors:
        raise CheckpointError(f"{checkpoint.path}: holds no tensors", hint="Give the file with the weights.")
    total = 0
    for name, tensor in checkpoint.tensors.items():
        nbytes = tensor.numel() * tensor.element_size()
        total += nbytes
        float8 = tensor.is_floating_point() and tensor.element_size() == 1
        if tensor.layout is not torch.strided or tensor.is_quantized or tensor.is_meta or float8:
            raise CheckpointError(f"{checkpoint.path}: {name} is not a plain tensor", hint="Give the float weights.")
        if nbytes > size:
            raise CheckpointError(f"{checkpoint.path}: {name} is larger than the file", hint=_DAMAGED)
        if total > _MAX_SHARING * size:
            raise CheckpointError(f"{checkpoint.path}: its tensors are much larger than the file", hint=_DAMAGED)
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(
                f"{checkpoint.path}: {name} holds values that are not finite (NaN or infinity)",
                hint="The training diverged. Give an earlier checkpoint.",
            )
