"""The memory of this process: how much more it may take, and how the C library treats what it frees."""

import contextlib
import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.errors import UsageError

if TYPE_CHECKING:
    import torch

_CGROUPS = Path("/sys/fs/cgroup")
_LEAST = 1000  # bytes; fewer are meant in another unit
_OWN_CGROUPS = Path("/proc/self/cgroup")  # which groups hold this process

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


def keep_freed_memory() -> None:
    """Let glibc keep large blocks of freed memory for the next tensor.

    Otherwise they go back to the system, which clears them before the next use. For a map of 64 channels and 512 x 512
    positions this takes longer than a norm.
    """
    if sys.platform != "linux" or any(name.startswith("MALLOC_") for name in os.environ):
        return
    with contextlib.suppress(OSError, AttributeError):  # Other C libraries have no such function.
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(_M_MMAP_MAX, 0)
        mallopt(_M_TRIM_THRESHOLD, -1)


def release_freed_memory() -> None:
    """Return freed memory to the system, if the C library is glibc, which keeps it as memory of this process."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError, AttributeError):  # No glibc: no `malloc_trim`.
        ctypes.CDLL(None).malloc_trim(0)


def parse(amount: int | str | None) -> int | None:
    """The bytes of an amount such as "4GB" or "512MiB", or of a number of bytes; None stays None.

    Raises:
        UsageError: `amount` is not an amount of memory, or less than a kilobyte.
    """
    if amount is None:
        return None
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        size = int(TypeAdapter(ByteSize).validate_python(amount))
    except ValidationError:
        size = 0
    if size >= _LEAST:
        return size
    reason = f"{amount!r} is only {size:,} bytes of memory" if size > 0 else f"{amount!r} is not an amount of memory"
    raise UsageError(reason, hint="Type for example `--memory 4GB`.")


def budget(device: "torch.device", limit: int | None, needed: int = sys.maxsize) -> int:
    """The bytes that a computation may take on `device`, beside those that this process has already.

    `limit` is the most for the process in all. None: half of what is free. If that is less than `needed`, freed memory
    is returned to the system first.
    """
    size = _budget(device, limit)
    if size >= needed:
        return size
    release_freed_memory()
    return _budget(device, limit)


def _budget(device: "torch.device", limit: int | None) -> int:
    size = available(device) // 2 if limit is None else limit - _taken(device)
    return max(size, 0)


def available(device: "torch.device") -> int:
    """The bytes that this process can still take on `device`, by the machine's memory and the process's limits."""
    import psutil
    import torch

    if device.type == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    free = min([int(psutil.virtual_memory().available), *_left_in_cgroups(), *_left_of_limits()])
    if device.type == "mps":
        free = min(free, torch.mps.recommended_max_memory() - torch.mps.current_allocated_memory())
    return max(free, 0)


def _taken(device: "torch.device") -> int:
    """The bytes that this process has on `device`."""
    import psutil
    import torch

    return torch.cuda.memory_allocated(device) if device.type == "cuda" else int(psutil.Process().memory_info().rss)


def _left_of_limits() -> Iterator[int]:
    """The bytes left of the limits that `ulimit` sets."""
    if sys.platform == "win32":
        return
    import resource

    import psutil

    process = psutil.Process().memory_info()
    for limit, taken in ((resource.RLIMIT_AS, process.vms), (resource.RLIMIT_DATA, getattr(process, "data", 0))):
        most, _ = resource.getrlimit(limit)
        if most != resource.RLIM_INFINITY:
            yield most - taken


def _left_in_cgroups() -> Iterator[int]:
    """The bytes left in the control groups of Linux that hold this process. Containers are limited by them."""
    try:
        lines = _OWN_CGROUPS.read_text().splitlines()
    except OSError:
        return
    for number, controllers, path in (line.split(":", 2) for line in lines):
        if number == "0":
            root, names = _CGROUPS, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            root, names = _CGROUPS / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        group = root / path.lstrip("/")
        for folder in (group, *group.parents):
            if folder.is_relative_to(root):
                with contextlib.suppress(OSError, ValueError):  # No such group here, or "max".
                    yield _left_in(folder, *names)


def _left_in(group: Path, limit: str, usage: str, cache: str) -> int:
    """The bytes left in a control group; the system drops its cache of files when memory is short."""
    statistics = dict(line.split() for line in (group / "memory.stat").read_text().splitlines())
    return int((group / limit).read_text()) - int((group / usage).read_text()) + int(statistics.get(cache, 0))
