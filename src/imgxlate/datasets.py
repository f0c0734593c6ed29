"""Training sets from Python: `imgxlate.check_data` and `imgxlate.split_data`."""

from pathlib import Path

from imgxlate.callbacks import Notify, Progress, ignore
from imgxlate.config import require_at_least
from imgxlate.data import check, split
from imgxlate.data.check import DataReport
from imgxlate.data.split import DataSplit
from imgxlate.methods import registry

__all__ = ["check_data", "split_data"]


def check_data(
    data_a: str | Path,
    data_b: str | Path | None = None,
    *,
    crop: int = 256,
    progress: Progress = ignore,
    notify: Notify = ignore,
) -> DataReport:
    """Read all images of a training set, and report what harms training or its evaluation.

        >>> report = imgxlate.check_data("summer/", "winter/", crop=64)
        >>> report.bad, report.trained_tests
        ((), ())

    Near-duplicates are found by perceptual hashes: copies that are re-encoded, resized, brightened, mirrored or
    slightly cropped. Results beside their inputs, such as `a.munit.png` beside `a.png`, are left out, as in training.

    Args:
        data_a: Images of the first kind, or a folder that holds trainA and trainB. Test images are in testA and testB.
        data_b: Images of the second kind.
        crop: Side of the training crop in pixels. Images with a shorter side below it are counted.
        progress: Called with the number of images read, and of all.
        notify: Called with a line for each folder with results, or with files that look like images and are not read.

    Raises:
        UsageError: a folder does not exist or holds no image.
        ImageError: a folder cannot be read.
    """
    require_at_least(1, crop=crop)
    return check.check(Path(data_a), _path(data_b), crop, registry.labels(), progress, notify)


def split_data(
    data_a: str | Path,
    data_b: str | Path | None = None,
    *,
    test: int | float | str,
    out: str | Path,
    seed: int = 0,
    link: bool = False,
    progress: Progress = ignore,
    notify: Notify = ignore,
) -> DataSplit:
    """Copy a training set to a new folder, with test images set aside at random in testA and testB.

        >>> split = imgxlate.split_data("summer/", "winter/", test="50%", out="split/")
        >>> split.images
        {'trainA': 1, 'trainB': 1, 'testA': 1, 'testB': 1}

    Near-duplicates stay together, in training or in test, also across the two kinds. Results beside their inputs, such
    as `a.munit.png` beside `a.png`, are left out. The sources are not changed.

    Args:
        data_a: Images of the first kind, or a folder that holds trainA and trainB. Images of testA and testB beside
            them are split again, too.
        data_b: Images of the second kind.
        test: Number of test images of each kind, or a share such as "10%" or 0.1.
        out: The new folder. It appears whole or not at all.
        seed: Seed for the choice. The same images and seed give the same split.
        link: Make hard links, which take no space, instead of copies.
        progress: Called with the number of images read, and of all.
        notify: Called with a line for each folder with results, or with files that look like images and are not read.

    Raises:
        UsageError: a folder does not exist or holds no image, `test` is invalid, or `out` is inside a source.
        ImageError: a folder cannot be read.
        OutputError: `out` exists and is not an empty folder, or cannot be written.
    """
    return split.split(
        Path(data_a),
        _path(data_b),
        test,
        Path(out),
        seed,
        link=link,
        labels=registry.labels(),
        progress=progress,
        notify=notify,
    )


def _path(folder: str | Path | None) -> Path | None:
    return None if folder is None else Path(folder)
