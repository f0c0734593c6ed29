"""The way of a film: what is kept of the input, how long films are made in segments, and what is refused."""

import gc
import os
import signal
import subprocess
import sys
import weakref
from fractions import Fraction
from pathlib import Path

import av
import imagecodecs
import numpy as np
import pytest
from PIL import Image

from imgxlate.errors import ImageError, OutputError, UsageError
from imgxlate.images.limits import Limits
from imgxlate.images.outputs import Existing
from imgxlate.video.film import make_film, plan_film
from imgxlate.video.frame_folders import numbered_images
from imgxlate.video.segments import finished_frames, work_folder


@pytest.fixture
def make(inverted):
    """Makes a film of negatives in segments of 5 frames."""

    def run(source, output, *, facts=(), segment=5, processor=None, on_frame=lambda *_: None, **arguments):
        plan = plan_film(Path(source), output, **arguments)
        return plan and make_film(plan, processor or inverted(), dict(facts), segment=segment, on_frame=on_frame)

    return run


def colors(frame):
    """The colors of a frame, as its tags say."""
    options = {} if frame.format.is_rgb else {"src_colorspace": frame.colorspace, "src_color_range": frame.color_range}
    return frame.reformat(format="rgb24", dst_color_range=2, **options).to_ndarray().astype(int)


def assert_negatives(frames, drawn, first=0, every=1, error=6):
    for count, frame in enumerate(frames, 1):
        shown = colors(frame)
        assert np.abs(shown[8:] - (255 - drawn(first + (count - 1) * every)[8:].astype(int))).mean() < error
        assert abs(shown[2, 2].mean() - 20 * count) < 20  # The processor has seen so many frames.


@pytest.mark.parametrize("name", ["out.mp4", "out.mov"])
def test_a_film_keeps_its_times_to_the_tick(clip, make, opened, drawn, variable, tmp_path, name):
    result = make(clip(times=variable), tmp_path / name)
    times, frames, stream = opened(result.output)
    assert times == [Fraction(time, 12800) for time in variable]
    assert stream.duration * stream.time_base == Fraction(6536, 12800)
    assert (result.frames, result.size) == (12, (32, 48))
    assert_negatives(frames, drawn)
    assert not work_folder(result.output).exists()


def test_a_webm_film_keeps_its_times_to_the_millisecond(clip, make, opened, drawn, variable, tmp_path):
    times, frames, stream = opened(make(clip(times=variable), tmp_path / "out.webm").output)
    assert times == [Fraction(round(time / 12.8), 1000) for time in variable]
    assert stream.codec_context.name == "vp9"
    assert_negatives(frames, drawn)


@pytest.mark.parametrize(
    ("codec", "name", "found"),
    [("vp9", "out.mp4", "vp9"), ("prores", "out.mov", "prores")],
)
def test_each_codec_is_joined_from_segments(clip, make, opened, drawn, variable, tmp_path, codec, name, found):
    times, frames, stream = opened(make(clip(times=variable), tmp_path / name, codec=codec).output)
    assert times == [Fraction(time, 12800) for time in variable]
    assert stream.codec_context.name == found
    assert_negatives(frames, drawn)


def test_h265_has_the_tag_that_players_of_apple_know(make, opened, tmp_path):
    (tmp_path / "frames").mkdir()
    for number in range(12):
        Image.new("RGB", (80, 64), (20 * number,) * 3).save(tmp_path / "frames" / f"{number}.png")
    times, frames, stream = opened(make(tmp_path / "frames", tmp_path / "out.mp4", codec="h265").output)
    assert (stream.codec_context.name, stream.codec_context.codec_tag) == ("hevc", "hvc1")
    assert times == [Fraction(number, 25) for number in range(12)]
    assert [round((255 - colors(frame)[40, 40].mean()) / 20) for frame in frames] == list(range(12))


def test_h265_refuses_sizes_at_which_its_encoder_breaks(clip, make, tmp_path):
    with pytest.raises(UsageError, match="h265 needs frames of at least 64 x 64 pixels, not 48 x 32"):
        make(clip(), tmp_path / "out.mp4", codec="h265")


