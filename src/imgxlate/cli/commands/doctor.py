"""`imgxlate doctor`: versions, devices, folders, and problems of this machine."""

import platform
import shutil
from typing import Any

import typer

from imgxlate import __version__, paths
from imgxlate.cli import options
from imgxlate.cli.output import Output
from imgxlate.errors import DeviceError, ImgxlateError
from imgxlate.methods import registry

_PACKAGES = ("torch", "torchvision", "pillow", "numpy", "safetensors", "typer", "rich", "requests")


@options.command()
def doctor(out: Output) -> None:
    """Show versions, devices, folders and problems. Exits with 7 if torch or torchvision cannot be used."""
    report = _examine()
    if out.as_json:
        out.document(report)
    else:
        out.table(("KEY", "VALUE"), [(key, _show(value)) for key, value in report.items()])
    if not report["usable"]:
        raise typer.Exit(DeviceError.exit_code)


def _examine() -> dict[str, Any]:
    specs, broken = registry.discover()
    problems = [f"plug-in {failure.name}: {failure.reason}" for failure in broken]
    torch_facts = _examine_torch(problems)
    return {
        "imgxlate": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "packages": {name: _version(name) for name in _PACKAGES},
        **torch_facts,
        "cache": str(paths.cache_dir()),
        "cache_free_bytes": _free_bytes(),
        "data": str(paths.data_dir()),
        "offline": paths.offline(),
        "methods": list(specs),
        "usable": len(problems) == len(broken),
        "problems": problems,
    }


def _examine_torch(problems: list[str]) -> dict[str, Any]:
    try:
        import torch

        from imgxlate import vision
        from imgxlate.inference.device import fast_bf16, find_device, find_precision
        from imgxlate.nn.algorithms import remembered
    except Exception as error:  # This command reports a broken torch.
        problems.append(f"torch cannot be imported: {error}")
        return {}
    try:
        vision.torchvision()
    except ImgxlateError as error:
        problems.append(str(error))
    best = find_device("auto")
    gpus = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return {
        "device": str(best),
        "gpus": gpus,
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "fast_bf16": fast_bf16(best),
        "precision": find_precision("auto", best),
        "convolutions": {"direct": 0, "winograd": 0} | remembered(),
    }


def _version(package: str) -> str | None:
    from importlib import metadata  # Imported late, so that `--help` stays fast.

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _free_bytes() -> int:
    folder = paths.cache_dir()
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _show(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {'missing' if entry is None else entry}" for key, entry in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value / 1e9:.1f} GB" if isinstance(value, int) and value > 1e6 else str(value)
