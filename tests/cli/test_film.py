"""Films in `imgxlate translate` and `imgxlate neural-style`."""

import json
import re
import signal
import time
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from imgxlate.video.reader import VideoFilm
from imgxlate.video.segments import work_folder


@pytest.fixture
def munit(golden, tmp_path, monkeypatch):
    """The first arguments of a translation with a small model."""
    monkeypatch.chdir(tmp_path)
    return ("translate", "munit", "--checkpoint", golden / "munit" / "gen_00000001.pt")


def images_in(folder):
    return [np.asarray(Image.open(path)).astype(int) for path in sorted(folder.iterdir())]


def test_a_film_is_translated_in_one_style(run, munit, clip, opened, tmp_path):
    result = run(*munit, clip(), "--seed", 3, "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record.pop("seconds") > 0
    assert record == {
        "input": str(tmp_path / "clip.mp4"),
        "output": "clip.munit.mp4",
        "method": "munit",
        "model": "gen_00000001.pt",
        "to": "B",
        "style": 0,
        "seed": 3,
        "width": 48,
        "height": 32,
        "frames": 12,
    }
    times, _, _ = opened(tmp_path / "clip.munit.mp4")
    assert times == [Fraction(number, 25) for number in range(12)]


def test_frame_by_frame_a_film_is_the_translations_of_its_frames(run, munit, clip, tmp_path):
    run(*munit, clip(), "-o", "film/", "--frame-by-frame", "--every", 3, "--seed", 5)
    assert len(images_in(tmp_path / "film")) == 4
    (tmp_path / "frames").mkdir()
    for frame in VideoFilm(clip()).frames():
        if frame.index % 3 == 0:
            Image.fromarray(frame.decode()).save(tmp_path / "frames" / f"{frame.index:02d}.png")
    assert run(*munit, "frames", "-o", "images/", "--seed", 5, "--name-template", "{stem}").exit_code == 0
    for film, image in zip(images_in(tmp_path / "film"), images_in(tmp_path / "images"), strict=True):
        assert np.array_equal(film, image)


def test_a_film_takes_its_style_from_an_image_or_a_file(run, munit, clip, photo, tmp_path):
    source, style = clip(), photo("style.png")
    options = ("--every", 6, "--frame-by-frame")
    run(*munit, photo(), "--style", style, "--save-styles", "styles.json", "-o", "a.png")
    for name, chosen in {"image": ("--style", style), "file": ("--styles", "styles.json"), "none": ()}.items():
        assert run(*munit, source, *options, *chosen, "-o", f"{name}/").exit_code == 0
    image, file, none = (images_in(tmp_path / name) for name in ("image", "file", "none"))
    assert np.array_equal(image, file)
    assert not np.array_equal(image, none)


def test_a_folder_is_a_film_if_the_command_says_so(run, munit, photo, opened, tmp_path):
    for number in range(3):
        photo(f"in/{number}.png", size=(32, 48), seed=number)
    assert run(*munit, "in", "-o", "images/").exit_code == 0
    assert len(list((tmp_path / "images").iterdir())) == 3
    assert run(*munit, "in", "--film", "--frame-rate", "12").exit_code == 0
    assert run(*munit, "in", "-o", "out.mov").exit_code == 0
    assert opened(tmp_path / "in.munit.mp4")[0] == [0, Fraction(1, 12), Fraction(2, 12)]
    assert opened(tmp_path / "out.mov")[0] == [0, Fraction(1, 25), Fraction(2, 25)]


def test_a_film_of_a_folder_has_its_whole_name(run, munit, photo, tmp_path, monkeypatch):
    photo("shot.v2/1.png", size=(32, 48))
    assert run(*munit, "shot.v2", "--film").exit_code == 0
    assert (tmp_path / "shot.v2.munit.mp4").exists()
    monkeypatch.chdir(tmp_path / "shot.v2")
    assert run(*munit, ".", "--film").exit_code == 0
    assert (tmp_path / "shot.v2" / "shot.v2.munit.mp4").exists()


def test_an_output_of_an_unknown_suffix_is_refused_unless_it_ends_in_a_slash(run, munit, clip, tmp_path):
    source = clip()
    result = run(*munit, source, "-o", "out.ts")
    assert (result.exit_code, "cannot write a film as .ts" in result.stderr) == (2, True), result.stderr
    assert run(*munit, source, "-o", "out.ts/", "--every", 6).exit_code == 0
    assert run(*munit, source, "-o", "take.mov/", "--every", 6).exit_code == 0
    assert [len(images_in(tmp_path / name)) for name in ("out.ts", "take.mov")] == [2, 2]


def test_a_folder_of_images_is_no_film_because_the_name_of_its_output_looks_so(run, munit, photo, tmp_path):
    photo("in/1.png")
    assert run(*munit, "in", "-o", "take.mov/", "--format", "jpg").exit_code == 0
    assert [path.name for path in (tmp_path / "take.mov").iterdir()] == ["1.munit.jpg"]


def test_results_of_earlier_commands_are_no_frames_and_are_named(run, munit, photo, opened, tmp_path):
    photo("in/1.png", size=(32, 48))
    run(*munit, "in/1.png", "--n-styles", 2, "-o", "in/")
    result = run(*munit, "in", "--film")
    assert "left out results of earlier commands: 1.munit.00.png and 1 more" in result.stderr
    assert len(opened(tmp_path / "in.munit.mp4")[0]) == 1


def test_threads_are_those_of_opencv_too(run, munit, clip, monkeypatch):
    numbers = []
    monkeypatch.setattr("cv2.setNumThreads", numbers.append)
    assert run(*munit, clip(), "--every", 6, "--threads", 1).exit_code == 0
    assert numbers == [1]


@pytest.mark.parametrize(
    ("options", "done", "reason"),
    [
        ((), 4, "its first 3 frames are kept. Type the same command again to go on."),
        ((), 2, "none of its frames are kept"),
        (("--overwrite",), 4, "type the same command without --overwrite"),
    ],
)
def test_an_interrupted_film_says_how_much_of_it_is_kept(run, munit, clip, monkeypatch, options, done, reason):
    def stop(progress, number, _):
        if number == done:
            raise KeyboardInterrupt

    monkeypatch.setattr("imgxlate.inference.film.TRANSLATED", 3)
    monkeypatch.setattr("imgxlate.cli.film._Progress.show", stop)
    result = run(*munit, clip(), "--frame-by-frame", *options)
    assert (result.exit_code, reason in result.stderr) == (130, True), result.stderr


@pytest.mark.parametrize("begun", [1, 2])
def test_a_film_goes_on_in_as_many_threads_as_it_was_begun_with(run, munit, clip, monkeypatch, tmp_path, begun):
    source, other = clip(size=(256, 320)), 3 - begun  # The frames are not small, which take one thread.
    command = (*munit, source, "-o", "out.mp4", "--frame-by-frame", "--end", 0.2, "--device", "cpu")

    def stop(progress, number, _):
        if number == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("imgxlate.inference.film.TRANSLATED", 3)
    with monkeypatch.context() as patch:
        patch.setattr("imgxlate.cli.film._Progress.show", stop)
        assert run(*command, "--threads", begun).exit_code == 130
    result = run(*command, "--threads", other)
    assert (result.exit_code, "another number of threads" in result.stderr) == (9, True), result.stderr
    torch.set_num_threads(other)  # what a machine with another number of cores begins with
    result = run(*command)
    assert result.exit_code == 0, result.stderr
    assert (torch.get_num_threads(), f"computing in {begun} threads" in result.stderr) == (begun, True)


def test_a_damaged_film_says_how_much_of_it_is_kept_and_the_command_to_type(run, munit, clip, monkeypatch, opened):
    source = clip(times=range(0, 40 * 512, 512), faststart=True)
    source.write_bytes(source.read_bytes()[: 9 * source.stat().st_size // 10])
    monkeypatch.setattr("imgxlate.inference.film.TRANSLATED", 3)
    command = (*munit, source, "-o", "out.mp4", "--frame-by-frame")
    result = run(*command)
    assert result.exit_code == 3, result.stderr
    kept = int(re.search(r"its first (\d+) frames are kept, in the folder \.out\.mp4\.segments", result.stderr)[1])
    other = run(*command, "--seed", 1)  # Its error tells what to do about the frames of the first command.
    assert (other.exit_code, "frames are kept" in other.stderr) == (9, False)
    end = re.search(r"`--end (\d\.\d\d)`", result.stderr)[1]
    again = run(*command, "--end", end)
    assert (again.exit_code, f"going on after {kept} frames" in again.stderr) == (0, True), again.stderr
    assert len(opened("out.mp4")[0]) > kept


def test_another_generator_does_not_go_on_with_a_film(run, golden, clip, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    networks = {}
    for name, file in {"first": "latest_net_G_A.pth", "second": "latest_net_G_B.pth"}.items():
        tensors = torch.load(golden / "cyclegan" / file, weights_only=True)
        networks |= {f"{name}.{key}": value for key, value in tensors.items()}
    torch.save(networks, "both.pth")
    command = ("translate", "cyclegan", "--checkpoint", "both.pth", clip(), "-o", "out.mp4", "--frame-by-frame")

    def stop(progress, number, _):
        if number == 4:
            raise KeyboardInterrupt

    monkeypatch.setattr("imgxlate.inference.film.TRANSLATED", 3)
    with monkeypatch.context() as patch:
        patch.setattr("imgxlate.cli.film._Progress.show", stop)
        assert run(*command, "--generator", "first").exit_code == 130
    result = run(*command, "--generator", "second")
    assert "was begun by a command with other inputs or options" in result.stderr
    assert run(*command, "--generator", "first").exit_code == 0


def test_a_gif_is_an_image_or_a_film_as_the_command_says(run, munit, tmp_path):
    frames = [Image.new("RGB", (48, 32), (40 * n, 90, 200)) for n in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=80)
    assert run(*munit, "a.gif").exit_code == 0
    assert (tmp_path / "a.munit.png").exists()
    assert run(*munit, "a.gif", "--film").exit_code == 0
    with Image.open(tmp_path / "a.munit.gif") as gif:
        assert gif.n_frames == 4
    assert run(*munit, "a.gif", "-o", "b.mp4").exit_code == 0


def test_a_film_is_made_smaller(run, munit, clip, opened, tmp_path):
    assert run(*munit, clip(), "--size", 16, "--end", "0:00.1", "-o", "out.mp4").exit_code == 0
    times, [frame, *_], _ = opened(tmp_path / "out.mp4")
    assert (len(times), frame.height, frame.width) == (3, 16, 24)


def test_a_film_is_painted(run, clip, photo, opened, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ("--size", 32, "--iterations", 2, "--scales", 1, "--every", 6, "--json")
    result = run("neural-style", clip(), photo("painting.png"), *options)
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    keys = ("output", "method", "preset", "seed", "width", "height", "frames")
    assert [record[key] for key in keys] == ["clip.neural-style.mp4", "neural-style", "default", 0, 32, 21, 2]
    assert opened(tmp_path / "clip.neural-style.mp4")[0] == [0, Fraction(6, 25)]


def test_a_film_is_painted_in_one_pass(run, adain, clip, photo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    style = photo("style.jpg")
    fast = ("neural-style", clip(), style, "--fast", "--checkpoint", adain, "--size", 24, "--every", 4)
    result = run(*fast, "--strength", 0.5, "-o", "film/", "--frame-by-frame", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert (record["method"], record["strength"], record["frames"]) == ("adain", 0.5, 3)
    assert (record["width"], record["height"]) == (24, 16)
    by_translation = ("translate", "adain", clip(), "--style", style, "--checkpoint", adain, "--every", 4)
    assert run(*by_translation, "--size", 16, "--strength", 0.5, "-o", "other/", "--frame-by-frame").exit_code == 0
    for one, other in zip(images_in(tmp_path / "film"), images_in(tmp_path / "other"), strict=True):
        assert np.abs(one - other).mean() < 3  # Only the size of the style image differs.
    assert run(*fast, "-o", "steady/").exit_code == 0
    assert not np.array_equal(images_in(tmp_path / "steady")[0], images_in(tmp_path / "film")[0])  # by the strength


@pytest.mark.parametrize("options", [(), ("--frame-by-frame",)])
def test_a_film_painted_in_one_pass_has_its_longer_side_at_size(run, adain, clip, photo, tmp_path, options):
    source = clip(size=(20, 48))  # With its shorter side at 12, the longer one would be 28.
    fast = ("neural-style", source, photo("style.jpg"), "--fast", "--checkpoint", adain, "--size", 30, "--every", 6)
    assert run(*fast, "-o", tmp_path / "film", *options).exit_code == 0
    assert images_in(tmp_path / "film")[0].shape == (12, 30, 3)


@pytest.mark.parametrize(
    ("options", "reason"),
    [(("--preserve-color", "match"), "--preserve-color"), (("--record",), "--record"), (("--depth", 16), "--depth 16")],
)
def test_a_film_painted_in_one_pass_has_no_such_options(run, adain, clip, photo, options, reason):
    result = run("neural-style", clip(), photo(), "--fast", "--checkpoint", adain, *options)
    assert result.exit_code == 2
    assert f"{reason} has no effect on a film" in result.stderr


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--grid", "g.png"), "--grid has no effect on a film"),
        (("--depth", "16"), "--depth 16 has no effect on a film"),
        (("--format", "jpg"), "--format has no effect on a film"),
        (("--name-template", "{stem}"), "--name-template has no effect on a film"),
        (("--record",), "--record has no effect on a film"),
        (("--keep-metadata",), "--keep-metadata has no effect on a film"),
        (("--save-styles", "s.json"), "--save-styles has no effect on a film"),
        (("--n-styles", "2"), "a film has one style, and 2 are given"),
        (("other.mp4",), "a command makes one film at a time"),
        (("-o", "-"), "films are not read from or written to pipes"),
        (("--start", "soon"), "a time must be like"),
        (("--frame-rate", "24"), "--frame-rate is for folders of frames"),
    ],
)
def test_options_that_a_film_does_not_have_are_refused(run, munit, clip, options, reason):
    result = run(*munit, clip(), *options)
    assert (result.exit_code, reason in result.stderr) == (2, True), result.stderr


@pytest.mark.parametrize("options", [("--save-every", 1), ("--init", "photo.png"), ("--reconstruct", "content")])
def test_a_film_has_no_steps_and_no_figures(run, clip, photo, options):
    result = run("neural-style", clip(), photo("painting.png"), *options)
    assert (result.exit_code, f"{options[0]} " in result.stderr) == (2, True), result.stderr
    assert "film" in result.stderr


@pytest.mark.parametrize("options", [("--codec", "vp9"), ("--every", "2"), ("--no-sound",), ("--frame-by-frame",)])
def test_options_of_films_are_refused_for_images(run, munit, photo, options):
    result = run(*munit, photo(), *options)
    assert (result.exit_code, f"{options[0]} is for films" in result.stderr) == (2, True)


def test_processes_do_not_share_a_film(run, munit, clip, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    result = run(*munit, clip())
    assert (result.exit_code, "several processes cannot share a film" in result.stderr) == (2, True)


def test_an_existing_film_is_kept_or_refused(run, munit, clip, tmp_path):
    (tmp_path / "out.mp4").write_bytes(b"old")
    source = clip()
    assert run(*munit, source, "-o", "out.mp4").exit_code == 9
    assert "nothing to do" in run(*munit, source, "-o", "out.mp4", "--skip-existing").stderr
    assert (tmp_path / "out.mp4").read_bytes() == b"old"


@pytest.mark.parametrize("how", ["style", "one of two styles", "painting", "painting in one pass"])
def test_a_film_is_not_written_over_its_style_image(run, munit, adain, clip, photo, tmp_path, how):
    photo("style.gif"), photo("other.png")
    before = (tmp_path / "style.gif").read_bytes()
    styles = ("--style", "other.png", "--style", "style.gif", "--style-weights", "1,1")
    command = {
        "style": (*munit, clip(), "--style", "style.gif"),
        "one of two styles": ("translate", "adain", "--checkpoint", adain, clip(), *styles),
        "painting": ("neural-style", clip(), "style.gif"),
        "painting in one pass": ("neural-style", clip(), "style.gif", "--fast", "--checkpoint", adain),
    }[how]
    result = run(*command, "-o", "style.gif", "--overwrite")
    assert (result.exit_code, "would be the same file" in result.stderr) == (2, True), result.stderr
    assert (tmp_path / "style.gif").read_bytes() == before


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_film_goes_on_after_a_signal_and_ends_with_the_same_bytes(run, munit, clip, launcher, tmp_path, number):
    """The signal comes after the first segment. The film has 48 more frames, which take longer than a signal."""
    source = clip(times=range(0, 512 * 100, 512))
    options = (*munit, source, "--device", "cpu", "--skip-existing")
    process = launcher.start([*options, "-o", "out.mp4"], tmp_path / "log.txt", folder=str(tmp_path))
    marker = work_folder(tmp_path / "out.mp4") / "000000.json"
    deadline = time.monotonic() + 120
    while process.runs() and not marker.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill(number)
    assert process.wait() == {signal.SIGKILL: -9, signal.SIGINT: 130}[number], process.errors
    assert ("Type the same command again to go on" in process.errors) == (number != signal.SIGKILL)
    again = run(*options, "-o", "out.mp4")
    assert "going on after" in again.stderr
    if number == signal.SIGKILL:
        assert run(*options, "-o", "whole.mp4").exit_code == 0
        assert (tmp_path / "out.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.glob(".*")) == []
