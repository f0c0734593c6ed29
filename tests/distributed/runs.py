"""Several runs in one script: DATA FOLDER."""

import sys
from pathlib import Path

import imgxlate
from imgxlate import checkpoint

SETTINGS = {"iterations": 3, "batch_size": 2, "data.workers": 0, "display_size": 1, "checkpoint_every": 2}


def main(data, folder):
    for index in range(3):
        out = Path(folder) / str(index)
        run = imgxlate.train("cyclegan", data, out=out, preset="tiny", settings=SETTINGS, notify=print)
        header = checkpoint.read(run.folder / "model.safetensors").header
        print("saved", header["step"], len(run.history), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
