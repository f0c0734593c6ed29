"""Train a small CycleGAN on two folders of images, then translate an image of the first folder with it.

python examples/python/train.py FOLDER_A FOLDER_B RUN [STEPS]
"""

import sys
from pathlib import Path

import imgxlate

folder_a, folder_b, out, *steps = sys.argv[1:]


def show(result: imgxlate.StepResult) -> None:
    """Print the losses of some steps."""
    if result.step % 100 == 0 or result.step == result.iterations:
        print(result.step, {name: round(loss, 3) for name, loss in result.losses.items()})


settings = {"iterations": int(steps[0])} if steps else {}
run = imgxlate.train("cyclegan", folder_a, folder_b, out=out, preset="tiny", settings=settings, on_step=show)

photo = next(path for path in sorted(Path(folder_a).iterdir()) if path.suffix in (".jpg", ".png"))
run.model.translate(photo)[0].save(run.folder / "example.png")
