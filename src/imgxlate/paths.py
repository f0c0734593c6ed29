"""The folders of the program, and its environment variables."""

import os
from pathlib import Path

RUN_MODEL = "model.safetensors"
"""The file of the model in the folder of a training run."""


def cache_dir() -> Path:
    """The folder for downloaded and imported weights: `IMGXLATE_CACHE`, or the platform's cache folder."""
    override = os.environ.get("IMGXLATE_CACHE")
    if override:
        return Path(override).expanduser()
    import platformdirs  # Imported late: only commands that touch the store need it.

    return Path(platformdirs.user_cache_dir("imgxlate", appauthor=False))


def assets_dir() -> Path:
    """The folder of the files that ship with the package."""
    return Path(__file__).parent / "assets"


def offline() -> bool:
    """Whether `IMGXLATE_OFFLINE` forbids the network: it is set, and neither empty nor 0."""
    return os.environ.get("IMGXLATE_OFFLINE", "") not in ("", "0")
