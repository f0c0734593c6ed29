"""Measure how fast CycleGAN translates on a processor, and compare it with other programs that run the same network.

    python benchmarks/engines.py [--sizes 256 512] [--rounds 7] [--threads N]
    python benchmarks/engines.py --munit [--original FOLDER]

The generator has its full width (64 channels, 9 residual blocks) and random weights. All engines compute in float32,
except `auto`:

- `original`: the same network of torch's own layers in the contiguous layout, as the original builds it;
- `fp32`, `fp32-fast` and `auto`: ours, by the value of `--precision`. `auto` is left out where it means `fp32-fast`;
- `onnxruntime` and `openvino`: they run the ONNX file that torch exports from `original`;
- `ncnn`: it runs what pnnx makes from a trace of `original`. Like `fp32-fast`, it uses Winograd's algorithm.

`sh benchmarks/install_peers.sh` installs the last three. With `--munit` the network is MUNIT's, and a translation is 8
images of different styles from one image. `FOLDER` is a checkout of NVlabs/MUNIT that you have fetched yourself; see
`training.py`.

Prints JSON. Each engine has a process of its own. The processes take turns, round by round, after one translation that
is not counted. A pause after each turn lets threads come to rest that wait for work in a busy loop. For each size and
engine:

- `seconds` of a translation;
- `x_over_fast`: these seconds divided by those of `fp32-fast`. If it is above 1, `fp32-fast` is faster;
- `gray_levels`: the largest difference from the image of `fp32`, where black is 0 and white 255.

`missing` says how to get the engines that were left out.
"""

import argparse
import dataclasses
import importlib.metadata
import importlib.util
import json
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from originals import load_weights, original_code
from torch import Tensor, nn

from imgxlate.images.decode import decode
from imgxlate.images.tensors import resize, to_tensor
from imgxlate.inference.device import find_arithmetic, find_precision
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.method import ResnetCyclegan
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.methods.munit import networks as munit_networks
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.method import Munit
from imgxlate.methods.shared.autoencoders import make_generators
from imgxlate.nn.algorithms import processor
from imgxlate.nn.initialization import initialize, seeded
from imgxlate.nn.norms import InstanceNorm
from imgxlate.nn.precision import each_fast

PHOTO = Path(__file__).parents[1] / "examples" / "photos" / "china.jpg"
CPU = torch.device("cpu")
STYLES = 8
PAUSE = 0.5  # seconds
PEERS = {
    "onnxruntime": ("onnxruntime", "onnx", "onnxscript"),
    "openvino": ("openvino", "onnx", "onnxscript"),
    "ncnn": ("ncnn", "pnnx"),
}  # the packages that each needs, its own first
SUMMARIES: dict[str, Callable[[Sequence[float]], float]] = {"median": statistics.median, "min": min}

Translate = Callable[[], np.ndarray]  # makes images (N, 3, H, W) in [-1, 1]


@dataclass(frozen=True, slots=True)
class Task:
    """What the engines compute."""

    munit: bool
    size: int  # sides of the image, in pixels
    threads: int
    original: Path | None  # a checkout of NVlabs/MUNIT
    folder: Path  # for the network in the formats of the peers

    def image(self) -> Tensor:
        """A photo (1, 3, size, size)."""
        return resize(to_tensor(decode(PHOTO).rgb), (self.size, self.size))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", help="sides of the image; default: 256 512, of --munit: 256")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--munit", action="store_true", help="measure MUNIT")
    parser.add_argument("--original", type=Path, metavar="FOLDER", help="a checkout of NVlabs/MUNIT, with --munit")
    arguments = parser.parse_args()
    munit, original = arguments.munit, arguments.original
    if original and not munit:
        parser.error("--original needs --munit")
    names, missing = find_engines(munit, original)
    report: dict[str, Any] = {
        "torch": torch.__version__,
        "peers": {name: importlib.metadata.version(PEERS[name][0]) for name in names if name in PEERS},
        "processor": processor(),
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": arguments.threads,
        "load": round(os.getloadavg()[0], 1),
        "method": "munit" if munit else "cyclegan",
        "sizes": {},
    }
    for size in arguments.sizes or ([256] if munit else [256, 512]):
        with tempfile.TemporaryDirectory() as folder:
            task = Task(munit, size, arguments.threads, original, Path(folder))
            report["sizes"][size] = measure(task, names, arguments.rounds)
    print(json.dumps(report | {"missing": missing}, indent=2))


