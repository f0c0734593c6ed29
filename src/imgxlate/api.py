"""The library: load a model, stylize an image, train a model, compare methods.

The names are public as `imgxlate.load`, `imgxlate.stylize` and so on. Progress goes to callbacks; nothing is printed.
Errors are `imgxlate.ImgxlateError`s with a `hint` that says what to do next.
"""

from imgxlate.inference.loading import load
from imgxlate.training.run import train

__all__ = ["load", "train"]
