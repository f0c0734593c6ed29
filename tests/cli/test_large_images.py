"""Large images in the commands: what they print, and real processes with little memory or little disk."""

import contextlib
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgxlate import checkpoint
from imgxlate.cli import progress
from imgxlate.inference.loading import model_header
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.method import ResnetCyclegan
from imgxlate.methods.cyclegan.networks import Generator

linux = pytest.mark.skipif(sys.platform != "linux", reason="open files and limits are read as Linux shows them")

PATIENCE = 120  # seconds

IN_BANDS = re.compile(r"^(\S+): (\d+) megapixels, in (\d+) bands of rows to save memory, about ", re.MULTILINE)


@pytest.fixture
def munit(golden):
    return ("munit", "--checkpoint", golden / "munit" / "gen_00000001.pt")


@pytest.fixture
def inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def little(monkeypatch):
    """A budget that a small photo takes in whole, and one of 200 x 200 pixels does not."""
    monkeypatch.setattr("imgxlate.memory.budget", lambda device, limit, needed: 2_000_000)


@pytest.fixture
def scratch(tmp_path):
    folder = tmp_path / "scratch"
    folder.mkdir()
    return folder


@pytest.mark.parametrize("amount", ["4XB", "much", "0", "-1GB", ""])
def test_an_amount_that_is_none_is_a_usage_error(run, munit, photo, inside, amount):
    result = run("translate", *munit, photo(), "--memory", amount)
    assert result.exit_code == 2
    assert f"{amount!r} is not an amount of memory" in result.stderr
    assert "--memory 4GB" in result.stderr


def test_a_large_image_has_one_line_and_a_small_one_none(run, munit, photo, inside, little):
    paths = photo("large.png", size=(200, 200)), photo("small.png", size=(24, 24))
    result = run("translate", *munit, *paths, "--n-styles", 3)
    assert result.exit_code == 0
    assert [match[0] for match in IN_BANDS.findall(result.stderr)] == [str(paths[0])]


def test_sample_styles_prints_the_line_too(run, munit, photo, inside, little):
    result = run("sample-styles", *munit, photo(size=(200, 200)), "--n-styles", 2)
    assert result.exit_code == 0
    assert len(IN_BANDS.findall(result.stderr)) == 1


