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

# Left out: flags, signs, text and logos, which an outline does not tell apart or whose colours are a convention.
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
INK = (0.03, 0.3)  # mean darkness of an outline: from nearly empty to filled shapes, 1 for a black square
LEAST_COLOUR = 0.02  # mean distance of an outline from its colour picture, 1 for black from white

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Fetch, check, choose, draw, store."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("output", type=Path, help="the folder to make")
    parser.add_argument("--tarball", type=Path, help=f"{URL}, where it need not be fetched")
    parser.add_argument("--size", type=int, default=128, help="pixels of a side (default: 128)")
    arguments = parser.parse_args()
    check_output(arguments.output)
    package = unpack(arguments.tarball.read_bytes() if arguments.tarball else fetch(URL))
    counts = write(package, arguments.output, arguments.size)
    print(f"{arguments.output}: " + ", ".join(f"{count} pictures in {name}" for name, count in counts.items()))


def check_output(folder: Path) -> None:
    """Refuse a folder whose pictures would join others, or become part of this repository."""
    if folder.resolve().is_relative_to(ROOT):
        sys.exit(f"{folder} is inside {ROOT}: the pictures are CC BY-SA 4.0 and stay out of the repository")
    if folder.exists() and not folder.is_dir():
        sys.exit(f"{folder} is a file: give a folder to make")
    if folder.exists() and any(folder.iterdir()):
        sys.exit(f"{folder} is not empty")


def fetch(url: str) -> bytes:
    """The package from the registry."""
    response = requests.get(url, timeout=60)
    response.raise_for_status()
    return response.content


def unpack(tarball: bytes) -> dict[str, bytes]:
    """The package's data and vector pictures by path, if the tarball is the one we know."""
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode()
    if found != INTEGRITY:
        sys.exit(f"the tarball has integrity {found}, not {INTEGRITY}")
    with tarfile.open(fileobj=io.BytesIO(tarball)) as archive:
        files = ((member.name.removeprefix("package/"), archive.extractfile(member)) for member in archive)
        return {path: file.read() for path, file in files if file and is_wanted(path)}


def is_wanted(path: str) -> bool:
    """Whether a file of the package is the list of emoji, the licence or a picture."""
    return path in ("data/openmoji.json", "LICENSE.txt") or path.startswith(("black/svg/", "color/svg/"))


def write(package: Mapping[str, bytes], folder: Path, size: int) -> dict[str, int]:
    """Draw both pictures of every chosen emoji; the number of files in each of the four folders."""
    counts = {f"{part}{domain}": 0 for part in ("train", "test") for domain in "AB"}
    for name in counts:
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "LICENSE.txt").write_bytes(package["LICENSE.txt"])
    seen: set[bytes] = set()
    for hexcode in choose(json.loads(package["data/openmoji.json"])):
        outline, colour = (draw(package[f"{kind}/svg/{hexcode}.svg"].decode(), size) for kind in ("black", "color"))
        if outline.tobytes() in seen or not is_telling(outline, colour):
            continue
        seen.add(outline.tobytes())
        part = "test" if is_held_out(hexcode) else "train"
        for domain, picture in (("A", outline), ("B", colour)):
            picture.save(folder / f"{part}{domain}" / f"{hexcode}.png")
            counts[f"{part}{domain}"] += 1
    return counts


def choose(emojis: Iterable[Mapping[str, Any]]) -> list[str]:
    """The code points of the emoji to draw: one by hash of those that differ in skin tone only."""
    variants: dict[str, list[str]] = {}
    for emoji in filter(is_suitable, emojis):
        variants.setdefault(emoji["skintone_base_hexcode"] or emoji["hexcode"], []).append(emoji["hexcode"])
    return sorted(min(hexcodes, key=fraction) for hexcodes in variants.values())


def is_suitable(emoji: Mapping[str, Any]) -> bool:
    """Whether an emoji pictures a thing or a being, and is not the mirror image of another."""
    group, subgroup = emoji["group"], emoji["subgroups"]
    if group == "extras-openmoji":
        return subgroup in EXTRAS
    mirrored = "facing right" in emoji["annotation"]
    return group in GROUPS and subgroup not in SUBGROUPS_LEFT_OUT and not mirrored


def draw(svg: str, size: int) -> Image.Image:
    """A vector picture on white, `size` x `size` pixels, RGB."""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=size, height=size, background="white", skip_system_fonts=True)
    return Image.open(io.BytesIO(png)).convert("RGB")


def is_telling(outline: Image.Image, colour: Image.Image) -> bool:
    """Whether the outline is made of lines, and colouring it changes it."""
    lines, colours = (np.asarray(picture, np.float32) / 255 for picture in (outline, colour))
    return bool(INK[0] <= 1 - lines.mean() <= INK[1] and np.abs(lines - colours).mean() >= LEAST_COLOUR)


def is_held_out(hexcode: str) -> bool:
    """Whether an emoji is kept for measuring: a man, a woman and a person who do the same go the same way."""
    role = [code for code in hexcode.split("-") if code not in GENDERS and not is_skin_tone(code)]
    return fraction("-".join(role) or hexcode) < HELD_OUT


def is_skin_tone(code: str) -> bool:
    """Whether a code point is one of the five skin tones."""
    return "1F3FB" <= code <= "1F3FF"


def fraction(text: str) -> float:
    """A number in [0, 1) that depends on the text only."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


if __name__ == "__main__":
    main()
