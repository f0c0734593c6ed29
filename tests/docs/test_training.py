"""What the pages say of training is what the code does."""

import json
import os
import re
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from imgxlate import checkpoint
from imgxlate.config import flattened, keys, overridden
from imgxlate.data.batch import Batch
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.spec import TrainingConfig
from imgxlate.paths import assets_dir
from imgxlate.training import seeding
from imgxlate.training.distributed import World
from imgxlate.training.run_folder import RunFolder

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "training.md"
OPTIONS = DOCS / "training-options.md"
DEVICES = DOCS / "training-devices.md"
METHODS = [name for name in registry.BUILT_IN if registry.find(name).training]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def section(page, title):
    """What stands under a heading, up to the next one of its level or above."""
    found = re.search(rf"^(#+) {title}\n(.*)", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return re.split(rf"^#{{1,{len(found[1])}}} ", found[2], maxsplit=1, flags=re.MULTILINE)[0]


def rows(text, first):
    """The cells of the table rows whose first cell matches `first`."""
    tables = ([cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line[:1] == "|")
    return [cells for cells in tables if re.fullmatch(first, cells[0])]


def default(method):
    return next(iter(registry.find(method).training.presets.values()))


def created(method, config):
    """A training, with the feature network that its configuration names."""
    features = checkpoint.read(assets_dir() / f"{config.features}.safetensors") if config.features else None
    return registry.trainable(registry.find(method)).create(config, features)


def quickly_created(method, config):
    """A training whose initial weights are drawn fast."""
    return created(method, replace(config, init="gaussian") if hasattr(config, "init") else config)


def option_row(key, value, about):
    rule = "stays" if about.fixed else "stays 0, or above" if about.switch else ""
    shown = (
        "none" if value is None else value if isinstance(value, str) and value else json.dumps(value)
    )  # as for --set
    return [f"`{key}`", shown, about.doc, about.source, rule]


def test_the_page_has_every_option_that_all_methods_have():
    about, values = keys(TrainingConfig), flattened(TrainingConfig())
    assert rows(section(OPTIONS, "Options for every method"), "`.*`") == [
        option_row(key, values[key], about[key]) for key in about
    ]


@pytest.mark.parametrize("method", METHODS)
def test_a_methods_page_has_the_options_that_are_its_own(method):
    shared = flattened(TrainingConfig())
    config = default(method)
    about, values = keys(type(config)), flattened(config)
    own = [key for key, value in values.items() if key not in shared or value != shared[key]]
    assert rows(section(DOCS / f"methods/{method}.md", "Training options"), "`.*`") == [
        option_row(key, values[key], about[key]) for key in own
    ]


def test_the_page_has_every_preset_with_its_size():
    sizes = {}
    expected = []
    for method in METHODS:
        spec = registry.find(method)
        for name, config in spec.training.presets.items():
            if config.gen not in sizes:
                tensors = quickly_created(method, config).generators().values()
                sizes[config.gen] = sum(tensor.numel() for tensor in tensors) * 4 / 1e6
            crop = f"{config.data.crop_height} x {config.data.crop_width}"
            expected.append([method, f"`{name}`", crop, f"{config.iterations:,}", f"{sizes[config.gen]:.1f} MB"])
    table = rows(section(OPTIONS, "Presets"), "|".join(METHODS))
    assert [cells[:5] for cells in table] == expected
    assert all(cells[5] for cells in table)


@pytest.mark.parametrize("method", METHODS)
def test_a_methods_page_names_every_loss_that_a_step_gives(method):
    spec = registry.find(method)
    config = spec.training.presets["tiny"]
    penalized = {key: 1.0 for key in keys(type(config)) if key.rpartition(".")[2] == "r1_w"}
    trainable = created(method, overridden(config, penalized))
    batch = Batch(*torch.rand(2, 1, 3, 64, 64).mul(2).sub(1), (), ())
    noise = seeding.make_noise(0, 0, [0], torch.device("cpu"))
    losses = trainable.train_step(batch, StepContext(0, noise, seeding.make_random(0, 0), World(0, 1)))
    named = rows(section(DOCS / f"methods/{method}.md", "Losses"), "`.*`")
    assert {name for cells in named for name in re.findall(r"`(\w+)`", cells[0])} == losses.keys()


def test_the_page_has_every_file_of_a_run():
    run = RunFolder(Path())
    evaluations = (run.quality, run.quality_curves, run.best)
    files = (run.config, run.history, run.losses, run.split, *evaluations, run.sample_at(1000), run.checkpoint_at(1000))
    table = rows(section(PAGE, "The run folder"), "`.*`")
    named = {name for cells in table for name in re.findall(r"`([^`]+)`", cells[0])}
    assert named == {str(path) for path in (*files, run.model, run.latest_sample)} | {f"{run.tensorboard}/"}


def script():
    return next(code for language, code in BLOCK.findall(DEVICES.read_text(encoding="utf-8")) if language == "bash")


def test_the_batch_script_has_valid_syntax():
    subprocess.run(["bash", "-n"], input=script(), text=True, check=True)


def test_torchrun_has_the_options_that_the_page_shows():
    from torch.distributed import run

    lines = DEVICES.read_text(encoding="utf-8").replace("\\\n", " ").splitlines()
    shown = [line.split("torchrun ", 1)[1].split() for line in lines if re.match(r"(srun .*)?torchrun .*-m ", line)]
    assert len(shown) >= 3
    for words in shown:
        assert run.parse_args(words).training_script == "imgxlate"


@pytest.fixture
def submitted(tmp_path):
    """Start the page's batch script as Slurm would; gives the process, and a file of what its programs were told."""
    told = tmp_path / "told.txt"
    programs = {
        "srun": 'echo "srun $*" >> "$TOLD"; while [ ! -e "$TOLD.stop" ]; do sleep 0.05; done; exit "$STATUS"',
        "scancel": 'echo "scancel $*" >> "$TOLD"; touch "$TOLD.stop"',
        "scontrol": 'echo "scontrol $*" >> "$TOLD"; echo node1; echo node2',
    }
    for name, code in programs.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{code}\n")
        (tmp_path / name).chmod(0o755)

    def start(status):
        environment = os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}", "TOLD": str(told), "STATUS": status}
        slurm = {"JOB_ID": "7", "JOB_NODELIST": "node[1-2]", "NNODES": "2", "CPUS_PER_TASK": "32"}
        environment |= {f"SLURM_{name}": value for name, value in slurm.items()}
        return subprocess.Popen(["bash", "-c", script()], env=environment), told

    return start


def wait_for(told, word):
    while not told.exists() or word not in told.read_text():
        time.sleep(0.02)


def test_the_batch_script_saves_and_requeues_when_its_time_is_nearly_up(submitted):
    process, told = submitted("1")
    wait_for(told, "srun")
    process.send_signal(signal.SIGUSR1)
    assert process.wait(timeout=60) == 1
    assert told.read_text().splitlines()[2:] == ["scancel --signal=TERM 7", "scontrol requeue 7"]
    assert "--rdzv-endpoint node1:29500" in told.read_text()


@pytest.mark.parametrize("status", ["0", "1"])
def test_the_batch_script_exits_with_the_code_of_the_training(submitted, status):
    process, told = submitted(status)
    told.with_name("told.txt.stop").touch()
    assert process.wait(timeout=60) == int(status)
    assert "requeue" not in told.read_text()