def test_quiet_prints_nothing_and_json_stays_on_stdout(run, munit, photo, inside, little, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    path = photo(size=(200, 200))
    result = run("translate", *munit, path, "-q", "-o", "a.png")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")
    result = run("translate", *munit, path, "--json", "-o", "b.png")
    assert json.loads(result.stdout)["output"] == "b.png"
    assert len(IN_BANDS.findall(result.stderr)) == 1


def test_a_log_shows_which_part_of_the_image_is_done(run, munit, photo, inside, little, monkeypatch):
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    result = run("translate", *munit, photo(size=(200, 200)))
    parts = [int(part) for part in re.findall(r"^munit: 0 of 1 images, .*photo\.png, (\d+)%$", result.stderr, re.M)]
    assert len(parts) > 5
    assert parts == sorted(parts)


@contextlib.contextmanager
def begun(command, scratch, environment, **options):
    """A process that has opened a scratch file."""
    variables = environment | {"OMP_NUM_THREADS": "1", "TMPDIR": str(scratch)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=variables, **options)
    deadline = time.monotonic() + PATIENCE
    try:
        while not any(str(scratch) in _target(link) for link in Path(f"/proc/{process.pid}/fd").glob("*")):
            assert process.poll() is None, process.communicate(timeout=PATIENCE)
            assert time.monotonic() < deadline, "the process has opened no scratch file"
            time.sleep(0.01)
        yield process
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def limited(command, **limits):
    """The command line of a process with limits in bytes, such as data=10**9.

    With `preexec_fn`, Python code would run between fork and exec, where it may wait forever for a lock that another
    thread of the tests held.
    """
    return ["prlimit", *(f"--{name}={size}" for name, size in limits.items()), *command]


def _target(link):
    try:
        return str(link.readlink())
    except OSError:  # It was closed meanwhile.
        return ""


@pytest.fixture
def slow(command, munit, photo, tmp_path):
    """A command that works row by row, for many seconds."""
    arguments = ("--memory", "1KB", "--n-styles", 2, "-o", tmp_path / "out/")
    return command("translate", *munit, photo(size=(400, 300)), *arguments)


@linux
@pytest.mark.parametrize(("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_that_is_stopped_leaves_nothing(slow, scratch, tmp_path, heed_signals, unmeasured, number, code):
    with begun(slow, scratch, unmeasured, preexec_fn=heed_signals) as process:
        process.send_signal(number)
        _, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == code
    assert list(scratch.iterdir()) == []
    assert list((tmp_path / "out").glob("*")) == []
    assert b"Traceback" not in errors
    assert b"Warning" not in errors


@linux
def test_two_processes_at_once_do_not_disturb_each_other(command, munit, photo, scratch, tmp_path, pixels, run):
    path = photo(size=(120, 90))
    run("translate", *munit, path, "-o", tmp_path / "whole.png")
    outputs = [tmp_path / f"{name}.png" for name in "ab"]
    lines = [command("translate", *munit, path, "--memory", "1KB", "-o", output) for output in outputs]
    with contextlib.ExitStack() as stack:
        for process in [stack.enter_context(begun(line, scratch, os.environ)) for line in lines]:
            _, errors = process.communicate(timeout=PATIENCE)
            assert process.returncode == 0, errors
    for output in outputs:
        assert abs(pixels(output) - pixels(tmp_path / "whole.png")).max() <= 1
    assert list(scratch.iterdir()) == []


@linux
def test_a_full_disk_is_a_device_error_with_a_hint(command, munit, photo, scratch, tmp_path):
    line = command("translate", *munit, photo(size=(200, 150)), "--memory", "1KB", "-o", tmp_path / "out.png")
    done = subprocess.run(
        limited(line, fsize=50_000),
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(scratch)},
        timeout=PATIENCE,
    )
    assert done.returncode == 7, done.stderr
    assert f"the scratch file in {scratch} cannot be written: File too large" in done.stderr
    assert "Set TMPDIR to a folder with more space" in done.stderr
    assert "Warning" not in done.stderr
    assert list(scratch.iterdir()) == []
    assert not (tmp_path / "out.png").exists()


@linux
def test_each_image_of_a_batch_has_the_same_memory(command, unmeasured, photo, tmp_path):
    paths = [photo(f"{seed}.png", size=(1000, 700), seed=seed) for seed in range(3)]
    arguments = command("translate", "munit", *paths, "--memory", "500MB", "-o", tmp_path / "out/")
    result = subprocess.run(arguments, capture_output=True, text=True, env=unmeasured, timeout=PATIENCE)
    assert result.returncode == 0, result.stderr
    counts = [int(bands) for _, _, bands in IN_BANDS.findall(result.stderr)]
    assert len(counts) == 3
    assert max(counts) <= 2 * counts[0]


@linux
def test_neural_style_under_a_hard_limit_on_memory(command, photo, tmp_path):
    photos = photo("content.png", size=(384, 512)), photo("style.png", size=(384, 512), seed=1)
    options = ("--size", 512, "--scales", 1, "--iterations", 1, "-o", tmp_path / "out.png")
    done = subprocess.run(
        limited(command("neural-style", *photos, *options), data=800_000_000),  # At once, it takes 900 MB.
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        timeout=PATIENCE,
    )
    assert done.returncode == 0, done.stderr
    assert "512x384 pixels: in bands of rows" in done.stderr


LIMIT = 1_500_000_000  # bytes of private memory


@linux
def test_24_megapixels_under_a_hard_limit_on_memory(command, tmp_path, randomize):
    config = CycleganConfig(ngf=4, n_blocks=1)
    model = ResnetCyclegan(config, {"A": randomize(Generator(config)), "B": randomize(Generator(config), 1)})
    checkpoint.write(
        tmp_path / "narrow.safetensors", model.tensors(), model_header("cyclegan", config, ("summer", "winter"), "B")
    )
    coarse = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((6000, 4000), Image.Resampling.BICUBIC).save(tmp_path / "photo.bmp")

    def translate(name, *options, **limits):
        files = (tmp_path / "photo.bmp", "--checkpoint", tmp_path / "narrow.safetensors", "-o", tmp_path / name)
        done = subprocess.run(
            limited(command("translate", "cyclegan", *files, "--precision", "fp32", *options), **limits),
            capture_output=True,
            text=True,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            timeout=2 * PATIENCE,  # 24 megapixels take half a minute on an idle machine.
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    assert not IN_BANDS.search(translate("whole.bmp", "--memory", "100GB"))
    assert 1024 * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss > LIMIT
    assert IN_BANDS.search(translate("banded.bmp", data=LIMIT))
    whole = np.asarray(Image.open(tmp_path / "whole.bmp"))
    assert whole.shape == (4000, 6000, 3)
    banded = np.asarray(Image.open(tmp_path / "banded.bmp"))
    assert max(np.abs(one.astype(int) - other).max() for one, other in zip(whole, banded, strict=True)) <= 1
