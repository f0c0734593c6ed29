"""Comparison of several methods on the same images."""

import os
import shutil
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from imgxlate import __version__
from imgxlate.callbacks import Notify, ignore
from imgxlate.config import require_at_least, require_choice
from imgxlate.errors import ImageError, ImgxlateError, UsageError
from imgxlate.evaluate.choices import Generators, MethodChoice, Models, PairProtocol, choose_methods
from imgxlate.evaluate.comparison_metrics import load_metrics
from imgxlate.evaluate.cost import cost_measures
from imgxlate.evaluate.file_plan import FilePlan, find_images, listed, output_folder, plan_files
from imgxlate.evaluate.loaded_method import SharedSettings, find_file, load
from imgxlate.evaluate.method_evaluation import ComparisonState, Stage, evaluate_method, written_styles
from imgxlate.evaluate.results import GRID, Comparison, ImageResult, MethodResult, Row, heading
from imgxlate.images.decode import decode, decode_source
from imgxlate.images.encode import longest_side, save
from imgxlate.images.grids import CELL, SheetPlan, contact_sheet, plan_sheet
from imgxlate.images.inputs import Source
from imgxlate.images.jobs import require_no_failures
from imgxlate.images.limits import MAX_PIXELS, Limits
from imgxlate.images.pil import ImageLike
from imgxlate.inference.device import Precision, find_arithmetic, find_device
from imgxlate.memory import parse as parse_memory
from imgxlate.metrics.measure import MetricsChoice
from imgxlate.torchrun import find_rank
from imgxlate.weights.cards import Card
from imgxlate.weights.store import Store


