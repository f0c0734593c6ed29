"""Check that a change alters no result: record the results of the commands before and after it, and compare.

    python scripts/same_results.py record before.json --source ../before/src
    python scripts/same_results.py record after.json
    python scripts/same_results.py compare before.json after.json

For each of some ninety invocations, a record has the exit code, the first line of an error, the lines of `--json`, and
a sha256 of every written file. For each command it also has the arguments and the options with their defaults. Measured
times and memory, dates and the versions of packages are left out. Make both records on the same machine.
"""

import argparse
import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
PHOTOS = ROOT / "examples" / "photos"
STYLES = ROOT / "examples" / "styles"
GOLDEN = ROOT / "tests" / "golden"

# Keys of JSON documents whose values differ from run to run, or with what is installed.
VOLATILE = frozenset({"seconds", "memory", "time", "date", "facts", "path", "document", "asset", "imgxlate", "summary"})

# Lists every option of every command in a process of the recorded source.
LIST_FLAGS = """
import json, typer
from imgxlate.cli.app import app
def describe(command, path):
    rows = {}
    for parameter in command.params:
        rows[parameter.name] = {
            "opts": sorted([*parameter.opts, *parameter.secondary_opts]), "default": repr(parameter.default),
            "required": parameter.required, "multiple": getattr(parameter, "multiple", False),
            "type": repr(parameter.type_descriptor.annotation),
            "range": [getattr(parameter, "min", None), getattr(parameter, "max", None)],
        }
    found = {" ".join(path): rows}
    for name, child in getattr(command, "commands", {}).items():
        found |= describe(child, [*path, name])
    return found
print(json.dumps(describe(typer.main.get_command(app), ["imgxlate"])))
"""


