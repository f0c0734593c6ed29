"""Translate a photo to winter: in four sampled styles, and in the style of a snowy photo.

python examples/python/translate.py PHOTO SNOWY_PHOTO FOLDER
"""

import sys
from pathlib import Path

import imgxlate

photo, snowy, folder = map(Path, sys.argv[1:])
folder.mkdir(parents=True, exist_ok=True)

model = imgxlate.load("munit")
for number, image in enumerate(model.translate(photo, to="winter", n_styles=4, seed=0)):
    image.save(folder / f"sampled-{number}.png")

[guided] = model.translate(photo, to="winter", styles=[snowy])
guided.save(folder / "guided.png")