@pytest.mark.parametrize("is_full_range", [False, True])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p"])
def test_range_matrix_and_pixel_format_of_colors_are_kept(clip, make, opened, tmp_path, is_full_range, pixel_format):
    source = clip(is_full_range=is_full_range, pixel_format=pixel_format)
    _, [frame, *_], stream = opened(make(source, tmp_path / "out.mp4").output)
    assert (frame.color_range, frame.colorspace) == (2 if is_full_range else 1, 1)
    assert stream.pix_fmt.replace("yuvj", "yuv") == pixel_format


def test_a_film_of_ten_bits_says_that_it_loses_two(clip, inverted, tmp_path):
    notes = []
    plan = plan_film(clip(pixel_format="yuv420p10le"), tmp_path / "out.mp4", every=6)
    make_film(plan, inverted(), {}, segment=5, notify=notes.append)
    assert notes == [f"{tmp_path / 'clip.mp4'} has 10 bits for each channel, and its frames are processed with 8"]


@pytest.mark.parametrize(("name", "codec"), [("out.mp4", None), ("out.webm", None), ("out.mov", "prores")])
def test_the_primaries_and_the_transfer_function_of_colors_are_kept(clip, make, opened, tmp_path, name, codec):
    source = clip(hdr=True)
    _, [frame, *_], _ = opened(make(source, tmp_path / name, codec=codec).output)
    assert (frame.colorspace, frame.color_primaries, frame.color_trc) == (9, 9, 16)


def test_prores_has_no_full_range_and_says_so(clip, make, opened, drawn, tmp_path):
    _, frames, _ = opened(make(clip(is_full_range=True), tmp_path / "out.mov", codec="prores").output)
    assert frames[0].color_range == 1
    assert_negatives(frames, drawn)


def test_a_turned_film_comes_out_upright(clip, make, opened, tmp_path):
    source = clip(rotation=(90,), aspect=Fraction(4, 3))
    _, [frame, *_], stream = opened(make(source, tmp_path / "out.mp4").output)
    assert (frame.width, frame.height, frame.rotation) == (32, 48, 0)
    assert stream.sample_aspect_ratio == Fraction(3, 4)


def test_higher_quality_makes_a_larger_file(clip, make, tmp_path):
    sizes = [make(clip(), tmp_path / f"{q}.mp4", quality=q).output.stat().st_size for q in (10, 60, 95)]
    assert sizes == sorted(set(sizes))


def test_odd_sizes_are_kept(photo, make, opened, tmp_path):
    for number in range(3):
        photo(f"frames/{number}.png", size=(33, 47), seed=number)
    for name in ("out.mp4", "out.mov", "out.webm", "out.gif"):
        _, [frame, *_], _ = opened(make(tmp_path / "frames", tmp_path / name).output)
        assert (frame.height, frame.width) == (33, 47)


@pytest.mark.parametrize(("name", "sound"), [("out.mp4", "aac"), ("out.mov", "aac"), ("out.mp4", "libmp3lame")])
def test_the_sound_is_kept_to_the_packet(clip, make, packets, tmp_path, name, sound):
    source = clip(sound=sound)
    assert packets(make(source, tmp_path / name).output) == packets(source)


def test_the_sound_of_a_webm_film_is_kept(clip, make, packets, tmp_path):
    source = clip("clip.webm", codec="libvpx-vp9", sound="libopus")
    made = packets(make(source, tmp_path / "out.webm").output)
    assert [data for _, data in made] == [data for _, data in packets(source)]


def test_the_sound_of_two_recordings_joined_byte_by_byte_is_kept(clip, make, opened, packets, tmp_path):
    source = clip("clip.ts", sound="libmp3lame")
    once = packets(source)
    source.write_bytes(2 * source.read_bytes())
    output = make(source, tmp_path / "out.mp4").output
    assert [data for _, data in packets(output)] == 2 * [data for _, data in once]
    assert len(opened(output)[0]) == 24
    assert packets(output)[-1][0] < 2 * once[-1][0] + 1


def test_sound_that_the_output_cannot_hold_is_refused_before_the_work(clip, make, packets, tmp_path):
    source = clip(sound="aac")
    with pytest.raises(UsageError, match=r"a \.webm file cannot hold the sound of the film, which is aac") as caught:
        make(source, tmp_path / "out.webm")
    assert "--no-sound" in str(caught.value.hint)
    with av.open(str(make(source, tmp_path / "out.webm", sound=False).output)) as container:
        assert not container.streams.audio


