"""Check two folders of images, and split them into a training set without leaks.

python examples/python/prepare.py FOLDER_A FOLDER_B OUT [TEST]
"""

import sys

import imgxlate

folder_a, folder_b, out, *test = sys.argv[1:]

report = imgxlate.check_data(folder_a, folder_b)
print(f"{report.distinct} distinct images among {report.files} files")
for file in report.bad:
    print(f"{file.path}: {file.reason}")

split = imgxlate.split_data(folder_a, folder_b, test=test[0] if test else "10%", out=out)
print(split.images)
if imgxlate.check_data(out).trained_tests:
    raise SystemExit("a test image is also trained on")
