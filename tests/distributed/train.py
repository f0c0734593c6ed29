"""Train in float64, which the command line does not offer: METHOD DATA RUN ITERATIONS BATCH_SIZE [KEY=VALUE ...]."""

import sys
from pathlib import Path

import torch

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data import folders
from imgxlate.inference.device import Arithmetic
from imgxlate.methods import registry
from imgxlate.paths import assets_dir
from imgxlate.training.plan import Plan
from imgxlate.training.run_folder import RunFolder
from imgxlate.training.trainer import open_trainer


def main(method, data, run, iterations, batch_size, *assignments):
    spec = registry.find(method)
    values = {"iterations": int(iterations), "batch_size": int(batch_size), "checkpoint_every": 2, "data.workers": 0}
    if method == "cyclegan":
        values["pool_size"] = 3  # Exchanges begin with the second step.
    config = overridden(spec.training.presets["tiny"], values, assignments)
    plan = Plan(
        spec=spec,
        config=config,
        preset="tiny",
        features=checkpoint.read(assets_dir() / f"{config.features}.safetensors") if config.features else None,
        folders=folders.find(Path(data), None),
        run=RunFolder(Path(run)),
        device=torch.device("cpu"),
        arithmetic=Arithmetic(torch.float64),
        notify=print,
    )
    with open_trainer(plan, resume=True) as trainer:
        for result in trainer.run():
            print(result.step, result.saved is not None, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