def test_a_part_is_cut_with_its_sound(clip, make, opened, packets, drawn, tmp_path):
    source = clip(sound="aac")
    output = make(source, tmp_path / "out.mp4", start="0.16", end=0.32).output
    times, frames, _ = opened(output)
    assert times == [Fraction(n, 25) for n in range(4)]
    assert_negatives(frames, drawn, first=4)
    whole = [(time, data) for time, data in packets(source) if Fraction(4, 25) <= time < Fraction(8, 25)]
    part = packets(output)
    assert [data for _, data in part] == [data for _, data in whole]
    assert abs(part[0][0] - (whole[0][0] - Fraction(4, 25))) < Fraction(1, 1000)


def test_of_every_third_frame_a_film_is_made_that_is_as_long(clip, make, opened, drawn, tmp_path):
    times, frames, stream = opened(make(clip(), tmp_path / "out.mp4", every=3).output)
    assert times == [Fraction(3 * n, 25) for n in range(4)]
    assert stream.duration * stream.time_base == Fraction(12, 25)
    assert_negatives(frames, drawn, every=3)


def test_a_gif_has_the_times_of_the_film_in_hundredths(clip, make, drawn, variable, tmp_path):
    with Image.open(make(clip(times=variable), tmp_path / "out.gif").output) as gif:
        ends = np.cumsum([_at(gif, index).info["duration"] for index in range(gif.n_frames)])
        shown = [np.asarray(_at(gif, index).convert("RGB")).astype(int) for index in range(gif.n_frames)]
        assert gif.info["loop"] == 0
    assert ends.tolist() == [10 * round(time / 128) for time in (*variable[1:], 6536)]
    assert all(np.abs(image[8:] - (255 - drawn(index)[8:].astype(int))).mean() < 8 for index, image in enumerate(shown))


def _at(image, index):
    image.seek(index)
    return image


def test_a_gif_of_slow_motion_leaves_frames_out(clip, make, tmp_path):
    source = clip(times=range(0, 24 * 53, 53))  # 240 frames a second
    with Image.open(make(source, tmp_path / "out.gif").output) as gif:
        durations = [_at(gif, index).info["duration"] for index in range(gif.n_frames)]
    assert min(durations) >= 20
    assert sum(durations) == 140  # The last frame lasts 0.04 seconds.


def test_a_gif_becomes_a_film(make, opened, tmp_path):
    frames = [Image.new("RGB", (48, 32), (40 * n, 90, 200 - 30 * n)) for n in range(6)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[100, 40, 40, 200, 40, 40])
    times, shown, _ = opened(make(tmp_path / "a.gif", tmp_path / "out.mp4").output)
    assert times == [Fraction(n, 100) for n in (0, 10, 14, 18, 38, 42)]
    assert np.abs(colors(shown[5])[8:] - [55, 165, 205]).max() < 12


def test_a_folder_of_frames_becomes_a_film_in_the_order_of_their_numbers(make, opened, tmp_path):
    for number in (1, 2, 10):
        Image.new("RGB", (48, 32), (20 * number,) * 3).save(tmp_path / f"f{number}.png")
    (tmp_path / "notes.txt").touch()
    times, shown, _ = opened(make(tmp_path, tmp_path / "out.mp4", frame_rate="30000/1001").output)
    assert times == [Fraction(1001 * n, 30000) for n in range(3)]
    assert [round(colors(frame)[20, 20].mean() / 20) for frame in shown] == [12, 11, 3]


def test_a_film_becomes_a_folder_of_frames(clip, make, drawn, tmp_path):
    result = make(clip(), tmp_path / "frames")
    files = sorted(result.output.iterdir())
    assert [file.name for file in files] == [f"{number:06d}.png" for number in range(1, 13)]
    for index, file in enumerate(files):
        image = np.asarray(Image.open(file)).astype(int)
        assert np.abs(image[8:] - (255 - drawn(index)[8:].astype(int))).mean() < 5
        assert image[2, 2, 0] == 20 * (index + 1)


