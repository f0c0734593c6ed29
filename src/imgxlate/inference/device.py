"""Where to compute and in which precision."""

from typing import Literal

import torch

from imgxlate.errors import DeviceError, UsageError
from imgxlate.torchrun import find_place

Precision = Literal["auto", "fp32", "bf16"]


def find_device(name: str) -> torch.device:
    """The device that `auto`, `cpu`, `cuda`, `cuda:N` or `mps` names; `auto` takes a GPU where there is one.

    Where torchrun started several processes, a GPU without a number is the one of this process's place on its machine.

    Raises:
        UsageError: no such kind of device.
        DeviceError: the device is not there. It is never replaced by another.
    """
    if name == "auto":
        name = _best()
    kind, _, index = name.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (index and not (kind == "cuda" and index.isdigit())):
        raise UsageError(f"there is no device {name!r}", hint="Devices: auto, cpu, cuda, cuda:N, mps.")
    if kind == "cuda":
        place = find_place()
        index = index or (str(place.local_rank) if place.size > 1 else "")
        _require_cuda(int(index or 0))
    if kind == "mps" and not torch.backends.mps.is_available():
        raise DeviceError("mps: no Apple GPU is available here", hint="Use --device auto or --device cpu.")
    return torch.device(f"{kind}:{index}" if index else kind)


def find_dtype(precision: Precision, device: torch.device) -> torch.dtype:
    """The dtype to compute in; `auto` is bfloat16 where the hardware multiplies it fast, else float32."""
    if precision == "auto":
        return torch.bfloat16 if fast_bf16(device) else torch.float32
    return torch.bfloat16 if precision == "bf16" else torch.float32


def require_exact(device: torch.device, dtype: torch.dtype) -> None:
    """Make float32 on a CUDA device mean float32, for the whole process; where all is in it, be repeatable too.

    Left alone, cuDNN rounds what it convolves to TF32, with 10 bits of mantissa instead of 23. That holds for what
    stays in float32 beside bfloat16 as well, such as the features of the perceptual loss.
    """
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
