"""The paper's objective of AdaIN's paintings, against that of neural style with the same loss; and their times.

Each photo of examples/photos is painted in a style of examples/styles, in one pass of the decoder, and by L-BFGS over
the pixels from the photo on: both minimize content loss + weight x style loss, as the decoder's training computes them
(arXiv 1703.06868, Eqs. 11 to 13). A ratio of 1 means that the decoder's painting is as good as the optimized one.

    python benchmarks/instant_style.py --checkpoint RUN --style-weight 3     # 256 pixels, 200 iterations
    python benchmarks/instant_style.py --checkpoint RUN --size 128 --iterations 50 --pairs 3
    python benchmarks/instant_style.py --checkpoint RUN --time 512      # the times of both commands at 512 px instead

It ends with an error if the mean ratio is above --bar.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from imgxlate import checkpoint
from imgxlate.images.decode import decode
from imgxlate.images.encode import save
from imgxlate.images.grids import contact_sheet
from imgxlate.images.image_array import ImageArray
from imgxlate.images.sizes import longer_side
from imgxlate.images.tensors import from_tensor, resize, to_tensor
from imgxlate.inference.loading import load
from imgxlate.methods.adain.networks import Encoder, adaptive_instance_norm, statistics
from imgxlate.methods.adain.training import losses_of
from imgxlate.paths import assets_dir

EXAMPLES = Path(__file__).parents[1] / "examples"


class Objective:
    """The loss of an image as a painting of `content` in the style of `style`, both (1, 3, H, W)."""

    def __init__(self, encoder: Encoder, content: Tensor, style: Tensor, style_weight: float) -> None:
        with torch.no_grad():
            self._styles = [statistics(features) for features in encoder.features(style)]
            self._target = adaptive_instance_norm(encoder(content), self._styles[-1])
        self._encoder = encoder
        self._style_weight = style_weight

    def __call__(self, image: Tensor) -> Tensor:
        """The loss of an image (1, 3, H, W)."""
        content_loss, style_loss = losses_of(self._encoder.features(image), self._target, self._styles)
        return content_loss + self._style_weight * style_loss


def main() -> None:
    """Print the losses of both ways and their ratio for each pair, or the times."""
    options = parsed()
    if options.time:
        print_times(options)
    else:
        print_ratios(options)


def print_ratios(options: argparse.Namespace) -> None:
    """Print the losses and their ratio for each pair."""
    torch.set_num_threads(options.threads)
    model = load("adain", checkpoint=options.checkpoint, device="cpu", precision="fp32")
    layer = model.translator.config.layer
    encoder = Encoder(layer, checkpoint.read(assets_dir() / "vgg19.safetensors"))
    kept = read_kept(options.keep)
    losses, ratios, sheet = [], [], []
    for photo, painting in pairs(options.pairs):
        content, style = (scaled(path, options.size) for path in (photo, painting))
        objective = Objective(encoder, content, style, options.style_weight)
        painted = paint(model, content, style)
        key = f"{photo.stem} {painting.stem} {layer} {options.size} {options.iterations} {options.style_weight:g}"
        if key not in kept:
            kept[key] = optimized(objective, content, options.iterations)
            write_kept(options.keep, kept)
        with torch.no_grad():
            loss, start = objective(painted).item(), objective(content).item()
        losses.append(loss)
        ratios.append(loss / kept[key])
        print(
            f"{photo.stem} in the style of {painting.stem}: photo {start:.3f}, decoder {loss:.3f}, "
            f"{options.iterations} iterations {kept[key]:.3f}, ratio {ratios[-1]:.2f}",
            flush=True,
        )
        sheet.append([ImageArray(from_tensor(image)) for image in (content, style, painted)])
    print(f"mean loss of the decoder {mean(losses):.2f}")
    print(f"mean ratio {mean(ratios):.2f}, from {min(ratios):.2f} to {max(ratios):.2f}")
    if options.sheet:
        save(contact_sheet(sheet, column_headers=["photo", "style", "in one pass"], cell=options.size), options.sheet)
    if mean(ratios) > options.bar:
        sys.exit(f"the mean ratio is above {options.bar}")


def paint(model, content: Tensor, style: Tensor) -> Tensor:
    """The decoder's painting (1, 3, H, W), clipped to colors."""
    code = model.encode_array(ImageArray(from_tensor(style, 16)), "B")
    [painting] = model.translate_array(ImageArray(from_tensor(content, 16)), "B", code, depth=16)
    return to_tensor(painting.rgb)


def optimized(objective: Objective, content: Tensor, iterations: int) -> float:
    """The loss after that many iterations of L-BFGS from the photo on; of the image that is clipped to colors."""
    image = content.clone().requires_grad_()
    optimizer = torch.optim.LBFGS(
        [image],
        max_iter=iterations,
        max_eval=iterations,
        history_size=20,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        optimizer.zero_grad()
        loss = objective(image)
        loss.backward()
        return loss

    optimizer.step(closure)
    with torch.no_grad():
        return objective(image.clamp(-1, 1)).item()


def pairs(count: int) -> list[tuple[Path, Path]]:
    """Photos, each with a style."""
    photos = sorted(path for path in (EXAMPLES / "photos").iterdir() if path.suffix in (".jpg", ".png"))
    styles = sorted((EXAMPLES / "styles").glob("*.jpg"))
    return list(islice(zip(cycle(photos), cycle(styles), strict=False), count))


def scaled(path: Path, size: int) -> Tensor:
    """The image (1, 3, H, W) with that longer side."""
    image = decode(path)
    return resize(to_tensor(image.rgb), longer_side(image.size, size), "bicubic")


def read_kept(file: Path | None) -> dict[str, float]:
    """The losses of the optimization that are known already, by pair and settings."""
    return json.loads(file.read_text()) if file and file.exists() else {}


def write_kept(file: Path | None, losses: dict[str, float]) -> None:
    """Keep the losses of the optimization."""
    if file:
        file.write_text(json.dumps(losses, indent=1))


def print_times(options: argparse.Namespace) -> None:
    """Print the times of `neural-style --fast` and of the default, each in a process of its own."""
    fast = ["--fast", "--checkpoint", options.checkpoint]
    [(photo, painting)] = pairs(1)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, extra in (("one pass", fast), ("optimization", [])):
            size = ["--size", options.time, "--threads", options.threads, "--json"]
            command = ["neural-style", photo, painting, *size, "-o", f"{folder}/{name}.png", *extra]
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, "-m", "imgxlate", *map(str, command)], capture_output=True, text=True, check=True
            )
            seconds[name] = json.loads(done.stdout)["seconds"]
            print(f"{name}: {seconds[name]:.2f} s, {time.perf_counter() - started:.2f} s with start", flush=True)
    print(f"ratio {seconds['optimization'] / seconds['one pass']:.0f}")


def parsed() -> argparse.Namespace:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checkpoint", type=Path, required=True, help="a decoder, or the folder of a run")
    parser.add_argument("--style-weight", type=float, default=10.0, help="that of the training; default: 10")
    parser.add_argument("--size", type=int, default=256, help="longer side of all images")
    parser.add_argument("--iterations", type=int, default=200)
    parser.add_argument("--pairs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bar", type=float, default=1.6, help="the most that the mean ratio may be")
    parser.add_argument("--keep", type=Path, metavar="FILE", help="keep the losses of the optimization, and reuse them")
    parser.add_argument("--sheet", type=Path, metavar="FILE", help="also write a sheet of the paintings")
    parser.add_argument("--time", type=int, metavar="SIZE", help="measure times at this size instead")
    return parser.parse_args()


if __name__ == "__main__":
    main()