def main() -> None:
    """Record or compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    record = commands.add_parser("record", help="run all invocations and write their results")
    record.add_argument("output", type=Path)
    record.add_argument("--source", type=Path, default=ROOT / "src", help="the folder that holds the package")
    record.add_argument("--only", default="", help="only cases whose name contains this")
    compare = commands.add_parser(
        "compare", help="print the differences between two records; the exit code is 1 if there are any"
    )
    compare.add_argument("before", type=Path)
    compare.add_argument("after", type=Path)
    arguments = parser.parse_args()
    if arguments.command == "record":
        found = make_record(arguments.source.resolve(), arguments.only)
        arguments.output.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")
    else:
        before, after = (json.loads(path.read_text()) for path in (arguments.before, arguments.after))
        differences = list(compare_records(before, after))
        print(*differences, sep="\n")
        print(f"{len(differences)} differences in {len(compared_cases(before, after))} cases")
        sys.exit(bool(differences))


def make_record(source: Path, only: str) -> dict[str, Any]:
    """Run every case with the package in `source`, and return the results."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        inputs = folder / "inputs"
        make_inputs(inputs)
        environment = os.environ | {
            "PYTHONPATH": str(source),
            "IMGXLATE_CACHE": str(folder / "cache"),
            "OMP_NUM_THREADS": "1",
            "COLUMNS": "120",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        require_source(source, environment)
        listed = subprocess.run([sys.executable, "-c", LIST_FLAGS], env=environment, check=True, capture_output=True)
        found: dict[str, Any] = {"flags": json.loads(listed.stdout), "only": only, "cases": {}}
        for name, commands in read_cases().items():
            if only in name:
                shutil.rmtree(folder / "cache", ignore_errors=True)
                found["cases"][name] = run_case(commands, folder / "case", inputs, environment)
                print(name, [step["exit_code"] for step in found["cases"][name]["steps"]], flush=True)
        return found


def require_source(source: Path, environment: dict[str, str]) -> None:
    """Check that Python takes the package from `source`, and not, for example, the installed one."""
    command = [sys.executable, "-c", "import imgxlate; print(imgxlate.__file__)"]
    file = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout.strip()
    if Path(file).parent != source / "imgxlate":
        raise SystemExit(f"{source} does not hold the package: Python found {file}")


def read_cases() -> dict[str, list[str]]:
    """The invocations of each case, by the name of the case."""
    document = tomllib.loads((Path(__file__).with_suffix(".toml")).read_text())
    return {name: [line.format(**document["short"]) for line in lines] for name, lines in document["cases"].items()}


def run_case(commands: list[str], folder: Path, inputs: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run the steps of a case. Returns their results and the digests of the files at the end."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(inputs, folder)
    given = set(files_below(folder))
    steps = [run_command(line, folder, environment) for line in commands]
    made = {str(path.relative_to(folder)): digest(path) for path in files_below(folder) if path not in given}
    return {"steps": steps, "files": made}


def run_command(line: str, folder: Path, environment: dict[str, str]) -> dict[str, Any]:
    """Run a command. Returns the exit code, the error with its hint, and the standard output."""
    arguments, _, stdin = line.partition(" < ")
    data = (folder / stdin).read_bytes() if stdin else b""
    done = subprocess.run(
        [sys.executable, "-m", "imgxlate", *arguments.split()],
        cwd=folder,
        env=environment,
        input=data,
        capture_output=True,
    )
    errors = [
        text
        for text in done.stderr.decode(errors="replace").splitlines()
        if text.startswith(("error:", "hint:", "Traceback"))
    ]
    return {"command": line, "exit_code": done.returncode, "errors": errors, "stdout": printed(done.stdout)}


def printed(data: bytes) -> Any:
    """Standard output as JSON without volatile keys, as lines of text, or as a digest of other bytes."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return hashlib.sha256(data).hexdigest()
    try:
        return [without_volatile(json.loads(line)) for line in text.splitlines()]
    except ValueError:
        pass
    try:
        return without_volatile(json.loads(text))
    except ValueError:
        return text.splitlines()


def without_volatile(value: Any) -> Any:
    """A JSON value without the keys whose values differ from run to run."""
    if isinstance(value, dict):
        return {key: without_volatile(part) for key, part in value.items() if key not in VOLATILE}
    return [without_volatile(part) for part in value] if isinstance(value, list) else value


def files_below(folder: Path) -> Iterator[Path]:
    """All files below a folder, in order."""
    return (path for path in sorted(folder.rglob("*")) if path.is_file())


def digest(path: Path) -> Any:
    """The content of a file as JSON without volatile keys, or its digest."""
    if path.name.endswith("losses.png") or path.suffix == ".html":
        return "present"  # Curves are drawn by another library; the report shows measured times.
    if path.suffix == ".toml":  # A run's configuration names the folders of its images by their absolute paths.
        return {key: value for key, value in tomllib.loads(path.read_text()).items() if key != "folders"}
    if path.suffix == ".onnx":
        return without_traces(path)
    if path.suffix in (".json", ".jsonl"):
        return printed(path.read_bytes())
    if path.suffix == ".csv":
        with path.open(newline="") as file:
            return [without_volatile(row) for row in csv.DictReader(file)]
    if path.suffix == ".safetensors":
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        return without_volatile(json.loads(header["__metadata__"]["imgxlate"])["header"]), tensors_of(path)
    return tensors_of(path) if path.suffix in (".pt", ".pth") else hashlib.sha256(path.read_bytes()).hexdigest()


def without_traces(path: Path) -> str:
    """A digest of an ONNX file without the stack traces of its exporter, which name the source's folder."""
    import onnx

    model = onnx.load(path)
    for node in model.graph.node:
        del node.metadata_props[:]
    return hashlib.sha256(model.SerializeToString()).hexdigest()


def tensors_of(path: Path) -> str:
    """A digest of the tensors in a file of weights. It does not depend on their order and storage."""
    import torch
    from safetensors.torch import load_file

    content = load_file(path) if path.suffix == ".safetensors" else torch.load(path, weights_only=True)
    sha256 = hashlib.sha256()
    for name, tensor in sorted(flattened(content)):
        sha256.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        sha256.update(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha256.hexdigest()


def flattened(content: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The tensors in nested dictionaries, by dotted names."""
    for name, value in content.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def make_inputs(folder: Path) -> None:
    """Small images of every kind, a data set for training, and the originals' checkpoints."""
    inputs = folder / "in"
    (inputs / "tree" / "deep").mkdir(parents=True)
    (inputs / "modes").mkdir()
    (inputs / "empty").mkdir()
    a, b, c = (reduced(PHOTOS / name, 96) for name in ("tea-gardens.jpg", "lake-sherburne.jpg", "chelsea.png"))
    a.save(inputs / "a.png")
    b.save(inputs / "b.jpg", quality=95)
    c.save(inputs / "c.png")
    reduced(STYLES / "wave.jpg", 96).save(inputs / "style.png")
    reduced(ROOT / "examples" / "outlines" / "fish.png", 72).save(inputs / "outline.png")
    a.save(inputs / "tree" / "one.png")
    b.save(inputs / "tree" / "deep" / "two.jpg", quality=95)
    make_modes(a, inputs / "modes")
    (inputs / "broken.png").write_bytes((inputs / "a.png").read_bytes()[:2000])
    (inputs / "text.png").write_text("no image\n")
    (inputs / "long.json").write_text(json.dumps({"styles": [[0.5] * 9]}))
    for domain, image in (("trainA", a), ("trainB", b)):
        (inputs / "data" / domain).mkdir(parents=True)
        for index in range(4):
            image.rotate(90 * index, expand=True).resize((80, 80)).save(inputs / "data" / domain / f"{index}.png")
    shutil.copytree(GOLDEN, folder / "golden", ignore=shutil.ignore_patterns("*.py", "*.npz", "after", "__pycache__"))


def make_modes(image: Image.Image, folder: Path) -> None:
    """Save the image in every mode that a file may have."""
    image.convert("L").save(folder / "grey.png")
    image.convert("P").save(folder / "palette.gif")
    image.convert("CMYK").save(folder / "cmyk.jpg", quality=95)
    image.convert("1").save(folder / "black-and-white.png")
    Image.fromarray(np.asarray(image.convert("L")).astype(np.uint16) * 257).save(folder / "sixteen.png")
    transparent = image.convert("RGBA")
    transparent.putalpha(Image.linear_gradient("L").resize(image.size))
    transparent.save(folder / "transparent.png")
    exif = image.getexif()
    exif[0x0112] = 6  # orientation: turned to the right
    image.save(folder / "turned.jpg", exif=exif, quality=95)
    image.resize((33, 21)).save(folder / "odd-size.tif")
    image.resize((1, 1)).save(folder / "pixel.webp", lossless=True)


def reduced(path: Path, side: int) -> Image.Image:
    """The image in `path`, scaled so that its longer side has `side` pixels."""
    image = Image.open(path).convert("RGB")
    image.thumbnail((side, side))
    return image


def compare_records(before: dict[str, Any], after: dict[str, Any]) -> Iterator[str]:
    """Yield a line for each difference."""
    yield from differences("flags", before["flags"], after["flags"])
    for name in compared_cases(before, after):
        yield from differences(name, before["cases"].get(name), after["cases"].get(name))


def compared_cases(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """The names of the cases in either record, without those that `--only` left out of one."""
    names = before["cases"].keys() | after["cases"].keys()
    return sorted(name for name in names if before["only"] in name and after["only"] in name)


def differences(location: str, before: Any, after: Any) -> Iterator[str]:
    """Yield a line for each difference between two JSON values, with its location."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            yield from differences(f"{location} / {key}", before.get(key), after.get(key))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(f"{location} [{number}]", one, other)
    elif before != after:
        yield f"{location}:\n    before: {shortened(before)}\n    after:  {shortened(after)}"


def shortened(value: Any) -> str:
    """A value as JSON, cut after 300 characters."""
    text = json.dumps(value)
    return text if len(text) <= 300 else f"{text[:300]}..."


if __name__ == "__main__":
    main()
