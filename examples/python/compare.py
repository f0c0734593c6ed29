"""Compare MUNIT and CycleGAN on some photos, and write a grid, numbers and a report.

python examples/python/compare.py PHOTO... FOLDER
"""

import sys

import imgxlate

*photos, folder = sys.argv[1:]
result = imgxlate.compare(photos, methods=["munit", "cyclegan"], metrics="vgg19")
result.save(folder)