def compare(
    inputs: ImageLike | Sequence[ImageLike],
    *,
    methods: Sequence[str] | None = None,
    models: Models | None = None,
    generators: Generators | None = None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    styles: ImageLike | Sequence[ImageLike] = (),
    targets: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    to: str | None = None,
    size: int | None = None,
    n_styles: int = 2,
    protocol: PairProtocol = "all",
    metrics: MetricsChoice = "auto",
    rows: int = 24,
    device: str = "auto",
    precision: Precision = "auto",
    seed: int = 0,
    offline: bool = False,
    memory: int | str | None = None,
    max_pixels: int = MAX_PIXELS,
    white: int | None = None,
    folder: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Stage], None] = ignore,
    on_image: Callable[[Path, ImageResult], None] = ignore,
    on_failure: Callable[[ImgxlateError], None] = ignore,
    notify: Notify = ignore,
) -> Comparison:
    """Compare several methods on the same images.

        >>> result = imgxlate.compare("photo.jpg", methods=["munit", "unit"], size=64, metrics="vgg19")
        >>> [method.title for method in result.methods]
        ['MUNIT', 'UNIT']
        >>> [(image.method, image.style) for image in result.rows[0].images]
        [('munit', 0), ('munit', 1), ('unit', None)]
        >>> result.methods[1].numbers["vgg19-distance"]  # UNIT makes the same image again
        0.0
        >>> result.save("out/")

    Methods run one after the other, and inputs one by one, so that memory stays bounded. An input that fails is left
    out, and its reason is in the result's `failures`.

    Args:
        inputs: paths of images and folders, which are searched recursively, "-" for standard input, or images.
        methods: the methods to compare, in this order, or one; None: all that have a bundled model or one in `models`,
            and neural style if there are `styles`.
        models: a model for each method, or several: a name, a checkpoint file or the folder of a training run.
        generators: for a method with one model, the network to take of an original's file, by its name in the file;
            of two, A's comes first.
        settings: configuration values for methods without a model: {"neural-style": {"iterations": 100}}.
        styles: style images for neural style, or their paths.
        targets: real images of the target domain, for FID and KID.
        to: the target domain: its name, A or B; None: each model's default.
        size: the shorter side of the inputs, in pixels; None: their own size.
        n_styles: how many images of each input to make with a method that has styles.
        protocol: which outputs are compared for diversity: all pairs of 4 outputs of each input, or as in MUNIT's
            paper 19 independent pairs of each of 100 inputs.
        metrics: the feature networks: the published ones (LPIPS, FID, KID), the bundled VGG-19, or none; "auto": the
            published ones, downloaded if they are missing, else the bundled VGG-19.
        rows: how many inputs grid and report show; all are measured.
        device: auto, cpu, cuda, cuda:N or mps.
        precision: auto, fp32, fp32-fast or bf16.
        seed: seed for all random choices.
        offline: do not use the network.
        memory: the most for the process on the device that computes, such as "4GB"; None: half of what is free. Images
            that need more are computed in bands of rows.
        max_pixels: the most pixels of an image that is read, width x height.
        white: the value of white in images of 16 bits; None: 4095 in images without larger values, else 65535.
        folder: write images/ there while they are made; None: into a temporary folder that lives as long as the result.
        overwrite: replace files in `folder`.
        on_progress: called when work advances.
        on_image: called with the input and each image that is written.
        on_failure: called with the error of each input that fails.
        notify: called with lines of text for the user.

    Raises:
        UsageError: an argument is invalid, or arguments contradict each other.
        ImageError: the only input, a style image or all targets cannot be read.
        BatchError: every input failed.
        WeightsError: weights are missing and cannot be downloaded.
        CheckpointError: a model's file is damaged or belongs to another method.
        DeviceError: the device is absent, or its memory is too small for the only input.
        OutputError: an output exists, or cannot be written.
    """
    require_at_least(1, n_styles=n_styles, rows=rows, size=size)
    require_at_least(0, seed=seed)
    require_choice(PairProtocol, protocol=protocol)
    require_choice(MetricsChoice, metrics=metrics)
    require_choice(Precision, precision=precision)
    if find_rank().size > 1:
        raise UsageError(
            f"{find_rank().size} processes were started, but a comparison runs in one process",
            hint="Start it without torchrun.",
        )
    if targets is not None and metrics == "none":
        raise UsageError("--targets needs feature networks, but --metrics none loads none")
    input_list, style_list = listed(inputs), listed(styles)
    named = None if methods is None else listed(methods)
    limits, most = Limits.of(max_pixels, white), parse_memory(memory)
    choices = choose_methods(named, models or {}, settings or {}, generators or {}, has_style_images=bool(style_list))
    with output_folder(folder) as root:
        counts = {choice.key: len(written_styles(choice, n_styles)) for choice in choices}
        plan = plan_files(input_list, style_list, root, counts, overwrite=overwrite, limits=limits, notify=notify)
        real = None if targets is None else find_images("--targets", listed(targets), root, notify)
        style_images = tuple(plan.in_memory.get(path) or decode(path, limits=limits) for path in plan.style_images)
        if len(plan.inputs) == 1 and plan.inputs[0] != plan.stdin and not plan.in_memory:
            decode(Path(plan.inputs[0].name), limits=limits)  # If it is unreadable, this is an error before any work.
        where = find_device(device)
        shared = SharedSettings(
            where, find_arithmetic(precision, where), to, style_images, n_styles, size, seed, limits, most
        )
        fetch = partial(_fetch, offline=offline, on_progress=on_progress, notify=notify)
        model_files = [find_file(choice, fetch, to) for choice in choices]
        for choice, file in zip(choices, model_files, strict=True):  # Shows errors before hours of work.
            load(choice, file, shared, notify)
        networks = load_metrics(metrics, protocol, where, style_images, real, fetch, on_failure, notify, limits)
        evaluation = ComparisonState(
            settings=shared,
            metrics=networks,
            jobs=plan.jobs,
            sheet=_plan_sheet(min(rows, len(plan.inputs)), 1 + sum(counts.values()), notify),
            on_progress=on_progress,
            on_image=on_image,
            on_failure=on_failure,
            notify=notify,
            images={source: [] for source in plan.inputs},
        )
        _write_in_memory(plan, evaluation)
        results = [evaluate_method(evaluation, choice, file) for choice, file in zip(choices, model_files, strict=True)]
        if not any(evaluation.images.values()):
            require_no_failures(list(evaluation.failures.values()), inputs=len(plan.inputs))
        comparison = _comparison(evaluation, choices, results, root, plan.style_images, rows)
    if folder is None:
        weakref.finalize(comparison, shutil.rmtree, root, ignore_errors=True)
    return comparison


