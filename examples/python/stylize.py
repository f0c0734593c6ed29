"""Paint a photo in the style of an image, and show the loss.

python examples/python/stylize.py PHOTO STYLE OUTPUT [SIZE]
"""

import sys

import imgxlate

photo, style, output, *size = sys.argv[1:]


def show(state: imgxlate.Iteration) -> None:
    """Print a line after the last iteration of each scale."""
    if state.iteration == state.iterations:
        print(f"scale {state.scale} of {state.scales}: loss {state.losses['total']:.3g}")


imgxlate.stylize(photo, style, size=int(size[0]) if size else 512, on_iteration=show).save(output)
