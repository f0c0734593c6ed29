"""Command lines that write files, for tests in which their calls fail or the power does.

Each begins in a folder of its own, gives results that can be compared, and may be typed again after a failure.
"""

import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from processes import Launched, Launcher
from safetensors.torch import save_file

from imgxlate import checkpoint
from imgxlate.training import history

GOLDEN = Path(__file__).parent.parent / "golden"
_TRAIN = (
    "train cyclegan data --out run --preset tiny --device cpu --precision fp32 --workers 0 --resume "
    "--checkpoint-every 2 --set sample_every=100 --set display_size=1 --set data.crop_height=32 "
    "--set data.crop_width=32 --set gen.ngf=4 --set gen.n_blocks=1 --set ndf=4 --iterations"
)
_VOLATILE = (".lock", ".sqlite", ".sqlite-journal")  # locks, and caches that any run may leave out


@dataclass(frozen=True)
class Command:
    """A command line, and what its folder holds before."""

    line: str
    prepare: Callable[[Path], None]
    codes: tuple[int, ...]  # the exit codes that it may end with if a call fails
    before: str | None = None  # a command line that ran before
    varies: bool = False  # whether its files depend on how far it came, such as the model of a run
    once: bool = False  # whether it refuses to replace its own result


@dataclass
class Bench:
    """Runs command lines in copies of prepared folders."""

    launcher: Launcher
    root: Path
    catalogue: Path
    _templates: dict[str, Path] = field(default_factory=dict)
    _count: int = 0

    def folder(self, name: str) -> Path:
        """A new copy of the folder in which a command begins."""
        if name not in self._templates:
            template = self.root / name
            template.mkdir()
            command = COMMANDS[name]
            command.prepare(template)
            if command.before:
                process = self.start(command.before, template)
                assert process.wait() == 0, process.errors
            self._templates[name] = template
        self._count += 1
        return Path(shutil.copytree(self._templates[name], self.root / f"{name}-{self._count}", copy_function=_copy))

    def start(self, line: str, folder: Path, shim: tuple[str | int, ...] | None = None) -> Launched:
        """Start a command line in a folder."""
        log = folder.with_name(f"{folder.name}.log")
        log.unlink(missing_ok=True)
        places = {"IMGXLATE_CACHE": str(folder / "cache"), "IMGXLATE_DATA": str(folder / "share")}
        environment = places | {"NO_PROXY": "127.0.0.1"}
        more = {"folder": str(folder), "environment": environment}
        if "toy" in line:
            more["catalogue"] = str(self.catalogue)
        return self.launcher.start(line.split(), log, shim=shim or ("shim_fail", str(folder), "/dev/null"), **more)


def values(folder: Path) -> dict[str, Any]:
    """What all visible files below `folder` hold, by their names, without times. A file that is not whole is an error.

    Locks, caches and downloads that are not finished are left out.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder): path for path in files}
    return {str(name): _value(path) for name, path in names.items() if _is_visible(name)}


def wrong_files(command: Command, before: Mapping[str, Any], whole: Mapping[str, Any], folder: Path) -> Iterator[str]:
    """What is wrong with the files that a command left when it ended early.

    `before` are the `values` of the folder in which it began, and `whole` those after a run that nothing disturbed.
    """
    try:
        left = values(folder)
    except Exception as error:
        yield f"a file is not whole: {error!r}"
        return
    for path in before.keys() - left.keys():
        yield f"{path} is gone"
    for path, value in left.items():
        if path not in whole:
            yield f"{path} should not be there"
        elif not command.varies and value not in (whole[path], before.get(path)):
            yield f"{path} is neither as it was nor as it should be"


def _is_visible(name: Path) -> bool:
    return not (name.suffix in _VOLATILE or "partial" in name.parts or any(part.startswith(".") for part in name.parts))


def _value(path: Path) -> Any:
    if path.suffix == ".toml":
        return re.sub(r'"/[^"]*/', '"', path.read_text())  # Without the folder in which it was written.
    if path.suffix in (".safetensors", ".pt", ".pth") and path.name != "toy.pth":
        return checkpoint.payload_sha256(checkpoint.read(path).tensors)
    if path.name == "history.jsonl":
        return [(entry.step, entry.losses) for entry in history.read(path)]
    if path.name == "losses.png":
        return Image.open(path).convert("RGB").size
    if path.suffix == ".html":
        return path.read_text().rstrip().endswith("</html>") or path.read_text()
    if path.name == "metrics.csv":
        return [line.count(",") for line in path.read_text().splitlines()]
    if path.suffix == ".json":
        return _without_times(json.loads(path.read_bytes()))
    return path.read_bytes()


def _without_times(document: Any) -> Any:
    """A document without times, measurements, and the folder in which it was written."""
    if isinstance(document, Mapping):
        left_out = ("date", "mtime_ns", "source", "numbers", "url")
        return {key: _without_times(value) for key, value in document.items() if key not in left_out}
    return [_without_times(value) for value in document] if isinstance(document, list) else document


def _copy(source: str, target: str) -> None:
    shutil.copy2(source, target)


def draw(path: Path, seed: int, size: tuple[int, int] = (48, 64)) -> None:
    """Draw a smooth random image into a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize(size[::-1], Image.Resampling.BICUBIC).save(path)