def _fetch(card: Card, store: Store, *, offline: bool, on_progress: Callable[[Stage], None], notify: Notify) -> Path:
    """The file of a card's weights, downloaded first if it is missing."""

    def progress(done: int, total: int | None) -> None:
        on_progress(Stage(card.name, done, total, "bytes"))

    return store.path(card, offline=offline, progress=progress, notify=notify)


def _write_in_memory(plan: FilePlan, evaluation: ComparisonState) -> None:
    """Write the images that come from no file, so that the methods and the report can read them."""
    for path, image in plan.in_memory.items():
        save(image, path)
    if plan.stdin:
        try:
            save(decode_source(Source(None), evaluation.settings.limits), Path(plan.stdin.name))
        except ImageError as error:
            if len(plan.inputs) == 1:
                raise
            evaluation.on_failure(error)
            evaluation.leave_out(plan.stdin, error)


def _comparison(
    evaluation: ComparisonState,
    choices: Sequence[MethodChoice],
    results: Sequence[MethodResult],
    root: Path,
    style_images: Sequence[Path],
    shown: int,
) -> Comparison:
    rows = tuple(Row(Path(source.name), tuple(images)) for source, images in evaluation.images.items() if images)
    measures = (*evaluation.metrics.measures(len(rows)), *cost_measures(evaluation.settings.device))
    names = [measure.name for measure in measures]
    return Comparison(
        folder=root,
        methods=tuple(
            replace(result, numbers={name: result.numbers.get(name) for name in names}) for result in results
        ),
        measures=measures,
        rows=rows,
        style_images=tuple(style_images),
        facts=_facts(evaluation.settings, _counted(rows, results)),
        failures={Path(source.name): reason for source, reason in evaluation.failures.items()},
        grid=_grid(evaluation, choices),
        shown=shown,
        limits=evaluation.settings.limits,
    )


def _plan_sheet(rows: int, columns: int, notify: Notify) -> SheetPlan:
    """The sheet of the grid, within the limits of memory and of the file's format."""
    sheet = plan_sheet(rows, columns, longest_side=longest_side(Path(GRID).suffix))
    if sheet.cell < CELL:
        first = f" of the first {sheet.rows} inputs" if sheet.rows < rows else ""
        notify(f"{GRID} shows images{first} at {sheet.cell} pixels, because there are {rows} rows of {columns}")
    return sheet


def _grid(evaluation: ComparisonState, choices: Sequence[MethodChoice]) -> Image.Image:
    """The contact sheet: a row for each input that is shown, which comes first."""
    columns = {
        (choice.key, style): heading(choice.title, style)
        for choice in choices
        for style in written_styles(choice, evaluation.settings.n_styles)
    }
    shown = [evaluation.thumbnails[source] for source in evaluation.images if source in evaluation.thumbnails]
    rows = [[images[None], *map(images.get, columns)] for images in shown]
    sheet = contact_sheet(rows, column_headers=["input", *columns.values()], cell=evaluation.sheet.cell)
    return Image.fromarray(sheet.rgb)


def _counted(rows: Sequence[Row], results: Sequence[MethodResult]) -> str:
    """The number of inputs, and of those with images of each method that failed on some: "2 (of which UNIT 1)"."""
    counts = {
        result.title: sum(any(image.method == result.key for image in row.images) for row in rows) for result in results
    }
    fewer = [f"{title} {count}" for title, count in counts.items() if count < len(rows)]
    return f"{len(rows)} (of which {', '.join(fewer)})" if fewer else str(len(rows))


def _facts(settings: SharedSettings, inputs: str) -> dict[str, str]:
    """The facts that are needed to repeat the comparison, beside inputs, methods and measures."""
    return {
        "imgxlate": __version__,
        "torch": torch.__version__,
        "device": _device_name(settings.device),
        "precision": str(settings.arithmetic),
        "seed": str(settings.seed),
        "inputs": inputs,
        "size of inputs": "their own" if settings.size is None else f"shorter side {settings.size} pixels",
        "images of an input, for methods with styles": str(settings.n_styles),
    }


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({torch.get_num_threads()} threads)" if device.type == "cpu" else str(device)
