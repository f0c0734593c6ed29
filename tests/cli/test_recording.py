"""Outputs say how they were made on demand, and can be made again to the byte."""

import json
import shutil
import socket

import numpy as np
import pytest
from PIL import ExifTags, Image

import imgxlate
from imgxlate.images.decode import decode, read_text

PAINT = ("--size", 48, "--iterations", 3, "--coarse-iterations", 2)


@pytest.fixture
def inside(tmp_path, monkeypatch, photo):
    monkeypatch.chdir(tmp_path)
    photo("photo.png", seed=1, size=(48, 64))
    photo("style.png", seed=2, size=(60, 60))
    return tmp_path


@pytest.fixture
def munit(golden):
    return ("munit", "--checkpoint", golden / "munit" / "gen_00000001.pt")


def record_of(path):
    beside = path.with_name(path.name + ".json")
    return json.loads(beside.read_bytes() if beside.exists() else read_text(path.read_bytes(), name=str(path)))


def succeeded(result):
    assert (result.exit_code if hasattr(result, "exit_code") else result.returncode) == 0, result.stderr
    return result


def test_another_process_makes_a_translation_again_to_the_byte(run_afresh, munit, inside):
    succeeded(run_afresh("translate", *munit, "photo.png", "--n-styles", 3, "--seed", 7, "--record"))
    for index in range(3):
        made = inside / f"photo.munit.0{index}.png"
        succeeded(
            run_afresh("translate", *munit, "photo.png", "--like", made, "-o", inside / "again.png", "--overwrite")
        )
        assert (inside / "again.png").read_bytes() == made.read_bytes()


def test_another_process_paints_again_to_the_byte(run_afresh, inside):
    options = (*PAINT, "--init", "noise", "--seed", 3, "--style-weight", 1234.5, "--record", "-o", "one.jpg")
    succeeded(run_afresh("neural-style", "photo.png", "style.png", *options))
    succeeded(run_afresh("neural-style", "photo.png", "style.png", "--like", "one.jpg", "-o", "two.jpg"))
    assert (inside / "two.jpg").read_bytes() == (inside / "one.jpg").read_bytes()
    assert (inside / "two.jpg.json").read_bytes() == (inside / "one.jpg.json").read_bytes()


OPTIONS = [
    ("--to", "A", "--size", 40),
    ("--work-size", 32, "--precision", "fp32"),
    ("--depth", 16, "--threads", 1, "--memory", "3GB"),
    ("--keep-metadata", "--keep-gps", "--precision", "fp32-fast"),
]


@pytest.mark.parametrize("options", OPTIONS, ids=lambda options: options[0])
def test_a_record_holds_the_options(run, munit, inside, options):
    succeeded(run("translate", *munit, "photo.png", "--seed", 3, "--record", *options, "-o", "one.png"))
    succeeded(run("translate", *munit, "photo.png", "--like", "one.png", "-o", "two.png"))
    assert (inside / "two.png").read_bytes() == (inside / "one.png").read_bytes()


def test_a_record_holds_the_style_that_was_taken_from_an_image(run, munit, inside):
    succeeded(run("translate", *munit, "photo.png", "--style", "style.png", "--record", "-o", "one.png"))
    (inside / "style.png").unlink()
    succeeded(run("translate", *munit, "photo.png", "--like", "one.png", "-o", "two.png"))
    assert (inside / "two.png").read_bytes() == (inside / "one.png").read_bytes()


@pytest.mark.parametrize("method", ["unit", "cyclegan"])
def test_methods_without_styles_have_records(run, inside, method):
    succeeded(run("translate", method, "photo.png", "--record", "-o", "one.png"))
    succeeded(run("translate", method, "photo.png", "--like", "one.png", "-o", "two.png"))
    assert record_of(inside / "one.png")["weights"] == f"{method}-summer2winter"
    assert (inside / "two.png").read_bytes() == (inside / "one.png").read_bytes()


def test_another_image_is_translated_in_the_same_style(run, munit, inside):
    succeeded(run("translate", *munit, "photo.png", "--n-styles", 2, "--record"))
    succeeded(run("translate", *munit, "style.png", "--n-styles", 2))
    succeeded(run("translate", *munit, "style.png", "--like", "photo.munit.01.png", "-o", "like.png"))
    wanted = decode(inside / "style.munit.01.png").rgb
    assert np.array_equal(decode(inside / "like.png").rgb, wanted)


