"""Reading video files: their frames, times, colors and rotation, and what is refused."""

import errno
import os
import re
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest
from PIL import Image

from imgxlate.errors import ImageError
from imgxlate.images.limits import Limits
from imgxlate.video.frames import Selection, parse_time
from imgxlate.video.reader import VideoFilm


def difference(one, other):
    return np.abs(one.astype(int) - other).mean()


def test_each_frame_has_its_exact_time_and_lasts_until_the_next(clip, drawn, variable):
    frames = list(VideoFilm(clip(times=variable)).frames())
    assert [frame.time for frame in frames] == [Fraction(time, 12800) for time in variable]
    assert [frame.time + frame.duration for frame in frames[:-1]] == [frame.time for frame in frames[1:]]
    assert frames[-1].duration == Fraction(512, 12800)
    assert [frame.index for frame in frames] == list(range(12))
    assert all(difference(frame.decode(), drawn(frame.index)) < 4 for frame in frames)


@pytest.mark.parametrize("is_full_range", [False, True])
def test_the_range_of_colors_is_respected(clip, drawn, is_full_range):
    film = VideoFilm(clip(pixel_format="yuv444p", is_full_range=is_full_range))
    assert film.info.colors.is_full_range == is_full_range
    assert film.info.colors.matrix == 1
    assert difference(next(film.frames()).decode(), drawn(0)) < 1


@pytest.mark.parametrize(
    ("rotation", "turned"),
    [
        ((90,), lambda image: np.rot90(image)),
        ((180,), lambda image: np.rot90(image, 2)),
        ((-90,), lambda image: np.rot90(image, -1)),
        ((0, True), lambda image: image[:, ::-1]),
        ((0, False, True), lambda image: image[::-1]),
    ],
)
def test_frames_are_turned_as_the_display_matrix_says(clip, drawn, rotation, turned):
    film = VideoFilm(clip(pixel_format="yuv444p", rotation=rotation, aspect=Fraction(4, 3)))
    image = next(film.frames()).decode()
    assert film.info.size == image.shape[:2]
    assert difference(image, turned(drawn(0))) < 1
    assert film.info.pixel_aspect == (Fraction(4, 3) if image.shape[1] == 48 else Fraction(3, 4))


def test_a_transparent_gif_is_shown_on_white(tmp_path):
    frames = [Image.new("RGBA", (16, 16)), Image.new("RGBA", (16, 16), "red")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=[40, 70], disposal=2)
    film = VideoFilm(tmp_path / "a.gif")
    shown = [(frame.time, frame.duration, frame.decode()[8, 8].tolist()) for frame in film.frames()]
    assert shown == [(0, Fraction(4, 100), [255] * 3), (Fraction(4, 100), Fraction(7, 100), [255, 0, 0])]


def test_a_missing_file_a_folder_and_a_text_are_refused(tmp_path):
    (tmp_path / "text.mp4").write_text("no film at all")
    for name, reason in (("none.mp4", "no such file"), (".", "not a file"), ("text.mp4", "damaged or of an unsuppor")):
        with pytest.raises(ImageError, match=reason):
            VideoFilm(tmp_path / name)