def find_engines(munit: bool, original: Path | None) -> tuple[list[str], dict[str, str]]:
    """The names of the engines to measure, and how to get those that are missing."""
    ours = ["fp32", "fp32-fast", *(["auto"] if find_precision("auto", CPU) != "fp32-fast" else [])]
    if munit and original:
        return ["original", *ours], {}
    if munit:
        return ours, {"original": "git clone https://github.com/NVlabs/MUNIT, then give --original MUNIT"}
    missing = {
        name: "sh benchmarks/install_peers.sh"
        for name, packages in PEERS.items()
        if None in map(importlib.util.find_spec, packages)
    }
    return ["original", *ours, *(name for name in PEERS if name not in missing)], missing


def measure(task: Task, names: Sequence[str], rounds: int) -> dict[str, Any]:
    """The results of each engine."""
    write_network(task, names)
    engines = {name: Engine(name, task) for name in names}
    for _ in range(rounds):
        for engine in engines.values():
            engine.take_turn()
    for engine in engines.values():
        engine.stop()
    return {name: row(engine, engines["fp32"], engines["fp32-fast"]) for name, engine in engines.items()}


class Engine:
    """A process that translates with an engine when it is asked to."""

    def __init__(self, name: str, task: Task) -> None:
        context = multiprocessing.get_context("spawn")
        self._connection, end = context.Pipe()
        self._process = context.Process(target=serve, args=(name, task, end), daemon=True)
        self._process.start()
        end.close()
        self.images: np.ndarray = self._connection.recv()
        self.seconds: list[float] = []
        time.sleep(PAUSE)

    def take_turn(self) -> None:
        """Translate once, and record the seconds."""
        self._connection.send(True)
        self.seconds.append(self._connection.recv())
        time.sleep(PAUSE)

    def stop(self) -> None:
        """End the process."""
        self._connection.send(False)
        self._process.join()


def serve(name: str, task: Task, connection: Connection) -> None:
    """Send the images of a first translation, then the seconds of another one at each request."""
    torch.set_num_threads(task.threads)
    translate = make_translate(name, task)
    connection.send(translate())
    while connection.recv():
        started = time.perf_counter()
        translate()
        connection.send(time.perf_counter() - started)


def row(engine: Engine, exact: Engine, fast: Engine) -> dict[str, Any]:
    """The results of an engine."""
    return {
        "seconds": {name: round(of(engine.seconds), 4) for name, of in SUMMARIES.items()},
        "x_over_fast": {name: round(of(engine.seconds) / of(fast.seconds), 3) for name, of in SUMMARIES.items()},
        "gray_levels": float(f"{np.abs(engine.images - exact.images).max() * 127.5:.2g}"),
    }


def make_translate(name: str, task: Task) -> Translate:
    """The translation by the engine of that name."""
    others: dict[str, Callable[[Task], Translate]] = {
        "original": original_munit if task.munit else original_cyclegan,
        "onnxruntime": onnxruntime,
        "openvino": openvino,
        "ncnn": ncnn,
    }
    return others[name](task) if name in others else ours(task, name)


def ours(task: Task, precision: Any) -> Translate:
    model = munit() if task.munit else ResnetCyclegan(CycleganConfig(), {"A": generator()})
    arithmetic = find_arithmetic(precision, CPU)
    model.place(CPU, arithmetic.dtype)
    image, codes = task.image(), styles() if task.munit else None
    return lambda: torch.cat(list(each_fast(model.translate(image, "B", codes), arithmetic.fast))).numpy()


