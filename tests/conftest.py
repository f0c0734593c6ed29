"""What tests all over share."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings
from PIL import Image
from processes import launcher  # noqa: F401 (a fixture)
from shim import shim  # noqa: F401 (a fixture)
from typer.testing import CliRunner

settings.register_profile("imgxlate", deadline=None)  # The first call of a library may take seconds.
settings.load_profile("imgxlate")

GOLDEN = Path(__file__).parent / "golden"

# Folders and modules whose tests take long: they start processes, train, paint or render.
SLOW = (
    "chaos/",
    "distributed/",
    "examples/",
    "faults/",
    "scripts/",
    "cli/test_compare.py",
    "cli/test_fast_painting.py",
    "cli/test_film.py",
    "cli/test_large_images.py",
    "cli/test_neural_style",
    "cli/test_recording.py",
    "cli/test_other_images.py",
    "cli/test_sample_styles.py",
    "cli/test_source_tree.py",
    "cli/test_startup.py",
    "cli/test_train.py",
    "docs/test_batch.py",
    "docs/test_docstrings.py",
    "docs/test_film.py",
    "docs/test_instant_style.py",
    "docs/test_plugins.py",
    "evaluate/test_report_in_browser.py",
    "export/test_write.py",
    "methods/gatys/test_method.py",
    "methods/gatys/test_objective.py",
    "training/test_plots.py",
    "training/test_run.py",
    "training/test_trainer.py",
    "weights/test_processes.py",
    "test_vision.py",
)


def pytest_collection_modifyitems(items):
    """Mark the slow tests."""
    root = Path(__file__).parent
    for item in items:
        if item.path.relative_to(root).as_posix().startswith(SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture
def golden():
    """The folder of what the original implementations gave."""
    return GOLDEN


@pytest.fixture(autouse=True)
def _cache(tmp_path_factory, monkeypatch):
    """No test sees or leaves anything in the user's cache and data folders, or meets the user's settings."""
    monkeypatch.setenv("IMGXLATE_CACHE", str(tmp_path_factory.mktemp("cache")))
    monkeypatch.setenv("IMGXLATE_DATA", str(tmp_path_factory.mktemp("data")))
    for name in ("IMGXLATE_OFFLINE", "IMGXLATE_THREADS", "FORCE_COLOR", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def _memory(monkeypatch):
    """A command in the process of the tests leaves its memory as it is: other tests measure it."""
    monkeypatch.setattr("imgxlate.memory.keep_freed_memory", lambda: None)


@pytest.fixture
def run():
    """Run a command line in this process; the result has exit_code, stdout, stderr and stdout_bytes."""
    from imgxlate.cli.app import app

    runner = CliRunner()

    def invoke(*arguments, stdin=None):
        result = runner.invoke(app, [str(argument) for argument in arguments], input=stdin)
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return invoke


@pytest.fixture
def command():
    """The command line of a real process, for subprocess."""

    def build(*arguments):
        return [sys.executable, "-m", "imgxlate", *map(str, arguments)]

    return build


@pytest.fixture
def heed_signals():
    """For `preexec_fn`: what runs the tests, such as nohup or a shell's background job, may have signals ignored."""

    def restore():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)

    return restore


@pytest.fixture
def unmeasured():
    """The environment of a process that signals are sent to.

    Coverage is not measured there: an exception out of a signal handler can leave the measurement's own lock taken.
    """
    measured = ("COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")
    return {name: value for name, value in os.environ.items() if name not in measured} | {"OMP_NUM_THREADS": "1"}


@pytest.fixture
def run_process(launcher):  # noqa: F811 (the fixture)
    """Run a command line in a process of its own, which a launcher forks; streams are bytes."""

    def invoke(*arguments, stdin=b"", **environment):
        words = [launcher.program, *map(str, arguments)]
        return subprocess.run(words, input=stdin, capture_output=True, env=os.environ | environment, timeout=120)

    return invoke


@pytest.fixture
def run_afresh(command, unmeasured):
    """Run a command line in a new interpreter, as a user does."""

    def invoke(*arguments):
        return subprocess.run(command(*arguments), capture_output=True, env=unmeasured, timeout=120)

    return invoke