def test_results_of_earlier_commands_are_no_frames(inverted, tmp_path):
    for name in ("000001.png", "000002.png", "000001.munit.00.png", "000001.munit.01.png"):
        Image.new("RGB", (48, 32)).save(tmp_path / name)
    notes = []
    plan = plan_film(tmp_path, tmp_path / "out.mp4", labels={"munit"})
    assert make_film(plan, inverted(), {}, segment=5, notify=notes.append).frames == 2
    assert notes == [f"{tmp_path}: left out results of earlier commands: 000001.munit.00.png and 1 more"]


@pytest.mark.parametrize(
    ("values", "white", "shown", "says"),
    [
        ((20000, 8000, 4200, 4000, 2000), None, (78, 31, 16, 16, 8), False),
        ((0, 2000, 4000, 4200, 8000), None, (0, 8, 16, 16, 31), False),
        ((0, 1000, 2000, 4095, 3000), None, (0, 62, 125, 255, 187), True),
        ((0, 1000, 2000, 4095, 3000), 65535, (0, 4, 8, 16, 12), False),
        ((0, 1000, 2000, 4095, 3000), 4095, (0, 62, 125, 255, 187), False),
        ((0, 0), None, (0, 0), False),
        ((*40 * [2000], 20000), None, (*40 * [125], 255), True),  # The last one is not looked at.
    ],
)
@pytest.mark.parametrize("in_color", [False, True])
def test_frames_of_sixteen_bits_have_one_white(inverted, tmp_path, values, white, shown, says, in_color):
    for number, value in enumerate(values):
        frame = np.full((8, 8, 3) if in_color else (8, 8), value, np.uint16)
        (tmp_path / f"{number}.png").write_bytes(imagecodecs.png_encode(frame))
    notes = []
    plan = plan_film(tmp_path, tmp_path / "out/", limits=Limits.of(10**6, white))
    decoded = [frame.decode() for frame in plan.film.frames()]
    assert all(frame.min() == frame.max() for frame in decoded)
    assert tuple(frame[0, 0, 0] for frame in decoded) == shown
    make_film(plan, inverted(), {}, segment=200, notify=notes.append)
    assert f"{tmp_path} has 16 bits for each channel, and its frames are processed with 8" in notes
    assert any("white is 4095 in all frames" in note for note in notes) == says


def test_frames_with_one_number_are_in_the_order_of_their_names(tmp_path, monkeypatch):
    names = ("01.png", "1.jpg", "1.png", "2.png")
    for order in (names, names[::-1]):
        monkeypatch.setattr(Path, "iterdir", lambda _, order=order: iter([tmp_path / name for name in order]))
        assert [file.name for file in numbered_images(tmp_path)[0]] == list(names)


def test_frames_are_copied_on_a_disk_without_links(clip, make, tmp_path, monkeypatch):
    monkeypatch.setattr("os.link", lambda *_: (_ for _ in ()).throw(OSError("no links")))
    assert len(list(make(clip(), tmp_path / "frames").output.iterdir())) == 12


def test_a_frame_of_another_size_is_refused(photo, make, tmp_path):
    photo("frames/1.png")
    photo("frames/2.png", size=(64, 48))
    with pytest.raises(ImageError, match=r"2\.png: this frame and the first one have other sizes: 48 x 64 and 64 x 48"):
        make(tmp_path / "frames", tmp_path / "out.mp4")


TESTS = Path(__file__).parent
KILLED = """
import os, signal, sys
sys.path[:0] = [{tests!r}, {helpers!r}]
from pathlib import Path
from conftest import Inverted
from imgxlate.video.film import make_film, plan_film

class Killed(Inverted):
    def process(self, frame):
        if self.count == {after}:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().process(frame)

make_film(plan_film(Path({source!r}), Path({output!r}), start=0.04), Killed(), {{}}, segment=3)
"""


