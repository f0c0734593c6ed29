"""The recipes of docs/batch.md: every block is run with bash, where the files are that it speaks of."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "batch.md").read_text(encoding="utf-8")
CHECKPOINT = ROOT / "tests" / "golden" / "munit" / "gen_00000001.pt"
SECTION = re.compile(r"^(?=#+ )", re.MULTILINE)
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
RECIPES = {section.splitlines()[0].lstrip("# "): BLOCK.findall(section) for section in SECTION.split(PAGE) if section}
STRICT = RECIPES.pop("Batches in scripts")[0]

# What Python runs as it starts: the small checkpoint is in the place of the model that ships with the package.
BUNDLE = """\
from imgxlate.weights import cards

card = cards.Card(
    name="munit-tiny", kind="generator", method="munit", summary="", filename="tiny.pt", license="", citation="",
    page="", domains=("summer", "winter"), bundled={checkpoint!r},
)
known = {{card.name: card, **cards.cards()}}
cards.cards = lambda: known
"""


@pytest.fixture
def recipe(tmp_path, photo, launcher):
    """Runs the blocks below a heading, in order, in a folder with the files that the page speaks of."""
    programs, startup = tmp_path / "programs", tmp_path / "startup"
    programs.mkdir()
    startup.mkdir()
    (startup / "sitecustomize.py").write_text(BUNDLE.format(checkpoint=str(CHECKPOINT)))
    launcher.write_program(programs / "imgxlate", startup / "sitecustomize.py")
    for place, name in enumerate(("photo.jpg", "photos/alps.jpg", "photos/tatra.jpg", "holiday/lake.jpg")):
        photo(name, size=(24, 32), seed=place)
    (tmp_path / "holiday" / "torn.jpg").write_bytes((tmp_path / "holiday" / "lake.jpg").read_bytes()[:200])
    environment = os.environ | {
        "PATH": f"{programs}:{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(startup),  # for torchrun
        "OMP_NUM_THREADS": "1",
        "SLURM_ARRAY_TASK_ID": "1",
        "SLURM_ARRAY_TASK_COUNT": "2",
    }

    def run(heading):
        for block in RECIPES[heading]:
            if all(shutil.which(program) for program in ("jq", "ffmpeg") if calls(block, program)):
                subprocess.run(["bash", "-c", STRICT + block], cwd=tmp_path, env=environment, timeout=120, check=True)

    return run


def calls(block, program):
    """Whether a block has a line that begins with this program."""
    return re.search(rf"^{program} ", block, re.MULTILINE) is not None


@pytest.fixture
def translated(run, tmp_path, pixels):
    """The pixels that the small model makes of a file."""

    def translate(name, *options):
        output = tmp_path / "expected" / "output.png"
        result = run("translate", "munit", "--checkpoint", CHECKPOINT, tmp_path / name, "-o", output, *options)
        assert result.exit_code == 0
        expected = pixels(output)
        output.unlink()
        return expected

    return translate


@pytest.fixture
def names(tmp_path):
    """The names of the files in a folder."""

    def listing(folder):
        return sorted(path.name for path in (tmp_path / folder).iterdir())

    return listing


def checksum(name):
    return int(subprocess.run(["cksum"], input=f"{name}\n".encode(), capture_output=True, check=True).stdout.split()[0])


def test_every_section_of_the_page_is_run():
    assert set(re.findall(r'recipe\("(.+)"\)', Path(__file__).read_text(encoding="utf-8"))) == RECIPES.keys()
    assert all(RECIPES.values())


def test_results_beside_the_photos_are_not_translated_again(recipe, names):
    recipe("Which files of a folder are read")
    expected = [f"{name}.{result}" for name in ("alps", "tatra") for result in ("jpg", "munit.png", "unit.png")]
    assert names("photos") == expected


def test_results_have_plain_names_and_another_format(recipe, names):
    recipe("Names and formats of results")
    assert names("winter") == ["alps.jpg", "tatra.jpg"]
    assert names("styles") == [f"{style}_{name}.png" for style in ("00", "01", "02") for name in ("alps", "tatra")]


def test_a_photograph_has_the_style_that_its_name_gives(recipe, translated, pixels, tmp_path, names):
    recipe("A style for each photo")
    assert names("own-style") == names("four-styles") == ["alps.munit.png", "tatra.munit.png"]
    for name in ("alps", "tatra"):
        number = checksum(f"{name}.jpg")
        expected = translated(f"photos/{name}.jpg", "--seed", number)
        assert np.array_equal(pixels(tmp_path / f"own-style/{name}.munit.png"), expected)
        expected = translated(f"photos/{name}.jpg", "--seed", number % 4)
        assert np.array_equal(pixels(tmp_path / f"four-styles/{name}.munit.png"), expected)


def test_a_video_has_one_style(recipe, photo, translated, pixels, tmp_path, names):
    draw_video(photo, tmp_path)
    recipe("A video, frame by frame")
    frames = names("frames")
    assert names("translated") == [frame.replace(".png", ".munit.png") for frame in frames]
    assert (tmp_path / "look.png").is_file()
    codes = json.loads((tmp_path / "styles.json").read_text())
    assert json.loads((tmp_path / "style.json").read_text()) == codes | {"styles": [codes["styles"][3]]}
    for frame in frames:
        expected = translated(f"frames/{frame}", "--styles", tmp_path / "style.json")
        assert np.array_equal(pixels(tmp_path / "translated" / frame.replace(".png", ".munit.png")), expected)
    if shutil.which("ffmpeg"):
        assert (tmp_path / "translated.mp4").stat().st_size > 0


def draw_video(photo, folder):
    """Three frames, and the clip that ffmpeg makes of them where it is."""
    for number in range(1, 4):
        photo(f"frames/{number:05d}.png", size=(24, 32), seed=number)
    if shutil.which("ffmpeg"):
        make = ["ffmpeg", "-loglevel", "error", "-framerate", "25", "-i", "frames/%05d.png", "-pix_fmt", "yuv420p"]
        subprocess.run([*make, "clip.mp4"], cwd=folder, check=True)
        shutil.rmtree(folder / "frames")


def test_parallel_runs_share_the_photos(recipe, translated, pixels, tmp_path, names):
    recipe("Parallel jobs")
    assert names("parallel") == names("shared") == ["alps.munit.png", "tatra.munit.png"]
    assert names("array") == ["tatra.munit.png"]
    for name in ("alps", "tatra"):
        expected = translated(f"photos/{name}.jpg")
        for folder in ("parallel", "shared"):
            assert np.array_equal(pixels(tmp_path / folder / f"{name}.munit.png"), expected)


def test_a_batch_continues_where_it_stopped(recipe, photo, pixels, tmp_path, names):
    there = photo("done/alps.munit.png", seed=9)
    before = there.read_bytes()
    recipe("Continue an interrupted batch")
    assert names("done") == ["alps.munit.png", "tatra.munit.png"]
    assert there.read_bytes() == before


def test_the_lines_of_json_list_the_written_files(recipe, tmp_path, names):
    recipe("List the outputs: `--json`")
    records = list(map(json.loads, (tmp_path / "outputs.jsonl").read_text().splitlines()))
    assert sorted(record["output"] for record in records) == [f"varied/{name}" for name in names("varied")]
    first = (tmp_path / "first-style.txt").read_text().splitlines()
    assert first == ["varied/alps.munit.00.png", "varied/tatra.munit.00.png"]
    if shutil.which("jq"):
        table = list(csv.reader((tmp_path / "outputs.csv").read_text().splitlines()))
        assert table == [[str(record[key]) for key in ("input", "output", "style", "seconds")] for record in records]


@pytest.mark.skipif(not shutil.which("jq"), reason="jq is not installed")
@pytest.mark.parametrize("heading", ["A video, frame by frame", "List the outputs: `--json`"])
def test_jq_and_python_give_the_same(heading, tmp_path):
    styles = {"seed": 0, "styles": [[number] for number in range(8)]}
    lines = [{"input": "a", "output": f"out/{number}", "style": number % 2, "seconds": 0.5} for number in range(4)]
    made = []
    for program in ("jq", "python3"):
        folder = tmp_path / program
        folder.mkdir()
        (folder / "styles.json").write_text(json.dumps(styles))
        (folder / "outputs.jsonl").write_text("\n".join(map(json.dumps, lines)))
        for block in (block for block in RECIPES[heading] if calls(block, program)):
            subprocess.run(["bash", "-c", STRICT + block], cwd=folder, check=True)
        outputs = [folder / name for name in ("style.json", "first-style.txt")]
        made.append([re.sub(r"\s", "", output.read_text()) for output in outputs if output.exists()])
    assert made[0] == made[1] != []


def test_a_script_continues_if_some_files_are_bad(recipe, tmp_path, names):
    recipe("When some files are bad")
    assert names("winter") == ["lake.munit.png"]
    assert (tmp_path / "failed.txt").read_text() == "holiday/torn.jpg\n"
    assert "torn.jpg" in (tmp_path / "log.txt").read_text()


def test_an_image_passes_through_a_pipe(recipe, translated, pixels, tmp_path):
    recipe("Pipes")
    Image.fromarray(translated("photo.jpg").astype(np.uint8)).save(tmp_path / "there.png")
    assert np.array_equal(pixels(tmp_path / "there-and-back.png"), translated("there.png", "--to", "A"))
