"""imgxlate: translate images from one kind to another, with no paired examples.

Importing this package imports nothing heavy: the public names below are loaded on first use.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from imgxlate import errors as errors

__version__ = "0.1.0"

_PUBLIC = {
    "Capability": "imgxlate.methods.spec",
    "Citation": "imgxlate.methods.spec",
    "Comparison": "imgxlate.evaluate.results",
    "DataConfig": "imgxlate.data.config",
    "DataReport": "imgxlate.data.check",
    "DataSplit": "imgxlate.data.split",
    "Evaluation": "imgxlate.training.evaluations",
    "FastStyleTransfer": "imgxlate.inference.fast_style",
    "FigureSpec": "imgxlate.methods.spec",
    "FilmResult": "imgxlate.video.film",
    "ImgxlateError": "imgxlate.errors",
    "Iteration": "imgxlate.inference.stylization",
    "MethodConfig": "imgxlate.methods.spec",
    "MethodSpec": "imgxlate.methods.spec",
    "Model": "imgxlate.inference.model",
    "PixelFormat": "imgxlate.images.pixel_format",
    "Region": "imgxlate.inference.regions",
    "Run": "imgxlate.training.run",
    "Scale": "imgxlate.methods.spec",
    "StepResult": "imgxlate.training.trainer",
    "StyleTransfer": "imgxlate.inference.stylization",
    "TrainingConfig": "imgxlate.methods.spec",
    "TrainingSpec": "imgxlate.methods.spec",
    "TranslatorConfig": "imgxlate.methods.spec",
    "check_data": "imgxlate.datasets",
    "compare": "imgxlate.api",
    "download_data": "imgxlate.data.download",
    "load": "imgxlate.api",
    "load_fast_style_transfer": "imgxlate.api",
    "load_style_transfer": "imgxlate.api",
    "option": "imgxlate.config",
    "read_record": "imgxlate.inference.provenance",
    "split_data": "imgxlate.datasets",
    "stylize": "imgxlate.api",
    "stylize_video": "imgxlate.films",
    "train": "imgxlate.api",
    "translate_video": "imgxlate.films",
}

__all__ = [
    "Capability",
    "Citation",
    "Comparison",
    "DataConfig",
    "DataReport",
    "DataSplit",
    "Evaluation",
    "FastStyleTransfer",
    "FigureSpec",
    "FilmResult",
    "ImgxlateError",
    "Iteration",
    "MethodConfig",
    "MethodSpec",
    "Model",
    "PixelFormat",
    "Region",
    "Run",
    "Scale",
    "StepResult",
    "StyleTransfer",
    "TrainingConfig",
    "TrainingSpec",
    "TranslatorConfig",
    "__version__",
    "check_data",
    "compare",
    "download_data",
    "load",
    "load_fast_style_transfer",
    "load_style_transfer",
    "option",
    "read_record",
    "split_data",
    "stylize",
    "stylize_video",
    "train",
    "translate_video",
]

if TYPE_CHECKING:
    from imgxlate.api import (
        compare,
        load,
        load_fast_style_transfer,
        load_style_transfer,
        stylize,
        train,
    )
    from imgxlate.config import option
    from imgxlate.data.check import DataReport
    from imgxlate.data.config import DataConfig
    from imgxlate.data.download import download_data
    from imgxlate.data.split import DataSplit
    from imgxlate.datasets import check_data, split_data
    from imgxlate.errors import ImgxlateError
    from imgxlate.evaluate.results import Comparison
    from imgxlate.films import stylize_video, translate_video
    from imgxlate.images.pixel_format import PixelFormat
    from imgxlate.inference.fast_style import FastStyleTransfer
    from imgxlate.inference.model import Model
    from imgxlate.inference.provenance import read_record
    from imgxlate.inference.regions import Region
    from imgxlate.inference.stylization import Iteration, StyleTransfer
    from imgxlate.methods.spec import (
        Capability,
        Citation,
        FigureSpec,
        MethodConfig,
        MethodSpec,
        Scale,
        TrainingConfig,
        TrainingSpec,
        TranslatorConfig,
    )
    from imgxlate.training.evaluations import Evaluation
    from imgxlate.training.run import Run
    from imgxlate.training.trainer import StepResult
    from imgxlate.video.film import FilmResult


def __getattr__(name: str) -> Any:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