@pytest.mark.parametrize("name", ["out.mp4", "out.gif", "frames"])
def test_a_film_goes_on_after_a_kill_and_ends_with_the_same_bytes(clip, make, inverted, tmp_path, name):
    source, output = clip(sound=None if name == "out.gif" else "aac"), tmp_path / "killed" / name
    whole = make(source, tmp_path / "whole" / name, start=0.04, segment=3).output
    for after in (4, 8):
        files = {"source": str(source), "output": str(output)}
        code = KILLED.format(tests=str(TESTS), helpers=str(TESTS.parent / "helpers"), after=after, **files)
        assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == -signal.SIGKILL
        assert not output.exists()
    processor = inverted()
    processed = []
    result = make(
        source, output, start=0.04, segment=3, processor=processor, on_frame=lambda done, _: processed.append(done)
    )
    assert processed == [6, 7, 8, 9, 10, 11]
    assert (result.frames, processor.count) == (11, 11)
    assert _bytes(output) == _bytes(whole)
    assert not work_folder(output).exists()


def _bytes(path):
    return {file.name: file.read_bytes() for file in path.iterdir()} if path.is_dir() else path.read_bytes()


def _interrupted(make, source, output, at=7, **arguments):
    def stop(done, _):
        if done == at:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make(source, output, on_frame=stop, **arguments)


