"""The folders and the environment variables of the program, and whether a path exists."""

import os
from pathlib import Path

RUN_MODEL = "model.safetensors"
"""The file of the last model in the folder of a training run."""

RUN_BEST = "best.safetensors"
"""The file of the best model in it, if the run evaluates its models."""


def cache_dir() -> Path:
    """The folder for downloaded and imported weights: `IMGXLATE_CACHE`, or the platform's cache folder."""
    override = os.environ.get("IMGXLATE_CACHE")
    if override:
        return Path(override).expanduser()
    import platformdirs  # Imported late: only commands that touch the store need it.

    return Path(platformdirs.user_cache_dir("imgxlate", appauthor=False))


def data_dir() -> Path:
    """The folder for downloaded data sets: `IMGXLATE_DATA`, or the platform's data folder."""
    override = os.environ.get("IMGXLATE_DATA")
    if override:
        return Path(override).expanduser()
    import platformdirs

    return Path(platformdirs.user_data_dir("imgxlate", appauthor=False))


def assets_dir() -> Path:
    """The folder of the files that ship with the package."""
    return Path(__file__).parent / "assets"


def run_model(run: Path) -> Path:
    """The model to take from the folder of a training run: the best one, or the last if none was evaluated."""
    best = run / RUN_BEST
    return best if exists(best) else run / RUN_MODEL


def exists(path: str | os.PathLike[str]) -> bool:
    """Whether a file or folder of that name exists. Unlike `Path.exists`, it takes a name that is too long."""
    return os.path.exists(path)  # noqa: PTH110


def is_folder(path: str | os.PathLike[str]) -> bool:
    """Whether a folder of that name exists. Unlike `Path.is_dir`, it takes a name that is too long."""
    return os.path.isdir(path)  # noqa: PTH112


def is_file(path: str | os.PathLike[str]) -> bool:
    """Whether a file of that name exists. Unlike `Path.is_file`, it takes a name that is too long."""
    return os.path.isfile(path)  # noqa: PTH113


def resolved(path: str | os.PathLike[str]) -> Path:
    """The absolute path without links. Unlike `Path.resolve`, it takes a link to itself."""
    return Path(os.path.realpath(path))


def offline() -> bool:
    """Whether `IMGXLATE_OFFLINE` forbids the network: it is set, and neither empty nor 0."""
    return os.environ.get("IMGXLATE_OFFLINE", "") not in ("", "0")
