"""Reads the tensors in files of `torch.save`, of both formats, and in plain pickles, without running them.

All other objects beside the tensors are left out. A pickled module gives the tensors of its state dict.
"""

import io
import struct
import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from imgxlate import unpickling
from imgxlate.unpickling import Name, Object

MAGIC = 0x1950A86A20F9469CFC6C  # the first value of torch's older format
_PROTOCOL = 1001  # the second one
_MAX_DEPTH = 20  # of nested containers and modules
_MAX_ENTRIES = 1_000_000  # in all of them: a dict in a file may occur often, and contain itself
_MAX_TENSORS = 100_000
_STORAGES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
    "ComplexDoubleStorage": torch.complex128,
    "UntypedStorage": torch.uint8,
}
_DTYPES = {str(dtype): dtype for dtype in (*_STORAGES.values(), torch.uint16, torch.uint32, torch.uint64)}
_STRIDED = {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3"}
_WRAPPERS = {  # Their first argument is the tensor.
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.nn.parameter.Parameter",
    "torch.autograd.variable.Variable",
}
_TYPED = {"torch._tensor._rebuild_from_type", "torch._tensor._rebuild_from_type_v2"}  # (function, type, arguments, ...)
_MODULE = {"_parameters", "_buffers", "_modules"}  # in the state of each `torch.nn.Module`


class UnusableError(ValueError):
    """The file is whole, but it is not used. The message completes "The file ..."."""


@dataclass(frozen=True, eq=False)
class _Storage:
    """A block of numbers in a file, which is read when a tensor needs it."""

    read: Callable[[], bytes | memoryview]
    dtype: torch.dtype
    numel: int
    offset: int = 0  # of a storage that is part of another one

    @cached_property
    def content(self) -> Tensor:
        """The numbers: (numel,)."""
        data = self.read()
        start, end = (n * self.dtype.itemsize for n in (self.offset, self.offset + self.numel))
        if not 0 <= start <= end <= len(data):
            raise ValueError("a storage is larger than its record")
        # Torch allocates the memory, so that it is aligned like that of other tensors.
        content = torch.empty(end - start, dtype=torch.uint8)
        content.numpy().data[:] = memoryview(data)[start:end]
        return content.view(self.dtype)


def read_zip(archive: zipfile.ZipFile) -> dict[str, Tensor]:
    """The tensors of a file of `torch.save`, by dotted names.

    Raises:
        UnusableError: a tensor is sparse, quantized or without data, two have the same name, an object has none, or
            there are too many entries.
        Exception: the file is damaged. The kind of error depends on its bytes.
    """
    (pickle,) = [name for name in archive.namelist() if name.rpartition("/")[2] == "data.pkl"]
    folder = pickle.removesuffix("data.pkl")
    if f"{folder}byteorder" in archive.namelist() and archive.read(f"{folder}byteorder") != b"little":
        raise ValueError("its numbers are big-endian")
    storages: dict[str, _Storage] = {}

    def persistent(reference: object) -> _Storage:
        _, kind, key, _, numel = _reference(reference, 5)
        # Tensors that share a storage share their memory.
        return storages.setdefault(
            key, _Storage(lambda: archive.read(f"{folder}data/{key}"), _storage_dtype(kind), numel)
        )

    return _tensors(unpickling.evaluate(io.BytesIO(archive.read(pickle)), persistent))


def read_older(data: bytes) -> dict[str, Tensor]:
    """The tensors of a file of `torch.save` in its older format: five pickles, and behind them the storages.

    Raises: as `read_zip`.
    """
    return _tensors(_older_value(data))


def read_pickle(data: bytes) -> dict[str, Tensor]:
    """The tensors of a plain pickle, as `pickle.dump` writes it.

    Raises: as `read_zip`.
    """
    return _tensors(unpickling.evaluate(io.BytesIO(data), _no_reference))


def _older_value(data: bytes) -> object:
    stream = io.BytesIO(data)
    magic, protocol, system = (unpickling.evaluate(stream, _no_reference) for _ in range(3))
    if (magic, protocol) != (MAGIC, _PROTOCOL) or not isinstance(system, dict):
        raise ValueError("its first values are not those of torch")
    if system.get("little_endian") is not True:
        raise ValueError("its numbers are big-endian")
    dtypes: dict[str, torch.dtype] = {}
    records: dict[str, memoryview] = {}
    storages: dict[str, _Storage] = {}

    def persistent(reference: object) -> object:
        if isinstance(reference, tuple) and reference[:1] == ("module",):  # a class, with its source code
            return reference[1]
        _, kind, key, _, numel, view = _reference(reference, 6)
        dtypes[key] = _storage_dtype(kind)
        name, offset, numel = (key, 0, numel) if view is None else view
        return storages.setdefault(name, _Storage(lambda: records[key], dtypes[key], numel, offset))

    value = unpickling.evaluate(stream, persistent)
    keys = unpickling.evaluate(stream, _no_reference)
    for key in keys if isinstance(keys, list) else []:
        if not isinstance(key, str):
            raise ValueError("a storage has no name")
        (numel,) = struct.unpack("<q", stream.read(8))
        start = stream.tell()
        end = stream.seek(start + max(0, numel) * dtypes[key].itemsize)
        records[key] = memoryview(data)[start:end]
    return value


def _reference(reference: object, length: int) -> tuple[Any, ...]:
    """("storage", class, key, device, number of elements), and in the older format which part it is, or None."""
    if isinstance(reference, tuple) and len(reference) == length and reference[0] == "storage":
        _, kind, key, _, numel, *view = reference
        if isinstance(kind, Name) and _is_part((key, 0, numel)) and view in ([], [None]):
            return reference
        if isinstance(kind, Name) and _is_part((key, 0, numel)) and view and _is_part(view[0]):
            return reference
    raise ValueError("it refers to something that is not a storage")


def _is_part(value: object) -> bool:
    """Whether this is (key, offset, number of elements)."""
    return isinstance(value, tuple) and len(value) == 3 and isinstance(value[0], str) and _are_sizes(value[1:])


def _no_reference(_: object) -> object:
    raise ValueError("it refers to something outside of the file")


def _storage_dtype(kind: Name) -> torch.dtype:
    name = kind.path.rpartition(".")[2]
    if name not in _STORAGES or not kind.path.startswith("torch."):
        raise UnusableError(f"holds a {kind.path}, whose tensors are not plain")
    return _STORAGES[name]


def _are_sizes(values: tuple[object, ...]) -> bool:
    return all(type(value) is int and value >= 0 for value in values)


def _tensors(value: object) -> dict[str, Tensor]:
    tensors: dict[str, Tensor] = {}
    nested: dict[Object, object] = {}  # the values of files of torch within a plain pickle
    for number, (name, child) in enumerate(_walk(value)):
        if number == _MAX_ENTRIES:
            raise UnusableError(f"holds more than {_MAX_ENTRIES} entries")
        tensor = _tensor(name, child, nested) if isinstance(child, Object) else None
        if tensor is not None and name in tensors:
            raise UnusableError(f"holds two tensors named {name}")
        if len(tensors) == _MAX_TENSORS:
            raise UnusableError(f"holds more than {_MAX_TENSORS} tensors")
        if tensor is not None:
            tensors[name] = tensor
    if not tensors and isinstance(value, Object):
        maker = ascii(value.maker[:100])[1:-1]
        raise UnusableError(f"holds no tensors, only an object of {maker}, whose code is not run")
    return tensors


def _walk(value: object, name: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    yield name, value
    if depth < _MAX_DEPTH:
        for key, child in _children(value):
            yield from _walk(child, f"{name}.{key}" if name else str(key), depth + 1)


def _children(value: object) -> Iterable[tuple[object, object]]:
    match value:
        case list() | tuple():
            return enumerate(value)
        case dict():
            return value.items()
        case Object(state=dict() as state) if state.keys() >= _MODULE:
            return _state_dict(state)
        case Object(state=state):
            return value.entries.items() or list(enumerate(value.items)) or _entries(state).items()
    return ()


def _state_dict(module: dict[object, object]) -> Iterator[tuple[object, object]]:
    """What `state_dict` of a module gives, in its order: parameters, buffers, and the modules in it."""
    temporary = module.get("_non_persistent_buffers_set")
    left_out = temporary.items if isinstance(temporary, Object) else temporary
    yield from _entries(module["_parameters"]).items()
    for key, buffer in _entries(module["_buffers"]).items():
        if not (isinstance(left_out, list) and key in left_out):
            yield key, buffer
    yield from _entries(module["_modules"]).items()


def _entries(value: object) -> dict[object, object]:
    if isinstance(value, Object):
        return value.entries
    return value if isinstance(value, dict) else {}


def _tensor(name: str, call: Object, nested: dict[Object, object]) -> Tensor | None:
    """The tensor that this call of a function of torch would give; None for any other call."""
    while call.maker in _WRAPPERS or call.maker in _TYPED:
        call = _wrapped(call)
    if call.maker in _STRIDED:
        storage, *layout = call.arguments[:4]
        dtype = call.arguments[6] if call.maker.endswith("_v3") else None
        return _strided(_content(storage, dtype, nested), *layout)
    if call.maker.startswith("torch._utils._rebuild_"):
        raise UnusableError(f"holds {name}, which is not a plain tensor")
    return None


def _wrapped(call: Object) -> Object:
    if call.maker in _WRAPPERS:
        inner = call.arguments[0]
    else:
        function, _, arguments, *_ = call.arguments
        inner = unpickling.call(function, arguments)
    if not isinstance(inner, Object):
        raise ValueError("a parameter is not a tensor")
    return inner


def _content(storage: object, dtype: object, nested: dict[Object, object]) -> Tensor:
    """The numbers of a storage, as the type that the tensor has, if the storage has none."""
    if isinstance(storage, Object) and storage.maker == "torch.storage._load_from_bytes":  # in a plain pickle
        if storage not in nested:
            (data,) = storage.arguments
            nested[storage] = _older_value(bytes(data)) if isinstance(data, bytes | bytearray) else None
        storage = nested[storage]
    if not isinstance(storage, _Storage):
        raise ValueError("a tensor has no storage")
    if dtype is None:
        return storage.content
    if not isinstance(dtype, Name) or dtype.path not in _DTYPES:
        raise UnusableError("holds a tensor of an unknown type")
    return storage.content.view(_DTYPES[dtype.path])


def _strided(content: Tensor, offset: object, size: object, stride: object) -> Tensor:
    if not (isinstance(offset, int) and isinstance(size, tuple) and isinstance(stride, tuple)):
        raise ValueError("the shape of a tensor is not one")
    if not _are_sizes((offset, *size, *stride)):
        raise ValueError("the shape of a tensor is negative")
    last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
    if 0 not in size and last >= len(content):
        raise ValueError("a tensor reaches beyond its storage")
    return content.as_strided(size, stride, offset)
