"""The code of NVlabs/MUNIT, imported unchanged from a checkout that the user has fetched."""

import contextlib
import sys
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from unittest import mock

import torch
from torch import Tensor


@contextlib.contextmanager
def original_code(folder: Path, device: torch.device) -> Iterator[types.ModuleType]:
    """The original's module `trainer`."""
    # Its utils import a module that PyTorch no longer has. Only the weights of the perceptual loss need it.
    lua = types.ModuleType("torch.utils.serialization")
    lua.load_lua = None  # type: ignore[attr-defined]
    with mock.patch.dict(sys.modules, {lua.__name__: lua}), without_cuda(device):
        sys.path.insert(0, str(folder))
        try:
            yield __import__("trainer")
        finally:
            sys.path.remove(str(folder))


@contextlib.contextmanager
def without_cuda(device: torch.device) -> Iterator[None]:
    """Let `.cuda()` do nothing, unless `device` is a CUDA device."""
    if device.type == "cuda":
        yield
        return
    with (
        mock.patch.object(Tensor, "cuda", lambda tensor, *_, **__: tensor),
        mock.patch.object(Tensor, "get_device", return_value=None),
    ):
        yield


def load_weights(network: torch.nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    """Copy those of our tensors whose names start with `prefix`. The rest of a name is the original's."""
    weights = {name.removeprefix(prefix): t.contiguous() for name, t in tensors.items() if name.startswith(prefix)}
    network.load_state_dict(weights)
