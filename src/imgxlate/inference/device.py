"""The device and the precision to compute in."""

import re
from dataclasses import dataclass, replace
from typing import Literal

import torch

from imgxlate.config import require_choice
from imgxlate.errors import DeviceError, UsageError
from imgxlate.torchrun import find_rank

Precision = Literal["auto", "fp32", "fp32-fast", "bf16"]


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """The number format of products, and whether computations in float32 may be faster and less exact."""

    dtype: torch.dtype = torch.float32
    fast: bool = False  # see `imgxlate.nn.precision.fast_arithmetic`

    def __str__(self) -> str:
        name = str(self.dtype).removeprefix("torch.")
        return f"{name} with fast convolutions" if self.fast else name


_ARITHMETIC: dict[Precision, Arithmetic] = {
    "fp32": Arithmetic(),
    "fp32-fast": Arithmetic(fast=True),
    "bf16": Arithmetic(torch.bfloat16, fast=True),
}


def find_device(name: str) -> torch.device:
    """The device named `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; `auto` takes a GPU if one is available.

    Under torchrun, `cuda` without a number is the GPU of this process's local rank.

    Raises:
        UsageError: the name is invalid.
        DeviceError: this machine has no such device. Another device is never used instead.
    """
    if name == "auto":
        name = _best()
    if not re.fullmatch(r"cpu|mps|cuda(:[0-9]{1,3})?", name):
        raise UsageError(f"there is no device {name!r}", hint="Devices: auto, cpu, cuda, cuda:N, mps.")
    kind, _, index = name.partition(":")
    if kind == "cuda":
        rank = find_rank()
        index = index or (str(rank.local_rank) if rank.size > 1 else "")
        _require_cuda(int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("mps: this machine has no Apple GPU", hint="Use --device auto or --device cpu.")
    return torch.device(f"{kind}:{index}" if index else kind)


def find_precision(precision: Precision, device: torch.device) -> Precision:
    """What `auto` stands for on `device`: bf16 where the hardware computes in it, else fp32-fast.

    Raises:
        UsageError: there is no such precision.
    """
    require_choice(Precision, precision=precision)
    if precision == "auto":
        return "bf16" if fast_bf16(device) else "fp32-fast"
    return precision


def find_arithmetic(precision: Precision, device: torch.device) -> Arithmetic:
    """How to compute in `precision` on `device`.

    Raises:
        UsageError: there is no such precision.
    """
    arithmetic = _ARITHMETIC[find_precision(precision, device)]
    return arithmetic if device.type == "cpu" else replace(arithmetic, fast=False)


def require_exact(device: torch.device, dtype: torch.dtype) -> None:
    """Make float32 on a CUDA device full precision, for the whole process; with `dtype` float32, repeatable as well.

    By default cuDNN rounds the inputs of convolutions to TF32, which has 10 bits of mantissa instead of 23. The parts
    of a bfloat16 model that stay in float32, such as the features of the perceptual loss, need full precision too.

    On a CPU, torch's mathematical functions choose their code at the first call. If several threads make it at once,
    some of them may use other code than later: in 6 of 25 processes, the first tanh was up to 5e-5 off. A call for one
    number takes one thread.
    """
    if device.type == "cpu":
        torch.zeros(1).tanh()
    if device.type != "cuda":
        return
    torch.backends.cuda.matmul.fp32_precision = "ieee"
    torch.backends.cudnn.conv.fp32_precision = "ieee"  # type: ignore[attr-defined]
    if dtype is torch.float32:
        torch.backends.cudnn.deterministic = True


def fast_bf16(device: torch.device) -> bool:
    """Whether `device` has bfloat16 arithmetic in hardware, not in emulation."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    if device.type == "cpu":
        capabilities = torch.cpu.get_capabilities()
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return False


def _best() -> str:
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def _require_cuda(index: int) -> None:
    if not torch.cuda.is_available():
        built = "no NVIDIA GPU or driver is found" if torch.version.cuda else "the installed torch is a CPU build"
        raise DeviceError(f"cuda: {built}", hint="Use --device auto or --device cpu; see `imgxlate doctor`.")
    if index >= torch.cuda.device_count():
        raise DeviceError(f"cuda:{index}: there are {torch.cuda.device_count()} GPUs, counted from 0")