def test_another_command_does_not_go_on_with_the_film_of_the_first(clip, make, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"
    _interrupted(make, source, output)
    for other in ({"facts": {"style": 1}}, {"every": 2}, {"quality": 50}):
        with pytest.raises(OutputError, match="is unfinished, and was begun by a command with other inputs"):
            make(source, output, **other)
    os.utime(source, (1, 1))
    with pytest.raises(OutputError, match="is unfinished"):
        make(source, output)
    assert make(source, output, existing=Existing.OVERWRITE).frames == 12


@pytest.mark.parametrize(("before", "after"), [(None, 0.36), (0.44, 0.36), (0.36, None), (None, 0.18)])
@pytest.mark.parametrize("every", [1, 2])
def test_a_film_goes_on_with_another_end_and_has_the_same_bytes(clip, make, tmp_path, before, after, every):
    source, output, processed = clip(times=range(0, 20 * 512, 512)), tmp_path / "out.mp4", []
    part, segment = {"every": every, "segment": 4 // every}, 4 // every
    _interrupted(make, source, output, at=segment, end=before, **part)
    make(source, output, end=after, on_frame=lambda done, _: processed.append(done), **part)
    assert processed[0] == segment
    assert _bytes(output) == _bytes(make(source, tmp_path / "whole.mp4", end=after, **part).output)


def test_a_film_does_not_go_on_with_frames_after_its_end_or_with_a_segment_that_ended_early(clip, make, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"
    _interrupted(make, source, output)
    with pytest.raises(OutputError, match="is unfinished, and was begun by a command with other inputs"):
        make(source, output, end=0.16)
    _interrupted(make, source, tmp_path / "short.mp4", end=0.28)  # at the end, with segments of 5 and 2 frames
    with pytest.raises(OutputError, match="is unfinished, and was begun by a command with other inputs"):
        make(source, tmp_path / "short.mp4")
    assert make(source, tmp_path / "short.mp4", end=0.28).frames == 7


@pytest.mark.parametrize("segment", [3, 5, 11])
def test_the_end_that_the_error_of_a_damaged_film_names_goes_on_with_what_is_kept(clip, make, tmp_path, segment):
    source, output, processed = clip(times=range(0, 110 * 427, 427), faststart=True), tmp_path / "out.mp4", []
    source.write_bytes(source.read_bytes()[: source.stat().st_size // 2])
    with pytest.raises(ImageError, match="damaged") as caught:
        make(source, output, segment=segment)
    kept = finished_frames(output)
    assert kept
    end = caught.value.hint.split("`")[1].removeprefix("--end ")
    make(source, output, end=end, segment=segment, on_frame=lambda done, _: processed.append(done))
    assert processed[0] == kept


@pytest.mark.parametrize("name", ["out.mp4", "frames"])
def test_a_film_goes_on_after_an_error_between_a_segment_and_its_state(clip, make, inverted, tmp_path, name):
    class Failing(inverted):
        def state(self):
            if self.count == 10:
                raise OSError("no space left")
            return super().state()

    source, output = clip(), tmp_path / "out" / name
    with pytest.raises(OSError, match="no space left"):
        make(source, output, processor=Failing())
    assert make(source, output).frames == 12
    assert _bytes(output) == _bytes(make(source, tmp_path / "whole" / name).output)


def test_overwrite_begins_anew(clip, make, tmp_path):
    source, output, processed = clip(), tmp_path / "out.mp4", []
    _interrupted(make, source, output)
    make(source, output, existing=Existing.OVERWRITE, on_frame=lambda done, _: processed.append(done))
    assert processed[0] == 0


def test_a_command_that_finished_nothing_does_not_block_others(clip, make, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"
    with pytest.raises(UsageError, match="has no frame in this part"):
        make(source, output, start=0.41, end=0.42)
    assert not work_folder(output).exists()
    _interrupted(make, source, output, segment=10)
    assert not work_folder(output).exists()


def test_segments_without_a_finished_one_do_not_block_other_commands(clip, make, inverted, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"
    files = {"source": str(source), "output": str(output)}
    code = KILLED.format(tests=str(TESTS), helpers=str(TESTS.parent / "helpers"), after=2, **files)
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == -signal.SIGKILL
    assert work_folder(output).exists()
    assert make(source, output).frames == 12


def test_the_frames_that_are_kept_are_whole_segments(clip, make, tmp_path):
    output = tmp_path / "out.mp4"
    assert finished_frames(output) == 0
    _interrupted(make, clip(), output)
    assert finished_frames(output) == 5


def test_skipping_a_film_leaves_the_work_of_another_process(clip, make, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"
    output.touch()

    def skip(done, _):
        if done == 7:
            assert make(source, output, existing=Existing.SKIP) is None
            assert finished_frames(output) == 5

    assert make(source, output, existing=Existing.OVERWRITE, on_frame=skip).frames == 12


def test_skipping_a_film_removes_what_is_left_of_the_work_on_it(clip, make, tmp_path):
    _interrupted(make, clip(), tmp_path / "out.mp4")
    (tmp_path / "out.mp4").touch()
    assert make(clip(), tmp_path / "out.mp4", existing=Existing.SKIP) is None
    assert not work_folder(tmp_path / "out.mp4").exists()


def test_a_film_is_made_by_one_process_at_a_time(clip, make, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"

    def try_again(done, _):
        if done == 3:
            with pytest.raises(OutputError, match="is being made by another process"):
                make(source, output)

    assert make(source, output, on_frame=try_again).frames == 12


def test_states_of_earlier_segments_are_removed(clip, make, tmp_path):
    _interrupted(make, clip(), tmp_path / "out.mp4", segment=2)
    assert [path.name for path in sorted(work_folder(tmp_path / "out.mp4").glob("*.npz"))] == ["000002.npz"]


def test_an_existing_output_is_refused_skipped_or_replaced(clip, make, tmp_path):
    source, output = clip(), tmp_path / "out.mp4"
    output.write_bytes(b"old")
    with pytest.raises(OutputError, match="already exists"):
        make(source, output)
    assert make(source, output, existing=Existing.SKIP) is None
    assert output.read_bytes() == b"old"
    assert make(source, output, existing=Existing.OVERWRITE).frames == 12
    assert output.read_bytes() != b"old"


def test_a_folder_with_files_is_never_replaced(clip, make, tmp_path):
    (tmp_path / "frames").mkdir()
    (tmp_path / "frames" / "mine.txt").touch()
    for existing in (Existing.REFUSE, Existing.OVERWRITE):
        with pytest.raises(OutputError, match="exists and is not an empty folder"):
            make(clip(), tmp_path / "frames", existing=existing)
    assert make(clip(), tmp_path / "frames", existing=Existing.SKIP) is None


@pytest.mark.parametrize(
    ("output", "arguments", "reason"),
    [
        ("out.avi", {}, r"cannot write a film as \.avi"),
        ("out.png", {}, r"cannot write a film as \.png"),
        ("out.ts", {}, r"cannot write a film as \.ts"),
        ("shot.v2", {}, r"cannot write a film as \.v2"),
        ("out.webm", {"codec": "h264"}, r"a \.webm file holds no h264"),
        ("out.mp4", {"codec": "prores"}, r"a \.mp4 file holds no prores"),
        ("out.mp4", {"codec": "divx"}, "there is no codec 'divx'"),
        ("out.mp4", {"quality": 101}, "the quality must be from 0 to 100"),
        ("out.gif", {"quality": 50}, "--codec and --quality are for"),
        ("frames", {"codec": "h264"}, "--codec and --quality are for"),
        ("out.mp4", {"start": 9}, "--start 9 is after the end"),
        ("out.mp4", {"start": 0.3, "end": 0.2}, "--end is not after --start"),
        ("out.mp4", {"every": 0}, "--every 0: must be at least 1"),
        ("out.mp4", {"frame_rate": 24}, "--frame-rate is for folders"),
        ("clip.mp4", {}, "would be the same file"),
    ],
)
def test_what_cannot_be_made_is_refused_before_the_work(clip, make, tmp_path, output, arguments, reason):
    with pytest.raises(UsageError, match=reason):
        make(clip(), tmp_path / output, **arguments)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_a_name_that_ends_in_a_slash_is_a_folder(clip, make, tmp_path):
    assert len(list(make(clip(), f"{tmp_path}/take.mov/").output.iterdir())) == 12


def test_frames_are_not_written_over_their_input(photo, make, tmp_path):
    photo("frames/1.png")
    with pytest.raises(UsageError, match="is the input"):
        make(tmp_path / "frames", tmp_path / "frames", existing=Existing.OVERWRITE)


def test_a_film_is_not_written_over_one_of_its_frames_or_masks(make, tmp_path):
    for folder in ("frames", "masks"):
        (tmp_path / folder).mkdir()
        for number in range(2):
            Image.new("RGB", (48, 32)).save(tmp_path / folder / f"{number}.gif")
    for folder in ("frames", "masks"):
        with pytest.raises(UsageError, match=r"1\.gif and .* would be the same file"):
            make(
                tmp_path / "frames",
                tmp_path / folder / "1.gif",
                mask=tmp_path / "masks",
                existing=Existing.OVERWRITE,
            )


def test_a_folder_that_does_not_exist_is_missing_whatever_the_options_say(make, tmp_path):
    with pytest.raises(ImageError, match="no such file"):
        make(tmp_path / "frames", tmp_path / "out.mp4", frame_rate=24)


@pytest.mark.parametrize("existing", Existing)
def test_a_name_that_is_too_long_is_an_error_with_its_reason(clip, make, tmp_path, existing):
    long = 300 * "x"
    with pytest.raises(ImageError, match="no such file"):
        make(tmp_path / f"{long}.mp4", tmp_path / "out.mp4", existing=existing)
    with pytest.raises(ImageError, match="no such file"):
        make(clip(), tmp_path / "out.mp4", mask=tmp_path / long, existing=existing)
    for name in (f"{long}.mp4", f"{long}/", f"{long}/out.mp4"):
        with pytest.raises(OutputError, match="File name too long"):
            make(clip(), f"{tmp_path}/{name}", existing=existing)


def test_a_part_without_a_frame_is_refused(clip, make, tmp_path):
    with pytest.raises(UsageError, match="has no frame in this part"):
        make(clip(), tmp_path / "out.mp4", start=0.41, end=0.42)


def test_few_frames_are_in_memory_at_once(clip, make, tmp_path):
    alive, most, decoded = [], 0, []

    class Watching:
        def process(self, frame):
            nonlocal most
            decoded.append(sum(type(one) is av.VideoFrame for one in gc.get_objects()))
            alive[:] = [reference for reference in alive if reference() is not None]
            alive.append(weakref.ref(frame))
            most = max(most, len(alive))
            return 255 - frame

        def state(self):
            return {}

    assert (
        make(clip(times=range(0, 60 * 512, 512)), tmp_path / "out.mp4", processor=Watching(), segment=30).frames == 60
    )
    assert most <= 2
    assert 1 <= max(decoded) <= 30  # The decoder's threads give some frames ahead.


def test_a_mask_keeps_its_black_part(clip, make, tmp_path):
    mask = np.zeros((32, 48), np.uint8)
    mask[:, 24:] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    source = clip()
    for part, folder in ((None, "plain"), (tmp_path / "mask.png", "masked")):
        make(source, tmp_path / folder, mask=part)
    make_frames = sorted((tmp_path / "masked").iterdir())
    assert len(make_frames) == 12
    for file in make_frames:
        image, plain = (np.asarray(Image.open(path)) for path in (file, tmp_path / "plain" / file.name))
        assert np.array_equal(image[8:, 24:], plain[8:, 24:])
        assert np.array_equal(image[8:, :24], 255 - plain[8:, :24])


@pytest.mark.parametrize("kind", ["folder", "film"])
def test_each_frame_has_its_own_mask(clip, make, tmp_path, kind):
    (tmp_path / "masks").mkdir()
    for index in range(12):
        Image.new("RGB", (48, 32), (255 * (index % 3 == 0),) * 3).save(tmp_path / "masks" / f"{index}.png")
    masks = tmp_path / "masks"
    if kind == "film":
        with av.open(str(tmp_path / "masks.mp4"), "w") as container:
            stream = container.add_stream("libx264", rate=25, options={"crf": "1"})
            stream.width, stream.height = 48, 32
            for file in sorted(masks.iterdir(), key=lambda file: int(file.stem)):
                container.mux(stream.encode(av.VideoFrame.from_image(Image.open(file))))
            container.mux(stream.encode())
        masks = tmp_path / "masks.mp4"
    source = clip()
    make(source, tmp_path / "plain")
    make(source, tmp_path / "masked", mask=masks, start=0.08, every=2)  # frames 2, 4, 6, 8, 10
    for number, index in enumerate((2, 4, 6, 8, 10), 1):
        image = np.asarray(Image.open(tmp_path / "masked" / f"{number:06d}.png")).astype(int)
        plain = np.asarray(Image.open(tmp_path / "plain" / f"{index + 1:06d}.png")).astype(int)
        expected = plain if index == 6 else 255 - plain
        assert np.abs(image[8:] - expected[8:]).max() <= 2


def test_a_mask_that_is_missing_is_an_error_before_the_work(clip, make, tmp_path):
    with pytest.raises(ImageError, match=r"none\.png: no such file"):
        make(clip(), tmp_path / "out.mp4", mask=tmp_path / "none.png")


def test_a_mask_of_other_proportions_is_an_error_before_the_first_frame(clip, make, photo, tmp_path):
    processed = []
    for mask in (photo("mask.png", size=(48, 48)), photo("masks/0.png", size=(48, 48)).parent):
        with pytest.raises(ImageError, match="the mask and the image have other proportions: 48 x 48 and 48 x 32"):
            make(clip(), tmp_path / "out.mp4", mask=mask, on_frame=lambda done, _: processed.append(done))
    assert processed == []


@pytest.mark.parametrize(("part", "fits"), [({"end": 0.2}, True), ({"every": 6}, False), ({"end": 0.24}, False)])
def test_too_few_masks_are_an_error_before_the_first_frame(clip, make, photo, tmp_path, part, fits):
    for index in range(5):
        photo(f"masks/{index}.png", size=(32, 48))
    processed = []
    try:
        make(
            clip(),
            tmp_path / "out.mp4",
            mask=tmp_path / "masks",
            on_frame=lambda done, _: processed.append(done),
            **part,
        )
    except ImageError:
        assert processed == []
        assert not fits
    else:
        assert fits


def test_a_film_inside_its_folder_of_frames_goes_on(photo, make, tmp_path):
    for number in range(8):
        photo(f"{number}.png", size=(32, 48), seed=number)
    _interrupted(make, tmp_path, tmp_path / "out.mp4")
    assert make(tmp_path, tmp_path / "out.mp4").frames == 8


def test_too_few_masks_are_an_error_that_counts_them(clip, make, photo, tmp_path):
    for index in range(5):
        photo(f"masks/{index}.png", size=(32, 48))
    with pytest.raises(ImageError, match="has 5 masks, and the film has more frames"):
        make(clip(), tmp_path / "out.mp4", mask=tmp_path / "masks")


def test_without_the_extra_the_error_says_what_to_type(clip):
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from imgxlate.errors import UsageError\n"
        "try: import imgxlate.video.film\n"
        "except UsageError as error: print(error, error.hint)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    assert "extra `video`" in result.stdout
    assert 'pip install "imgxlate[video]"' in result.stdout
