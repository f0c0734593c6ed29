"""Draw the outlines of examples/outlines: `python scripts/draw_outlines.py OUTDIR`.

They are this project's own drawings, in the manner of icons: black lines with round ends on white.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import resvg_py
from PIL import Image

GRID = 72  # units of a side
STROKE = 2  # units
PIXELS = 144  # of a side: a multiple of the grid, for sharp lines

# SVG paths in units of the grid.
OUTLINES = {
    "fish": """
        M10 37 C17 22 40 18 53 36 C40 54 17 52 10 37 Z
        M53 36 C57 31 61 27 66 25 C63 32 63 40 66 47 C61 45 57 41 53 36
        M23 27 C28 33 28 41 23 47 M17 34 h0.1
        M30 24 C35 17 41 17 46 20 L44 28 M33 49 C36 55 40 57 44 56 L42 46
        M34 33 q4 3 0 7 M42 32 q4 4 0 8""",
    "house": """
        M8 37 L36 13 L64 37 M15 31 V60 H57 V31 M48 23 V14 H54 V28
        M31 60 V44 H41 V60 M38 52 h0.1
        M20 39 H27 V47 H20 Z M45 39 H52 V47 H45 Z M5 60 H67""",
    "mug": """
        M16 26 V53 C16 59 20 62 25 62 H41 C46 62 50 59 50 53 V26
        M16 26 C16 21 50 21 50 26 C50 31 16 31 16 26 Z
        M50 33 H55 C64 33 64 51 55 51 H50 M27 16 q-4 -4 0 -8 M38 16 q-4 -4 0 -8""",
    "mushroom": """
        M9 39 C9 5 63 5 63 39 C63 45 9 45 9 39 Z
        M29 44 C30 52 28 57 25 60 C24 65 48 65 47 60 C44 57 42 52 43 44
        M22 24 a5 5 0 1 0 0.1 0 Z M42 17 a6 6 0 1 0 0.1 0 Z M52 31 a3 3 0 1 0 0.1 0 Z M35 33 a2 2 0 1 0 0.1 0 Z""",
    "sailboat": """
        M36 8 V50 M36 10 C48 20 55 32 57 45 H36 M32 18 C28 30 22 39 14 45 H32 Z
        M9 50 H63 C61 57 57 61 51 62 H21 C15 61 11 57 9 50 Z
        M5 66 q5 -4 10 0 t10 0 t10 0 t10 0 t10 0 t10 0""",
}


def main() -> None:
    """Draw all outlines to OUTDIR."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("outdir", type=Path)
    folder = parser.parse_args().outdir
    folder.mkdir(parents=True, exist_ok=True)
    for name in OUTLINES:
        draw(name).save(folder / f"{name}.png", optimize=True)
        print(folder / f"{name}.png")


def draw(name: str, pixels: int = PIXELS) -> Image.Image:
    """An outline of `pixels` x `pixels`, in shades of gray."""
    svg = f"""
        <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {GRID} {GRID}">
        <path d="{OUTLINES[name]}" fill="none" stroke="black" stroke-width="{STROKE}"
        stroke-linecap="round" stroke-linejoin="round"/></svg>"""
    png = resvg_py.svg_to_bytes(svg_string=svg, width=pixels, height=pixels, background="white")
    return Image.open(io.BytesIO(png)).convert("L")


if __name__ == "__main__":
    main()
