"""What commands that translate share: choosing styles, keeping codes, loading a model."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from imgxlate.cli import loading, runs
from imgxlate.cli.output import Output
from imgxlate.errors import UsageError
from imgxlate.images import files
from imgxlate.inference import style_codes
from imgxlate.methods import registry
from imgxlate.methods.spec import Capability, MethodSpec
from imgxlate.torchrun import Place

if TYPE_CHECKING:
    from imgxlate.images.image_array import ImageArray
    from imgxlate.inference.device import Precision
    from imgxlate.inference.models import Model
    from imgxlate.inference.translation import Request


_FAR_LARGER = 3  # times as long as the side that a model was trained at


def require_shareable(place: Place, output: str | None, extras: list[Path]) -> Place:
    """Refuse what all processes together would have to write.

    Raises:
        UsageError: there are several processes, and one output of them all.
    """
    if place.size > 1 and (extras or output == files.STDIO):
        what = extras[0] if extras else "standard output"
        raise UsageError(f"{place.size} processes share the files out, and none has all of {what}")
    return place


@dataclass(frozen=True, slots=True)
class StyleChoice:
    """Where the style codes come from: images, a file, or sampling `count` of them."""

    count: int  # outputs for each input
    images: tuple[str, ...] = ()
    codes: style_codes.StyleCodes | None = None
    origin: str = ""


def choose_styles(
    spec: MethodSpec, count: int | None, images: list[str], file: Path | None, kept: Path | None
) -> StyleChoice:
    """Settle which of the three ways is meant, before anything is loaded.

    Raises:
        UsageError: several ways at once, one that the method lacks, or a styles file that cannot be used.
    """
    if sum((count is not None, bool(images), file is not None)) > 1:
        raise UsageError("--n-styles, --style and --styles exclude each other")
    if images:
        registry.find(spec.name, Capability.GUIDE_STYLE)
        return StyleChoice(len(images), images=tuple(images))
    if file or kept or (count or 1) > 1:
        registry.find(spec.name, Capability.SAMPLE_STYLES)
    if file:
        codes = style_codes.read(file, spec.name)
        return StyleChoice(len(codes.codes), codes=codes, origin=str(file))
    return StyleChoice(count or 1)


def load(
    out: Output,
    spec: MethodSpec,
    name: str | None,
    path: Path | None,
    config: Path | None,
    device: str,
    precision: "Precision",
    offline: bool,
) -> "Model":
    """The model that `--model` or `--checkpoint` means, fetched where it is missing, on its device.

    Raises:
        UsageError: the options contradict each other, or `config` is another method's.
        CheckpointError: the file is damaged, or no model of the method.
        WeightsError: there is no model of that name, or it cannot be had.
        DeviceError: the device is absent.
    """
    from imgxlate.inference.device import find_device, find_dtype
    from imgxlate.inference.models import find_model, load_model
    from imgxlate.weights.store import Store

    where = find_device(device)
    dtype = find_dtype(precision, where)
    store = Store()
    file = find_model(spec, name, path, config, store, lambda card: loading.fetch(out, store, card, offline=offline))
    loaded = load_model(spec, file, where, dtype)
    out.detail(f"{loaded.name} on {where} in {dtype}: {loaded.translator.config}")
    return loaded


def settle(
    model: "Model",
    choice: StyleChoice,
    to: str | None,
    size: int | None,
    seed: int,
    show: "Callable[[ImageArray], None] | None" = None,
) -> "tuple[Request, style_codes.StyleCodes | None]":
    """What to make of each input, and the codes that it uses; `show` is given each style image.

    Raises:
        UsageError: the model has no such domain, or codes of another length.
        ImageError: a style image cannot be read.
    """
    from imgxlate.inference.translation import Request
    from imgxlate.methods.protocol import StyleSampler

    request = Request(model.target(to), size=size)
    if not isinstance(model.translator, StyleSampler):
        return request, None
    if choice.images:
        codes = style_codes.StyleCodes(tuple(_encoded(model, image, request, show) for image in choice.images))
    else:
        codes = choice.codes or style_codes.sample(choice.count, model.translator.style_dim, seed)
        codes.require_length(model.translator.style_dim, choice.origin)
    return with_codes(request, codes), codes


@dataclass(slots=True)
class SizeAdvice:
    """Says once, of the first image that is far larger than what the model was trained on, how to get better ones."""

    out: Output
    model: str
    trained: int | None  # shorter side of the pictures that it learnt from; None: not known
    size: int | None  # what --size says
    given: bool = False

    def consider(self, name: str, picture: "ImageArray") -> None:
        """Look at an input."""
        side = min(picture.size)
        if self.given or self.size or self.trained is None or side < _FAR_LARGER * self.trained:
            return
        self.given = True
        self.out.note(
            f"{name}: its shorter side has {side} pixels, and {self.model} was trained on pictures of {self.trained}: "
            f"with `--size {2 * self.trained}` or less, more of it may change"
        )


def with_codes(request: "Request", codes: style_codes.StyleCodes) -> "Request":
    """The request for a picture with each of `codes`."""
    import torch

    return replace(request, styles=torch.tensor(codes.codes))


def save_styles(path: Path, codes: style_codes.StyleCodes, method: str, existing: files.Existing) -> None:
    """Write the codes, unless the file is to be kept.

    Raises:
        UsageError: the file that is to be kept holds other codes than the pictures are made with.
    """
    if keeps_styles(path, codes, method, existing):
        return
    style_codes.write(path, codes, method)


def keeps_styles(path: Path, codes: style_codes.StyleCodes, method: str, existing: files.Existing) -> bool:
    """Whether `path` is there, and to be kept.

    Raises:
        UsageError: it is, and holds other codes than the pictures are made with.
    """
    if existing is not files.Existing.SKIP or not path.exists():
        return False
    if style_codes.read(path, method).codes != codes.codes:
        raise UsageError(f"{path} holds other codes", hint=f"Replay them with --styles {path}, or give another name.")
    return True


def _encoded(
    model: "Model", image: str, request: "Request", show: "Callable[[ImageArray], None] | None"
) -> style_codes.Code:
    """The style code of an image file."""
    from imgxlate.inference.translation import encode_styles

    picture = runs.read_picture(files.Source(Path(image)))
    if show:
        show(picture)
    (code,) = encode_styles(model, [picture], request).tolist()
    return tuple(code)