def test_python_reads_the_record_and_makes_the_same_image(run, munit, inside):
    options = ("--n-styles", 2, "--size", 40, "--to", "A", "--precision", "fp32")
    succeeded(run("translate", *munit, "photo.png", *options, "--record"))
    record = imgxlate.read_record("photo.munit.01.png")
    model = imgxlate.load("munit", checkpoint=munit[2], precision=record["precision"])
    [image] = model.translate("photo.png", styles=[record["style"]], to=record["to"], size=record["size"])
    assert np.array_equal(np.asarray(image), decode(inside / "photo.munit.01.png").rgb)
    with pytest.raises(imgxlate.ImgxlateError, match="no record"):
        imgxlate.read_record("photo.png")


def test_nothing_is_recorded_by_default(run, munit, inside):
    succeeded(run("translate", *munit, "photo.png", "-o", "one.png"))
    succeeded(run("translate", *munit, "photo.png", "-o", "one.jpg"))
    data = (inside / "one.png").read_bytes()
    assert b"iTXt" not in data
    assert sorted(path.name for path in inside.glob("one*")) == ["one.jpg", "one.png"]
    succeeded(run("translate", *munit, "photo.png", "-o", "two.png", "--record"))
    assert np.array_equal(decode(inside / "two.png").rgb, decode(inside / "one.png").rgb)


def test_a_record_names_no_file_folder_user_or_machine(run_process, golden, inside):
    folder = inside / "lovelace" / "private"
    folder.mkdir(parents=True)
    shutil.copy(golden / "munit" / "gen_00000001.pt", folder / "gen_of_lovelace.pt")
    shutil.copy(golden / "munit" / "config.yaml", folder / "config_of_lovelace.yaml")
    shutil.copy(inside / "photo.png", folder / "me-at-home.png")
    shutil.copy(inside / "style.png", folder / "our-garden.png")
    model = ("--checkpoint", folder / "gen_of_lovelace.pt", "--config", folder / "config_of_lovelace.yaml")
    where = {"HOME": str(folder), "USER": "lovelace", "LOGNAME": "lovelace"}
    home, garden = folder / "me-at-home.png", folder / "our-garden.png"
    target = folder / "out.png"
    succeeded(run_process("translate", "munit", home, *model, "--style", garden, "--record", "-o", target, **where))
    succeeded(run_process("neural-style", home, garden, *PAINT, "--record", "-o", folder / "p.webp", **where))
    texts = [target.read_bytes(), (folder / "p.webp").read_bytes(), (folder / "p.webp.json").read_bytes()]
    personal = ["lovelace", "private", "home", "garden", str(inside)]
    for text in texts:
        assert not [word for word in personal if word.encode() in text.lower()]
    for record in (texts[2].decode(), read_text(texts[0], name="x")):
        assert not [word for word in (*personal, "/", socket.gethostname()) if word in record.lower()]


def test_a_model_is_known_by_its_hash(run, golden, munit, inside):
    succeeded(run("translate", *munit, "photo.png", "--record", "-o", "one.png"))
    missing = run("translate", "munit", "photo.png", "--like", "one.png", "-o", "two.png")
    assert missing.exit_code == 2
    assert record_of(inside / "one.png")["weights_sha256"] in missing.stderr
    assert "--checkpoint FILE" in missing.stderr
    other = run("translate", "munit", "photo.png", "--like", "one.png", "--model", "summer2winter", "-o", "two.png")
    assert other.exit_code == 2
    assert "the model is not the one that the image was made with" in other.stderr
    assert not (inside / "two.png").exists()


def test_an_imported_model_is_found_by_its_hash(run, munit, inside):
    succeeded(run("weights", "import", "ada", munit[2], "--method", "munit", "--domains", "cat,dog"))
    succeeded(run("translate", "munit", "photo.png", "--model", "ada", "--record", "-o", "one.png"))
    assert record_of(inside / "one.png")["weights"] is None
    succeeded(run("translate", "munit", "photo.png", "--like", "one.png", "-o", "two.png"))
    assert (inside / "two.png").read_bytes() == (inside / "one.png").read_bytes()


def test_the_originals_yaml_must_be_the_same(run, golden, munit, inside):
    config = golden / "munit" / "config.yaml"
    succeeded(run("translate", *munit, "photo.png", "--config", config, "--record", "-o", "one.png"))
    without = run("translate", *munit, "photo.png", "--like", "one.png", "-o", "two.png")
    assert without.exit_code == 2
    assert "the file of --config is missing" in without.stderr
    succeeded(run("translate", *munit, "photo.png", "--config", config, "--like", "one.png", "-o", "two.png"))
    assert (inside / "two.png").read_bytes() == (inside / "one.png").read_bytes()