def _inputs(folder: Path) -> None:
    for index, name in enumerate(("0.png", "1.png", "deep/2.png")):
        draw(folder / "in" / name, index)
    shutil.copy(GOLDEN / "munit" / "gen_00000001.pt", folder / "gen.pt")


def _inputs_and_results(folder: Path) -> None:
    _inputs(folder)
    code = json.loads((GOLDEN / "munit" / "styles.json").read_bytes())["styles"][0]
    (folder / "styles.json").write_text(json.dumps({"styles": [code]}))
    shutil.copytree(folder / "in", folder / "out")
    for path in (folder / "out").rglob("*.png"):
        path.rename(path.with_suffix(".munit.png"))


def _comparison(folder: Path) -> None:
    """Inputs and models. Of the originals' files, each tensor is read by calls of its own, which `translate` tries."""
    _inputs(folder)
    shutil.rmtree(folder / "in" / "deep")
    for name in ("munit/gen_00000001.pt", "cyclegan/latest_net_G_A.pth", "cyclegan/latest_net_G_B.pth"):
        file = GOLDEN / name
        save_file(dict(checkpoint.read(file).tensors), folder / f"{file.stem}.safetensors")


def _training_data(folder: Path) -> None:
    for seed, name in enumerate(("trainA/0", "trainA/1", "trainB/0", "trainB/1")):
        draw(folder / "data" / f"{name}.png", seed)


def _training_data_to_split(folder: Path) -> None:
    _training_data(folder)
    (folder / "made").mkdir()


def _models(folder: Path) -> None:
    shutil.copy(GOLDEN / "munit" / "gen_00000001.pt", folder / "gen.pt")
    shutil.copy(GOLDEN / "munit" / "config.yaml", folder)
    shutil.copy(GOLDEN / "munit" / "after" / "gen_00000003.pt", folder / "other.pt")


def _nothing(folder: Path) -> None:
    (folder / "cache").mkdir()


_MODEL = "--checkpoint gen.pt --device cpu"
COMMANDS = {
    "translate": Command(
        f"translate munit in -o out --skip-existing --save-styles styles.json {_MODEL}", _inputs, (2, 3, 4, 6, 9)
    ),
    "translate over": Command(
        f"translate munit in -o out --overwrite --styles styles.json --to A {_MODEL}",
        _inputs_and_results,
        (2, 3, 4, 6, 9),
    ),
    "train": Command(f"{_TRAIN} 4", _training_data, (2, 3, 6, 9), varies=True),
    "resume": Command(f"{_TRAIN} 4", _training_data, (2, 3, 6, 9), before=f"{_TRAIN} 2", varies=True),
    "compare": Command(
        "compare in -o out --methods munit,cyclegan --model munit=gen_00000001.safetensors "
        "--model cyclegan=latest_net_G_A.safetensors --metrics none --overwrite --n-styles 1",
        _comparison,
        (3, 4, 6, 9),
        varies=True,
    ),
    "download": Command("weights download toy", _nothing, (5,)),
    "import": Command("weights import mine gen.pt --method munit --config config.yaml", _models, (2, 5, 6)),
    "import over": Command(
        "weights import mine gen.pt --method munit --overwrite",
        _models,
        (2, 5, 6),
        before="weights import mine other.pt --method munit",
    ),
    "split": Command("data split data --test 1 --out made/parts", _training_data_to_split, (2, 3, 4, 9), once=True),
    "export": Command("weights export gen.pt --format originals -o out --overwrite", _models, (6, 9)),
}
