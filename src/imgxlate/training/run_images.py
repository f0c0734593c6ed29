"""The images of a run: found in its folders, and divided into those to train on and those to test on."""

from dataclasses import replace
from pathlib import Path

from imgxlate.callbacks import Notify, ignore
from imgxlate.data import folders
from imgxlate.data.folders import Folders
from imgxlate.data.hold_out import hold_out
from imgxlate.errors import UsageError
from imgxlate.methods import registry
from imgxlate.training import recipes, split_file
from imgxlate.training.recipes import Recipe
from imgxlate.training.run_folder import RunFolder


def find_images(
    recipe: Recipe, given: list[Path], resumed: RunFolder | None = None, notify: Notify = ignore
) -> Folders:
    """The images in the folders `given`, or else in those of the recipe. A resumed run keeps its test images.

    Raises:
        UsageError: no folders are given, or they hold no images; or not those that the run began with.
        CheckpointError: the list of its test images cannot be read.
    """
    first, *second = _folders(recipe, given)
    config, tests = recipe.config, _test_folders(recipe)
    names = config.data.domain_a, config.data.domain_b
    found = folders.find(first, second[0] if second else None, names, tests, notify, registry.labels())
    split = split_file.read(resumed.split) if resumed else None
    if split:
        return split_file.restored(found, split, tests, notify)
    # A run of an older version, which kept no list, set images aside by their names alone.
    return hold_out(found, config.held_out, keep_copies_together=not resumed) if config.evaluate_every else found


def with_images(recipe: Recipe, images: Folders, given: list[Path], notify: Notify = ignore) -> Recipe:
    """The recipe with the folders of the images, the names of the domains, and the number of steps for its epochs.

    `notify` is told that number.
    """
    absolute = tuple(path.absolute() for path in _folders(recipe, given))
    (name_a, name_b), (test_a, test_b) = images.names, _test_folders(recipe)
    data = replace(recipe.config.data, domain_a=name_a, domain_b=name_b, test_a=test_a, test_b=test_b)
    larger, epochs = max(len(images.train_a), len(images.train_b)), recipe.config.epochs
    recipe = recipes.without_epochs(recipe, larger)
    if epochs and recipe.config.epochs is None:
        once = "epoch" if epochs == 1 else "epochs"
        notify(f"{epochs} {once} of {larger} images: {recipe.config.iterations} steps")
    return replace(recipe, config=replace(recipe.config, data=data), folders=absolute)


def _folders(recipe: Recipe, given: list[Path]) -> list[Path]:
    """The folders of the training images: two, or one that holds both.

    Raises:
        UsageError: there are none, or the configuration cannot store a name.
    """
    paths = given or list(recipe.folders)
    if not paths:
        raise UsageError(
            "a run needs training images",
            hint="Type `imgxlate train METHOD DATA_A DATA_B --out RUN`, or one folder that holds trainA and trainB.",
        )
    for path in paths:
        absolute = path.absolute()
        if any("\ud800" <= letter <= "\udfff" for letter in str(absolute)):  # They stand for undecodable bytes.
            raise UsageError(
                f"{absolute!a}: the name is not UTF-8, so the configuration cannot store it", hint="Rename it."
            )
    return paths


def _test_folders(recipe: Recipe) -> tuple[str, str]:
    """The absolute folders of test images that the recipe names; empty where it names none."""
    data = recipe.config.data
    test_a, test_b = (str(Path(test).absolute()) if test else "" for test in (data.test_a, data.test_b))
    return test_a, test_b
