import base64
import hashlib
import io
import json
import sys
import tarfile
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PIL import Image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
DOMAINS = ("trainA", "trainB", "testA", "testB")
DISC = '<circle cx="36" cy="36" r="{radius}" fill="{fill}" stroke="black" stroke-width="2"/>'


def emoji(hexcode: str, group: str, subgroups: str = "any", annotation: str = "", base: str = "") -> dict[str, str]:
    return {
        "hexcode": hexcode,
        "group": group,
        "subgroups": subgroups,
        "annotation": annotation,
        "skintone_base_hexcode": base,
    }


def svg(radius: float, fill: str) -> str:
    return f'<svg viewBox="0 0 72 72" xmlns="http://www.w3.org/2000/svg">{DISC.format(radius=radius, fill=fill)}</svg>'


def tarball(images: dict[str, tuple[str, str]], emojis: list[dict[str, str]]) -> bytes:
    """A package of the layout that npm gives openmoji: outline and color of each code point, and their list."""
    members = {"data/openmoji.json": json.dumps(emojis), "LICENSE.txt": "Attribution-ShareAlike", "index.js": "1"}
    for hexcode, (outline, color) in images.items():
        members |= {f"black/svg/{hexcode}.svg": outline, f"color/svg/{hexcode}.svg": color}
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for path, text in members.items():
            member = tarfile.TarInfo(f"package/{path}")
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
    return stream.getvalue()


@pytest.fixture
def openmoji(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import openmoji

    return openmoji


class Maker:
    """Runs the script as a command over a package of a test's own."""

    def __init__(self, script: ModuleType, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.script, self.monkeypatch, self.folder = script, monkeypatch, folder

    def __call__(self, package: bytes, output: Path, *options: str) -> dict[str, list[str]]:
        path = self.folder / "openmoji.tgz"
        path.write_bytes(package)
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(package).digest()).decode()
        self.monkeypatch.setattr(self.script, "INTEGRITY", integrity)
        self.monkeypatch.setattr(sys, "argv", ["openmoji.py", str(output), "--tarball", str(path), *options])
        self.script.main()
        return {name: sorted(file.stem for file in (output / name).iterdir()) for name in DOMAINS}


@pytest.fixture
def make(openmoji: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Maker:
    return Maker(openmoji, monkeypatch, tmp_path)


@pytest.fixture(scope="module")
def discs() -> bytes:
    """Forty emoji whose outlines differ a little."""
    codes = [f"1F9{number:02X}" for number in range(40)]
    images = {code: (svg(14 + place / 2, "none"), svg(14 + place / 2, "red")) for place, code in enumerate(codes)}
    return tarball(images, [emoji(code, "animals-nature") for code in codes])


def test_outlines_and_color_images_have_the_same_names_and_a_few_are_held_out(
    make: Maker, discs: bytes, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = make(discs, tmp_path / "out")
    assert names["trainA"] == names["trainB"]
    assert names["testA"] == names["testB"]
    assert not set(names["trainA"]) & set(names["testA"])
    assert len(names["trainA"]) + len(names["testA"]) == 40
    assert 1 <= len(names["testA"]) <= 10
    assert f"{len(names['testA'])} images in testB" in capsys.readouterr().out
    assert (tmp_path / "out" / "LICENSE.txt").read_text() == "Attribution-ShareAlike"


def test_images_are_square_rgb_on_white_at_the_given_size(make: Maker, discs: bytes, tmp_path: Path) -> None:
    name = make(discs, tmp_path / "out", "--size", "48")["trainA"][0]
    outline, color = (Image.open(tmp_path / "out" / folder / f"{name}.png") for folder in ("trainA", "trainB"))
    assert (outline.mode, outline.size) == (color.mode, color.size) == ("RGB", (48, 48))
    assert outline.getpixel((0, 0)) == color.getpixel((0, 0)) == outline.getpixel((24, 24)) == (255, 255, 255)
    assert color.getpixel((24, 24)) == (255, 0, 0)
    assert np.asarray(outline).min() < 60


def test_two_runs_write_the_same_files(make: Maker, discs: bytes, tmp_path: Path) -> None:
    names = [make(discs, tmp_path / folder) for folder in ("first", "second")]
    assert names[0] == names[1]
    for file in (tmp_path / "first").rglob("*.png"):
        assert file.read_bytes() == (tmp_path / "second" / file.relative_to(tmp_path / "first")).read_bytes()


def test_empty_filled_colorless_and_repeated_outlines_are_left_out(make: Maker, tmp_path: Path) -> None:
    images = {
        "1F400": (svg(20, "none"), svg(20, "red")),
        "1F401": (svg(20, "none"), svg(20, "blue")),
        "1F402": (svg(2, "none"), svg(2, "red")),
        "1F403": (svg(30, "black"), svg(30, "red")),
        "1F404": (svg(25, "none"), svg(25, "white")),
        "1F405": (svg(28, "none"), svg(28, "green")),
    }
    names = make(tarball(images, [emoji(code, "animals-nature") for code in images]), tmp_path / "out")
    assert sorted(names["trainA"] + names["testA"]) == ["1F400", "1F405"]


def test_flags_signs_and_mirror_images_are_not_chosen(openmoji: ModuleType) -> None:
    emojis = [
        emoji("1F6A9", "flags", "flag"),
        emoji("2795", "symbols", "math"),
        emoji("1F550", "travel-places", "time"),
        emoji("E040", "extras-openmoji", "brand"),
        emoji("E000", "extras-openmoji", "gardening"),
        emoji("1F6B6-200D-27A1", "people-body", "person-activity", "person walking facing right"),
        emoji("1F6B6", "people-body", "person-activity", "person walking"),
    ]
    assert openmoji.choose(emojis) == ["1F6B6", "E000"]


def test_one_variant_is_chosen_of_those_that_differ_in_skin_tone(openmoji: ModuleType) -> None:
    tones = [f"1F3F{digit}" for digit in "BCDEF"]
    variants = [emoji("1F44B", "people-body")]
    variants += [emoji(f"1F44B-{tone}", "people-body", base="1F44B") for tone in tones]
    chosen = openmoji.choose(variants)
    assert len(chosen) == 1
    assert openmoji.choose(reversed(variants)) == chosen


def test_variants_of_gender_and_skin_tone_are_held_out_together(openmoji: ModuleType) -> None:
    for role in ("2695", "1F33E", "1F373", "1F527", "1F680", "2696", "1F3A8", "1F692", "1F4BB", "1F52C"):
        people = (f"{person}-200D-{role}" for person in ("1F468", "1F469-1F3FD", "1F9D1"))
        assert len({openmoji.is_held_out(hexcode) for hexcode in people}) == 1
    assert openmoji.is_held_out("1F468") == (openmoji.fraction("1F468") < openmoji.HELD_OUT)


def test_a_tarball_that_is_not_the_known_one_is_refused(openmoji: ModuleType, discs: bytes) -> None:
    with pytest.raises(SystemExit, match="integrity"):
        openmoji.unpack(discs)


def test_a_folder_in_the_repository_or_with_files_in_it_is_refused(openmoji: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="stay out of the repository"):
        openmoji.check_output(SCRIPTS / "emoji")
    (tmp_path / "file").touch()
    with pytest.raises(SystemExit, match="not empty"):
        openmoji.check_output(tmp_path)
    file = tmp_path / "file"
    file.write_bytes(b"")
    with pytest.raises(SystemExit, match="is a file"):
        openmoji.check_output(file)