def test_a_file_with_sound_only_is_refused(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        track = container.add_stream("aac", rate=48000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 48000
        container.mux(track.encode(frame))
        container.mux(track.encode())
    with pytest.raises(ImageError, match="holds no video"):
        VideoFilm(tmp_path / "song.mp4")


@pytest.mark.parametrize("kept", [0.5, 0.8, 0.9])
def test_a_film_that_is_cut_short_is_refused(clip, kept):
    path = clip()
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    with pytest.raises(ImageError, match="the film is damaged"):
        VideoFilm(path)


@pytest.mark.parametrize("kept", [0.5, 0.8, 0.9])
@pytest.mark.parametrize("sound", [None, "aac"])
def test_a_film_with_its_index_in_front_that_is_cut_short_is_refused(clip, kept, sound):
    path = clip(times=range(0, 110 * 512, 512), faststart=True, sound=sound)
    path.write_bytes(path.read_bytes()[: int(kept * path.stat().st_size)])
    _assert_refused_with_an_end_that_works(path)


def test_a_film_that_is_cut_short_between_two_frames_is_refused(clip):
    path = clip(times=range(0, 110 * 512, 512), faststart=True)
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    path.write_bytes(path.read_bytes()[: places[88]])
    error = _assert_refused_with_an_end_that_works(path)
    assert error.reason == "the film is damaged: it is cut short, after 3.52 seconds"


def _assert_refused_with_an_end_that_works(path):
    with pytest.raises(ImageError, match=r"damaged.* after \d\.\d\d seconds") as caught:
        list(VideoFilm(path).frames())
    end = re.search(r"`--end (\d\.\d\d)`", str(caught.value.hint))[1]
    part = list(Selection(end=parse_time(end)).of(VideoFilm(path).frames()))
    assert [frame.decode().shape for frame in part] == [(32, 48, 3)] * len(part)
    assert parse_time(end) - part[-1].time <= Fraction(2, 25)  # A frame between them may need a later one.
    return caught.value


def test_a_film_that_ends_before_its_sound_is_whole(clip):
    frames = list(VideoFilm(clip(times=range(0, 6 * 512, 512), faststart=True, sound="aac")).frames())
    assert (len(frames), frames[-1].duration) == (6, Fraction(1, 25))


def test_the_last_frame_of_a_film_may_last_long(clip, tmp_path):
    with av.open(str(clip(codec="mpeg4"))) as source, av.open(str(tmp_path / "long.mp4"), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for packet in [packet for packet in source.demux(video=0) if packet.size]:
            packet.stream = stream
            packet.duration = 25600 if packet.pts == 11 * 512 else packet.duration
            container.mux(packet)
    assert [frame.duration for frame in VideoFilm(tmp_path / "long.mp4").frames()] == [*11 * [Fraction(1, 25)], 2]


def test_an_edit_list_leaves_out_frames_of_a_film_that_is_whole(clip):
    path = clip(times=range(0, 50 * 512, 512), faststart=True)
    data = bytearray(path.read_bytes())
    place = data.index(b"elst") + 12  # of the first edit: its duration, in 1/1000 seconds
    assert int.from_bytes(data[place : place + 4]) == 2000
    data[place : place + 4] = (1000).to_bytes(4)
    path.write_bytes(data)
    assert 25 <= len(list(VideoFilm(path).frames())) < 30


def test_a_film_that_is_damaged_in_the_middle_says_where(clip):
    path = clip(times=range(0, 24 * 512, 512))
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[places[12] : places[16]] = b"\xff" * (places[16] - places[12])
    path.write_bytes(data)
    frames = VideoFilm(path).frames()
    with pytest.raises(ImageError, match=r"damaged .* after 0\.\d\d seconds") as caught:
        list(frames)
    end = re.search(r"`--end (0\.\d\d)`", str(caught.value.hint))[1]
    assert len(list(Selection(end=parse_time(end)).of(VideoFilm(path).frames()))) >= 2


def test_all_frames_of_two_recordings_joined_byte_by_byte_are_read(clip, drawn):
    path = clip("clip.ts")
    path.write_bytes(2 * path.read_bytes())
    frames = list(VideoFilm(path).frames())
    assert [frame.time for frame in frames] == [Fraction(number, 25) for number in range(24)]
    assert all(difference(frame.decode(), drawn(index % 12)) < 6 for index, frame in enumerate(frames))


def test_all_frames_of_a_film_without_times_of_display_are_read(tmp_path, drawn):
    path = tmp_path / "b-frames.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2", "crf": "4"})
        stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
        for index in range(12):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn(index))))
        container.mux(stream.encode())
    frames = list(VideoFilm(path).frames())
    assert len(frames) == 12
    assert all(one.time < other.time for one, other in pairwise(frames))
    assert frames[-1].time < Fraction(16, 25)
    assert all(difference(frame.decode(), drawn(frame.index)) < 6 for frame in frames)


def test_a_film_that_may_not_be_read_is_not_called_damaged(clip, monkeypatch):
    path = clip()
    path.chmod(0)
    if os.access(path, os.R_OK):  # The superuser may read every file.
        denied = av.error.PermissionError(errno.EACCES, "Permission denied")
        monkeypatch.setattr("av.open", lambda *_, **__: (_ for _ in ()).throw(denied))
    with pytest.raises(ImageError, match="cannot be read: Permission denied"):
        VideoFilm(path)


def test_the_times_of_packets_are_those_of_the_frames(clip, variable):
    film = VideoFilm(clip(times=variable))
    assert film.times() == [frame.time for frame in film.frames()]


def test_a_film_with_more_pixels_than_the_limit_is_refused(clip):
    with pytest.raises(ImageError, match="1,536 pixels are more than the limit of 1,000"):
        VideoFilm(clip(), Limits.of(1000))


@pytest.mark.parametrize("text", ["#EXTM3U\n#EXTINF:1,\n{clip}\n", "ffconcat version 1.0\nfile {clip}\n"])
def test_a_playlist_in_the_guise_of_a_film_is_not_followed(clip, tmp_path, text):
    path = tmp_path / "list.mp4"
    path.write_text(text.format(clip=clip()))
    with pytest.raises(ImageError, match="unsupported kind"):
        VideoFilm(path)


def test_frames_are_decoded_one_at_a_time(clip, monkeypatch):
    path, decoded = clip(times=range(0, 40 * 512, 512)), []
    frames = VideoFilm(path).frames()
    monkeypatch.setattr(VideoFilm, "_colors", lambda *_: decoded.append(1))
    next(frames).decode()
    next(frames)
    assert len(decoded) == 1