def test_style_images_and_the_image_to_start_from_must_be_the_same(run, photo, inside):
    photo("start.png", seed=9, size=(36, 48))
    paint = ("neural-style", "photo.png", "style.png")
    succeeded(run(*paint, *PAINT, "--init", "start.png", "--record", "-o", "one.png"))
    for arguments, reason in (
        (("style.png", "--init", "style.png"), "the image of --init is not the one"),
        (("style.png",), "the image of --init is missing"),
        (("start.png", "--init", "start.png"), "style image 1 is not the one"),
        (("style.png", "start.png", "--init", "start.png"), "made with 1 style images, not 2"),
    ):
        result = run("neural-style", "photo.png", *arguments, "--like", "one.png", "-o", "two.png")
        assert (result.exit_code, reason in result.stderr) == (2, True), result.stderr
    succeeded(run(*paint, "--init", "start.png", "--like", "one.png", "-o", "two.png"))
    assert (inside / "two.png").read_bytes() == (inside / "one.png").read_bytes()


TRANSLATION_OPTIONS = [
    ("--to", "A"),
    ("--size", 64),
    ("--work-size", 32),
    ("--depth", 16),
    ("--n-styles", 2),
    ("--style", "style.png"),
    ("--seed", 1),
    ("--precision", "fp32"),
    ("--threads", 2),
    ("--keep-metadata",),
]


@pytest.mark.parametrize("option", TRANSLATION_OPTIONS, ids=lambda option: option[0])
def test_options_of_the_record_cannot_be_given_beside_it(run, munit, inside, option):
    succeeded(run("translate", *munit, "photo.png", "--record", "-o", "one.png"))
    result = run("translate", *munit, "photo.png", "--like", "one.png", *option, "-o", "two.png")
    assert result.exit_code == 2
    assert f"--like and {option[0]} exclude each other" in result.stderr


def test_the_variable_for_threads_does_not_count_beside_a_record(run, munit, inside, monkeypatch):
    succeeded(run("translate", *munit, "photo.png", "--record", "--threads", 1, "-o", "one.png"))
    monkeypatch.setenv("IMGXLATE_THREADS", "2")
    succeeded(run("translate", *munit, "photo.png", "--like", "one.png", "-o", "two.png"))
    assert record_of(inside / "two.png")["threads"] == 1


@pytest.mark.parametrize(
    "option", [("--preset", "paper"), ("--size", 64), ("--set", "history_size=3"), ("--init", "noise")]
)
def test_options_of_a_painting_cannot_be_given_beside_its_record(run, inside, option):
    succeeded(run("neural-style", "photo.png", "style.png", *PAINT, "--record", "-o", "one.png"))
    result = run("neural-style", "photo.png", "style.png", "--like", "one.png", *option, "-o", "two.png")
    assert result.exit_code == 2
    assert f"--like and {option[0]} exclude each other" in result.stderr


def test_a_record_of_another_command_or_method_is_refused(run, munit, inside):
    succeeded(run("translate", *munit, "photo.png", "--record", "-o", "one.png"))
    other = run("neural-style", "photo.png", "style.png", "--like", "one.png", "-o", "two.png")
    assert (other.exit_code, "made by another command, 'translate'" in other.stderr) == (2, True)
    other = run("translate", "unit", "photo.png", "--like", "one.png", "-o", "two.png")
    assert (other.exit_code, "made with 'munit', not with unit" in other.stderr) == (2, True)


DAMAGED = [
    "",
    "[]",
    "{}",
    "nonsense",
    "[" * 100_000,
    '{"command": "translate"}',
    '{"command": "translate", "seed": []}',
]


