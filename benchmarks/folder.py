"""Measure how many photographs a second `imgxlate translate` turns into PNG files.

    python benchmarks/folder.py [--photos 200] [--megapixels 1] [--methods reinhard unit munit] [--size N]

Makes the photographs from `examples/photos/china.jpg` and translates them in one run per method, in a temporary folder.
`reinhard` is the plug-in in `examples/plugin-reinhard`. It changes colors only, so that reading and writing files takes
nearly all of the time. The other methods use their bundled models.

Prints JSON: for each method the images per second from the first written output to the last, and the seconds that a
process of its own needs to decode or to encode one photograph.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from imgxlate.images.decode import decode
from imgxlate.images.encode import encode

ROOT = Path(__file__).parents[1]
PLUGIN = ROOT / "examples" / "plugin-reinhard" / "src"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--megapixels", type=float, default=1.0)
    parser.add_argument("--methods", nargs="+", default=["reinhard", "unit", "munit"])
    parser.add_argument("--size", type=int, help="shorter side of the outputs, in pixels")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = draw_photos(folder / "photos", arguments.photos, arguments.megapixels)
        with environment(folder) as variables:
            rates = {
                method: images_per_second(method, photos, folder, arguments.size, variables)
                for method in arguments.methods
            }
        report = {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "load": round(os.getloadavg()[0], 1),
            "photos": arguments.photos,
            "size": list(Image.open(next(photos.iterdir())).size),
            "file_seconds": file_seconds(next(photos.iterdir())),
            "images_per_second": rates,
        }
    print(json.dumps(report, indent=2))


def draw_photos(folder: Path, count: int, megapixels: float) -> Path:
    """Write `count` different photographs, 4:3, as JPEG files."""
    folder.mkdir()
    height = round((megapixels * 1e6 * 3 / 4) ** 0.5)
    noise = np.random.default_rng(0)
    with Image.open(ROOT / "examples" / "photos" / "china.jpg") as photo:
        wide = photo.convert("RGB").resize((height * 4 // 3 + 64, height), Image.Resampling.BICUBIC)
    for index in range(count):
        left = index % 64
        pixels = np.asarray(wide.crop((left, 0, left + height * 4 // 3, height)), np.int16)
        grain = noise.normal(0, 3, pixels.shape[:2]).astype(np.int16)[..., None]
        Image.fromarray((pixels + grain).clip(0, 255).astype(np.uint8)).save(folder / f"{index:05d}.jpg", quality=92)
    return folder


@contextmanager
def environment(folder: Path) -> Iterator[dict[str, str]]:
    """Variables that let `imgxlate` find the plug-in, as if it was installed, and a model for it."""
    installed = folder / "site"
    about = installed / "imgxlate_reinhard-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: imgxlate-reinhard\nVersion: 0\n")
    (about / "entry_points.txt").write_text("[imgxlate.methods]\nreinhard = imgxlate_reinhard:SPEC\n")
    paths = [str(installed), str(PLUGIN), os.environ.get("PYTHONPATH", "")]
    variables = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    kinds = [str(ROOT / "examples" / name) for name in ("photos", "styles")]
    fit = [sys.executable, "-m", "imgxlate_reinhard.fit", *kinds, "-o", str(folder / "colors.safetensors")]
    subprocess.run(fit, env=variables, check=True, capture_output=True)
    yield variables


def images_per_second(method: str, photos: Path, folder: Path, size: int | None, variables: dict[str, str]) -> float:
    """The rate of the outputs of one command, without its start."""
    command = [sys.executable, "-m", "imgxlate", "translate", method, str(photos), "-o", str(folder / method), "--json"]
    command += ["--checkpoint", str(folder / "colors.safetensors")] if method == "reinhard" else []
    command += ["--size", str(size)] if size else []
    with subprocess.Popen(
        [*command, "--quiet"], env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        moments = [time.perf_counter() for _ in process.stdout]
    if process.returncode:
        raise SystemExit(f"{method}: exit code {process.returncode}")
    return round((len(moments) - 1) / (moments[-1] - moments[0]), 3)


def file_seconds(path: Path) -> dict[str, float]:
    """The shortest seconds of five to decode the photograph, and to encode it as PNG."""
    image = decode(path)
    work = {"decode": lambda: decode(path), "encode": lambda: encode(image, ".png")}
    return {name: round(min(_seconds(each) for _ in range(5)), 4) for name, each in work.items()}


def _seconds(work: "object") -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
