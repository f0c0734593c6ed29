"""Measure how many steps a run saves that begins from a model: `imgxlate train --from`.

    python benchmarks/from_model.py DATA [--method cyclegan] [--model cyclegan-summer2winter] [--steps 2000]
        [--every 250] [--warm-up 0 200] [--crop 64] [--size 128] [--seeds 0] [--out FOLDER]

DATA holds trainA, trainB, testA and testB. For each seed, one run begins from nothing, and one from the model for each
number of warm-up steps, with the same configuration. Every `--every` steps, the averaged weights translate the images
of testA, and the kernel distance of VGG-19 features to testB is measured (`kd-vgg19`; lower is better). The model
itself is measured first, at 0 steps.

Prints a JSON object per line and point: run, seed, step, seconds of training, kd-vgg19 and its deviation over subsets.
`--out` keeps the runs; a run that was interrupted continues there.
"""

import argparse
import json
import shutil
import tempfile
from pathlib import Path

import imgxlate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--method", default="cyclegan")
    parser.add_argument("--model", help="default: the method's summer2winter")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--every", type=int, default=250)
    parser.add_argument("--warm-up", type=int, nargs="+", default=[0, 200])
    parser.add_argument("--crop", type=int, default=64)
    parser.add_argument("--size", type=int, default=128, help="shorter side of the images that are measured")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    model = arguments.model or f"{arguments.method}-summer2winter"
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.out or Path(temporary)
        report("model", None, 0, 0.0, measure(arguments, [model]))
        for seed in arguments.seeds:
            for name, settings in runs(arguments, model, seed).items():
                for (step, seconds), distance in points(arguments, folder / f"{name}-{seed}", settings):
                    report(name, seed, step, seconds, [distance])


def runs(arguments: argparse.Namespace, model: str, seed: int) -> dict[str, dict[str, object]]:
    """The arguments of `imgxlate.train` for each run: preset and architecture are those of the model in all of them."""
    loaded = imgxlate.load(arguments.method, model=model)
    crop = {"data.crop_height": arguments.crop, "data.crop_width": arguments.crop}
    shared = crop | {
        "seed": seed,
        "data.new_size": arguments.crop * 9 // 8,
        "iterations": arguments.steps,
        "checkpoint_every": arguments.every,
        "sample_every": arguments.steps,
    }
    architecture = {f"gen.{key}": getattr(loaded.translator.config, key) for key in loaded.translator.config.__slots__}
    nothing = {"preset": "small", "settings": shared | architecture}
    return {"nothing": nothing} | {
        f"warm-up {steps}": {"preset": "small", "start": model, "settings": shared | {"warm_up": steps}}
        for steps in arguments.warm_up
    }


def points(
    arguments: argparse.Namespace, folder: Path, options: dict[str, object]
) -> list[tuple[tuple[int, float], tuple[float, float]]]:
    """Train, and measure the model after each checkpoint."""
    kept = folder / "models"
    kept.mkdir(parents=True, exist_ok=True)

    def keep(result) -> None:
        if result.saved:
            shutil.copyfile(folder / "model.safetensors", kept / f"{result.step}.safetensors")

    run = imgxlate.train(
        arguments.method, arguments.data, out=folder, resume=True, device=arguments.device, on_step=keep, **options
    )
    files = sorted(kept.iterdir(), key=lambda path: int(path.stem))
    seconds = {entry.step: entry.seconds for entry in run.history}
    times = [(int(file.stem), sum(took for step, took in seconds.items() if step <= int(file.stem))) for file in files]
    return list(zip(times, measure(arguments, files), strict=True))


def measure(arguments: argparse.Namespace, models: list[str] | list[Path]) -> list[tuple[float, float]]:
    """For each model, the kernel distance of the translated test images of A to those of B, and its deviation."""
    compared = imgxlate.compare(
        [arguments.data / "testA"],
        methods=[arguments.method],
        models={arguments.method: list(map(str, models))},
        targets=arguments.data / "testB",
        to="B",
        size=arguments.size,
        n_styles=1,
        metrics="vgg19",
        device=arguments.device,
    )
    return [(result.numbers["kd-vgg19"], result.numbers["kd-vgg19-deviation"]) for result in compared.methods]


def report(name: str, seed: int | None, step: int, seconds: float, distances: list[tuple[float, float]]) -> None:
    distance, deviation = distances[0]
    line = {"run": name, "seed": seed, "step": step, "seconds": round(seconds, 1)}
    print(json.dumps(line | {"kd-vgg19": round(distance, 4), "deviation": round(deviation, 4)}), flush=True)


if __name__ == "__main__":
    main()