@pytest.fixture(scope="session")
def in_bands():
    """Compute stages for a map (1, C, H, W) in bands, with `maps` bytes for maps and `band` bytes for a band."""
    import torch

    from imgxlate.nn.maps import BlockPool, Map, Shape
    from imgxlate.nn.passes import Shares, plan_passes, run_passes

    def compute(stages, x, *, maps, band):
        rows, shape = [], Shape(*x.shape[1:])
        source = Map(shape, BlockPool(2 * x.nbytes, shape.row_bytes, x.device))
        source.append(x)
        with torch.inference_mode():
            passes = plan_passes(stages, shape, Shares(maps, band))
            with contextlib.closing(BlockPool(maps, max(step.longest_row for step in passes), x.device)) as pool:
                run_passes(passes, source, rows.append, pool)
        return torch.cat(rows, 2)

    return compute


@pytest.fixture(scope="session")
def randomize():
    """Give the parameters and statistics of a network values as training leaves them, and prepare it for use."""
    import torch
    from torch import nn

    def fill(network, seed=0):
        generator = torch.Generator().manual_seed(seed)

        def uniform(tensor, low, high):
            tensor.copy_(torch.rand(tensor.shape, generator=generator) * (high - low) + low)

        with torch.no_grad():
            for part in network.modules():
                if isinstance(part, nn.Conv2d | nn.ConvTranspose2d | nn.Linear):
                    bound = (3 / (part.weight[0].numel())) ** 0.5
                    uniform(part.weight, -bound, bound)
                    if part.bias is not None:
                        uniform(part.bias, -0.5, 0.5)
                    continue
                for name, tensor in [*part.named_parameters(recurse=False), *part.named_buffers(recurse=False)]:
                    if tensor.is_floating_point():
                        is_shift = name in ("bias", "beta", "running_mean")
                        uniform(tensor, *((-0.5, 0.5) if is_shift else (0.5, 1.5)))
        return network.eval().requires_grad_(requires_grad=False)

    return fill


@pytest.fixture(scope="session")
def adain(tmp_path_factory):
    """The file of a small model of AdaIN with random weights."""
    from imgxlate import checkpoint
    from imgxlate.methods.adain.networks import Decoder
    from imgxlate.nn.initialization import seeded

    with seeded(0):
        tensors = {f"decoder.{name}": tensor for name, tensor in Decoder("relu2_1").state_dict().items()}
    path = tmp_path_factory.mktemp("adain") / "adain.safetensors"
    checkpoint.write(path, tensors, {"method": "adain", "architecture": {"layer": "relu2_1"}})
    return path


@pytest.fixture
def photo(tmp_path):
    """Draws smooth random images into files."""

    def draw(name="photo.png", size=(48, 64), seed=0, **save):
        rng = np.random.default_rng(seed)
        coarse = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse.resize((size[1], size[0]), Image.Resampling.BICUBIC).save(path, **save)
        return path

    return draw


@pytest.fixture
def pixels():
    """The pixels of an image file, (H, W, C) as integers that can be subtracted."""

    def read(path):
        return np.asarray(Image.open(path)).astype(int)

    return read


@pytest.fixture
def golden_model(golden):
    """The file of the small generators of a method, as the original wrote it."""

    def find(method):
        files = (file for pattern in ("gen_*.pt", "*_net_G*.pth") for file in (golden / method).glob(pattern))
        return min(files)

    return find


@pytest.fixture
def generators(golden_model):
    """The spec, the tensors and the header of a method's small generators."""

    from imgxlate import checkpoint
    from imgxlate.inference.loading import model_header
    from imgxlate.methods import registry

    def load(method, domains=("summer", "winter")):
        spec = registry.find(method)
        opened = checkpoint.read(golden_model(method))
        translator = registry.implementation(spec).from_checkpoint(opened, {})
        return spec, translator.tensors(), model_header(method, translator.config, domains, "B")

    return load


@pytest.fixture(scope="session")
def inception_file(tmp_path_factory):
    """InceptionV3 with random weights, in a file as torch-fidelity publishes them."""
    import torch

    from imgxlate.vision import torchvision

    torchvision()
    from torchmetrics.image.fid import NoTrainInceptionV3

    file = tmp_path_factory.mktemp("inception") / "weights-inception-2015-12-05-6726825d.pth"
    torch.save({}, file)
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng():
        torch.manual_seed(0)
        patch.setattr(NoTrainInceptionV3, "load_state_dict", lambda *_: None)
        network = NoTrainInceptionV3("inception-v3-compat", ["2048"], str(file))
    torch.save(network.state_dict(), file)
    return file
