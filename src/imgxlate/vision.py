"""The only door to torchvision.

A torchvision that was built for CUDA cannot load its compiled operators if torch was built without CUDA. Its import
then fails (`operator torchvision::nms does not exist`). This package uses only the parts of torchvision that are
written in Python, so it is enough to declare the two operators that the import needs.
"""

import functools
import sys
import threading
from importlib import import_module
from types import ModuleType

import torch

from imgxlate.errors import ImgxlateError

_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
)

_LOCK = threading.Lock()


def torchvision(submodule: str = "") -> ModuleType:
    """Import torchvision, or a submodule such as "transforms.v2.functional", and return it.

    Raises:
        ImgxlateError: torchvision is missing, or does not work with the installed torch.
    """
    name = f"torchvision.{submodule}" if submodule else "torchvision"
    with _LOCK:  # Another thread must not see half-imported modules.
        try:
            return import_module(name)
        except Exception as error:
            if "torchvision::nms" not in str(error):
                raise _unusable(error) from error
        _forget_half_imported()
        _declare_operators()
        try:
            return import_module(name)
        except Exception as error:
            raise _unusable(error) from error


def _forget_half_imported() -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]


@functools.cache  # The operators live as long as the library that declares them.
def _declare_operators() -> torch.library.Library:
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for schema in _OPERATORS:
        library.define(schema)  # type: ignore[no-untyped-call]
    return library


def _unusable(error: Exception) -> ImgxlateError:
    return ImgxlateError(
        f"torchvision cannot be used with torch {torch.__version__}: {error}",
        hint="Install the two together: pip install --upgrade --force-reinstall torch torchvision",
    )
