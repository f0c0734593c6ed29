"""Draw the training images of the model that colors outlines from the emoji of OpenMoji (CC BY-SA 4.0).

The npm package openmoji holds each emoji twice, as a black outline and in color. The script downloads it, checks it
against the registry's integrity hash, and draws both as square images on white, named after the emoji's code points:

    OUT/trainA  OUT/testA   outlines
    OUT/trainB  OUT/testB   the same emoji in color

Training samples the two folders independently of each other. The held-out parts are paired by name, for measurements.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import requests
import resvg_py
from PIL import Image

URL = "https://registry.npmjs.org/openmoji/-/openmoji-17.0.0.tgz"
INTEGRITY = "sha512-EBnYrNGdcdw+OSXmENeNE1yBNRu6tOraTmoOyUbJkTmvT/+XETp8RZLSJFzD3lrPc5N9CzsyPnRTk0Vp4UaI9w=="

# Without flags, signs, text and logos: outlines do not distinguish them, or their colors are a convention.
GROUPS = frozenset(
    ("activities", "animals-nature", "food-drink", "objects", "people-body", "smileys-emotion", "travel-places")
)
SUBGROUPS_LEFT_OUT = frozenset(("person-symbol", "time", "heart", "sound"))
EXTRAS = frozenset(
    ("animals-nature", "climate-environment", "emergency", "food-drink", "gardening", "healthcare", "objects")
) | frozenset(("people", "smileys-emotion", "technology", "travel-places"))

# Man, woman, person, and the signs that join them to a role or an activity.
GENDERS = frozenset(("1F468", "1F469", "1F9D1", "2640", "2642", "200D", "FE0F"))

HELD_OUT = 0.11
INK = (0.03, 0.3)  # mean darkness of an outline, from nearly empty to filled; 1 is a black square
MIN_COLOR = 0.02  # mean difference between an outline and its color image, 1 between black and white

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Download, check, select, draw and save."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("output", type=Path, help="the folder to create")
    parser.add_argument("--tarball", type=Path, help=f"a copy of {URL}, instead of a download")
    parser.add_argument("--size", type=int, default=128, help="pixels of a side (default: 128)")
    arguments = parser.parse_args()
    check_output(arguments.output)
    package = unpack(arguments.tarball.read_bytes() if arguments.tarball else fetch(URL))
    counts = write(package, arguments.output, arguments.size)
    print(f"{arguments.output}: " + ", ".join(f"{count} images in {name}" for name, count in counts.items()))


def check_output(folder: Path) -> None:
    """Exit if the folder is not empty or lies inside this repository."""
    if folder.resolve().is_relative_to(ROOT):
        sys.exit(f"{folder} is inside {ROOT}: the images are CC BY-SA 4.0 and stay out of the repository")
    if folder.exists() and not folder.is_dir():
        sys.exit(f"{folder} is a file: give a folder to create")
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")


def fetch(url: str) -> bytes:
    """Download the package from the registry."""
    response = requests.get(url, timeout=60)
    response.raise_for_status()
    return response.content


def unpack(tarball: bytes) -> dict[str, bytes]:
    """The data and the vector images of the package by path. Exits if the tarball is not the known one."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != INTEGRITY:
        sys.exit(f"the tarball has integrity {found}, not {INTEGRITY}")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        files = ((member.name.removeprefix("package/"), archive.extractfile(member)) for member in archive)
        return {path: file.read() for path, file in files if file and is_wanted(path)}


def is_wanted(path: str) -> bool:
    """Whether a file of the package is the list of emoji, the license or an image."""
    return path in ("data/openmoji.json", "LICENSE.txt") or path.startswith(("black/svg/", "color/svg/"))


def write(package: Mapping[str, bytes], folder: Path, size: int) -> dict[str, int]:
    """Draw both images of every selected emoji. Returns the number of files in each of the four folders."""
    counts = {f"{part}{domain}": 0 for part in ("train", "test") for domain in "AB"}
    for name in counts:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "LICENSE.txt").write_bytes(package["LICENSE.txt"])
    seen: set[bytes] = set()
    for hexcode in choose(json.loads(package["data/openmoji.json"])):
        outline, color = (draw(package[f"{kind}/svg/{hexcode}.svg"].decode(), size) for kind in ("black", "color"))
        if outline.tobytes() in seen or not is_colorable(outline, color):
            continue
        seen.add(outline.tobytes())
        part = "test" if is_held_out(hexcode) else "train"
        for domain, image in (("A", outline), ("B", color)):
            image.save(folder / f"{part}{domain}" / f"{hexcode}.png")
            counts[f"{part}{domain}"] += 1
    return counts


def choose(emojis: Iterable[Mapping[str, Any]]) -> list[str]:
    """The code points of the emoji to draw. Of those that differ only in skin tone, a hash selects one."""
    variants: dict[str, list[str]] = {}
    for emoji in filter(is_suitable, emojis):
        variants.setdefault(emoji["skintone_base_hexcode"] or emoji["hexcode"], []).append(emoji["hexcode"])
    return sorted(min(hexcodes, key=fraction) for hexcodes in variants.values())


def is_suitable(emoji: Mapping[str, Any]) -> bool:
    """Whether an emoji shows an object or a being, and is not the mirror image of another."""
    group, subgroup = emoji["group"], emoji["subgroups"]
    if group == "extras-openmoji":
        return subgroup in EXTRAS
    mirrored = "facing right" in emoji["annotation"]
    return group in GROUPS and subgroup not in SUBGROUPS_LEFT_OUT and not mirrored


def draw(svg: str, size: int) -> Image.Image:
    """A vector image on white, `size` x `size` pixels, RGB."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="white", skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGB")


def is_colorable(outline: Image.Image, color: Image.Image) -> bool:
    """Whether the outline consists of lines, and coloring changes it."""
    lines, colors = (np.asarray(image, np.float32) / 255 for image in (outline, color))
    return bool(INK[0] <= 1 - lines.mean() <= INK[1] and np.abs(lines - colors).mean() >= MIN_COLOR)


def is_held_out(hexcode: str) -> bool:
    """Whether an emoji is held out for measurements. Man, woman and person in the same role go together."""
    role = [code for code in hexcode.split("-") if code not in GENDERS and not is_skin_tone(code)]
    return fraction("-".join(role) or hexcode) < HELD_OUT


def is_skin_tone(code: str) -> bool:
    """Whether a code point is one of the five skin tones."""
    return "1F3FB" <= code <= "1F3FF"


def fraction(text: str) -> float:
    """A number in [0, 1) that depends only on the text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


if __name__ == "__main__":
    main()