def original_cyclegan(task: Task) -> Translate:
    network, image = plain_generator(), task.image()

    @torch.inference_mode()
    def translate() -> np.ndarray:
        images: np.ndarray = network(image).numpy()
        return images

    return translate


def original_munit(task: Task) -> Translate:
    assert task.original
    with original_code(task.original, CPU) as trainer:
        a, b = (trainer.AdaINGen(3, dataclasses.asdict(MunitConfig())) for _ in "ab")
    weights, image, codes = munit().tensors(), task.image(), torch.split(styles(), 1)
    load_weights(a, weights, "a.")
    load_weights(b, weights, "b.")

    @torch.inference_mode()
    def translate() -> np.ndarray:
        content, _ = a.encode(image)
        return torch.cat([b.decode(content, code) for code in codes]).numpy()

    return translate


def onnxruntime(task: Task) -> Translate:
    package, image = import_module("onnxruntime"), task.image().numpy()
    options = package.SessionOptions()
    options.intra_op_num_threads = task.threads
    session = package.InferenceSession(task.folder / "generator.onnx", options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"image": image})[0]


def openvino(task: Task) -> Translate:
    image = task.image().numpy()
    options = {
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_NUM_THREADS": task.threads,
        "INFERENCE_PRECISION_HINT": "f32",
    }
    model = import_module("openvino").Core().compile_model(task.folder / "generator.onnx", "CPU", options)
    return lambda: model(image)[0]


def ncnn(task: Task) -> Translate:
    package, image = import_module("ncnn"), task.image()[0].numpy()
    network = package.Net()
    network.opt.num_threads = task.threads
    for half in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage"):
        setattr(network.opt, half, False)
    network.load_param(str(task.folder / "generator.ncnn.param"))
    network.load_model(str(task.folder / "generator.ncnn.bin"))

    def translate() -> np.ndarray:
        with network.create_extractor() as extractor:
            extractor.input("in0", package.Mat(image))  # It reads the memory of `image`, which must stay.
            return np.array(extractor.extract("out0")[1])[None]

    return translate


def write_network(task: Task, names: Sequence[str]) -> None:
    """Write CycleGAN's generator in the formats of the peers among `names`."""
    network, image = plain_generator(), task.image()
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The exporters warn about their own internals.
        if {"onnxruntime", "openvino"} & set(names):
            file = task.folder / "generator.onnx"
            torch.onnx.export(network, (image,), file, input_names=["image"], dynamo=True, verbose=False)
        if "ncnn" in names:
            torch.jit.trace(network, image).save(task.folder / "generator.pt")  # type: ignore[no-untyped-call]
            options = [f"inputshape=[1,3,{task.size},{task.size}]", "fp16=0"]
            command = [import_module("pnnx").EXEC_PATH, "generator.pt", *options]
            subprocess.run(command, cwd=task.folder, check=True, capture_output=True)


def generator() -> Generator:
    """CycleGAN's generator with its initial weights."""
    with seeded(0):
        return initialize(Generator(CycleganConfig()), "gaussian").eval()


def plain_generator() -> nn.Module:
    """CycleGAN's generator of torch's own layers. Outside of `fast_arithmetic`, our convolution is torch's."""
    network, channels = generator(), 0
    for name, layer in list(network.named_modules()):
        if isinstance(layer, InstanceNorm):
            network.set_submodule(name, nn.InstanceNorm2d(channels))
        elif isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            channels = layer.out_channels
    return network.eval()


def munit() -> Munit:
    """MUNIT with its initial weights."""
    config = MunitConfig()
    with seeded(0):
        return Munit(config, make_generators(partial(munit_networks.Generator, config), "kaiming"))


def styles() -> Tensor:
    """Style codes (S, style_dim)."""
    with seeded(0):
        return torch.randn(STYLES, MunitConfig().style_dim)


if __name__ == "__main__":
    main()