@pytest.mark.parametrize("text", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_record_is_an_error(run, inside, text):
    (inside / "x.jpg.json").write_text(text)
    result = run("translate", "munit", "photo.png", "--like", "x.jpg")
    assert result.exit_code == 2
    assert "x.jpg: its record is damaged" in result.stderr


FORGED = [
    ("seed", -1),
    ("threads", 10**9),
    ("threads", "many"),
    ("precision", "\x1b[2J"),
    ("style", [float("nan")]),
    ("weights_sha256", "\x1b[2J" * 16),
    ("to", "C"),
    ("depth", 32),
    ("size", 0),
    ("memory", "\x1b[2J"),
]


@pytest.mark.parametrize(("key", "value"), FORGED)
def test_a_forged_record_is_an_error_without_control_characters(run, munit, inside, key, value):
    succeeded(run("translate", *munit, "photo.png", "--record", "-o", "one.png"))
    forged = record_of(inside / "one.png") | {key: value}
    (inside / "x.json").write_text(json.dumps(forged))
    result = run("translate", *munit, "photo.png", "--like", "x.json", "-o", "two.png")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


def test_a_file_without_a_record_is_an_error(run, inside):
    result = run("translate", "munit", "photo.png", "--like", "style.png")
    assert (result.exit_code, "has no record" in result.stderr) == (2, True)
    result = run("translate", "munit", "photo.png", "--like", "missing.png")
    assert (result.exit_code, "missing.png: cannot be read" in result.stderr) == (2, True)
    (inside / "words.png").write_text("words")
    result = run("translate", "munit", "photo.png", "--like", "words.png")
    assert (result.exit_code, "words.png: has no record" in result.stderr) == (2, True)
    result = run("translate", "munit", "photo.png", "--like", ".")
    assert (result.exit_code, "cannot be read" in result.stderr) == (2, True)


def test_an_output_on_standard_output_holds_its_record(run_process, munit, inside):
    result = succeeded(
        run_process("translate", *munit, "-", "--record", "-o", "-", stdin=(inside / "photo.png").read_bytes())
    )
    succeeded(run_process("translate", *munit, "photo.png", "--record", "-o", "one.png"))
    assert result.stdout == (inside / "one.png").read_bytes()


def test_an_existing_record_beside_an_output_is_kept(run, munit, inside):
    (inside / "one.jpg.json").write_text("mine")
    result = run("translate", *munit, "photo.png", "--record", "-o", "one.jpg")
    assert (result.exit_code, "one.jpg.json already exists" in result.stderr) == (9, True)
    assert not (inside / "one.jpg").exists()
    succeeded(run("translate", *munit, "photo.png", "--record", "-o", "one.jpg", "--overwrite"))
    assert record_of(inside / "one.jpg")["method"] == "munit"


def test_figures_have_no_record(run, inside):
    result = run("neural-style", "photo.png", "--reconstruct", "content", "--record")
    assert (result.exit_code, "figures" in result.stderr) == (2, True)


@pytest.fixture
def tagged(inside):
    """A photo with a maker, an orientation and a place."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Maker"
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo).update(
        {ExifTags.GPS.GPSLatitudeRef: "N", ExifTags.GPS.GPSLatitude: (48, 51, 30)}
    )
    xmp = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="48,51N" dc:format="image/jpeg"/></x:xmpmeta>'
    with Image.open(inside / "photo.png") as image:
        image.convert("RGB").save(inside / "tagged.jpg", exif=exif, xmp=xmp)
    return "tagged.jpg"


def tags_of(path):
    with Image.open(path) as image:
        exif = image.getexif()
        return dict(exif), exif.get_ifd(ExifTags.IFD.GPSInfo), image.info.get("xmp", b"")


@pytest.mark.parametrize("command", [("translate", "munit"), ("neural-style",)], ids=lambda command: command[0])
def test_metadata_is_kept_on_demand_and_a_place_only_if_asked_for(run, munit, inside, tagged, command):
    rest = munit[1:] if command[0] == "translate" else ("style.png", *PAINT)
    for flags, kept in (
        ((), []),
        (("--keep-metadata",), ["make"]),
        (("--keep-metadata", "--keep-gps"), ["make", "gps"]),
    ):
        succeeded(run(*command, tagged, *rest, *flags, "-o", "out.jpg", "--overwrite"))
        tags, gps, xmp = tags_of(inside / "out.jpg")
        assert (tags.get(ExifTags.Base.Make) == "Maker") == ("make" in kept)
        assert (b"dc:format" in xmp) == ("make" in kept)
        assert tags.get(ExifTags.Base.Orientation, 1) == 1
        assert bool(gps) == (b"GPS" in xmp) == (b"GPS" in (inside / "out.jpg").read_bytes()) == ("gps" in kept)


def test_metadata_that_are_too_long_for_the_output_do_not_stop_the_batch(run, munit, inside):
    with Image.open("photo.png") as image:
        image.save("long.webp", xmp=b"<x/>".ljust(100_000))
    result = run("translate", *munit, "long.webp", "photo.png", "--keep-metadata", "-o", "out", "--format", "jpg")
    assert "out/long.munit.jpg: XMP is left out: it has 100,000 bytes" in succeeded(result).stderr
    assert len(list((inside / "out").iterdir())) == 2


def test_the_place_alone_cannot_be_kept(run, munit, inside):
    result = run("translate", *munit, "photo.png", "--keep-gps")
    assert (result.exit_code, "--keep-gps needs --keep-metadata" in result.stderr) == (2, True)
