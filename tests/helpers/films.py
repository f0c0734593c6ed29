"""Clips for tests, which PyAV makes, and what is in video files."""

from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def variable():
    """The times of 12 frames, in 1/12800 seconds."""
    return (0, 512, 1024, 1300, 2048, 2500, 3000, 3512, 4024, 5000, 5512, 6024)


@pytest.fixture(scope="session")
def drawn():
    """The frames that clips show: (32, 48, 3), smooth, and moving to the right."""
    coarse = np.random.default_rng(0).integers(40, 216, (2, 3, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((48, 32), Image.Resampling.BICUBIC))

    def draw(index):
        return np.ascontiguousarray(np.roll(image, 2 * index, 1))

    return draw


@pytest.fixture
def clip(tmp_path, drawn):
    """Makes a clip of 12 frames."""

    def make(
        name="clip.mp4",
        times=range(0, 12 * 512, 512),
        *,
        codec="libx264",
        pixel_format="yuv420p",
        rotation=None,
        is_full_range=False,
        sound=None,
        aspect=1,
        size=(32, 48),
        hdr=False,
        faststart=False,
    ):
        path = tmp_path / name
        with av.open(str(path), "w", options={"movflags": "faststart"} if faststart else {}) as container:
            stream = container.add_stream(codec, rate=25, options={"crf": "4"} if codec == "libx264" else {})
            stream.height, stream.width, stream.pix_fmt = *size, pixel_format
            stream.codec_context.time_base = Fraction(1, 12800)
            if codec == "libx264":
                stream.codec_context.colorspace = 1
                stream.codec_context.color_range = 2 if is_full_range else 1
                stream.codec_context.sample_aspect_ratio = aspect
            if hdr:
                stream.codec_context.colorspace = stream.codec_context.color_primaries = 9  # of BT.2020
                stream.codec_context.color_trc = 16  # PQ
            if rotation:
                stream.set_display_rotation(*rotation)
            track = container.add_stream(sound, rate=48000, layout="mono") if sound else None
            for index, time in enumerate(times):
                frame = av.VideoFrame.from_ndarray(drawn(index))
                if pixel_format.startswith("yuv"):
                    colors = {
                        "dst_colorspace": 9 if hdr else 1,
                        "src_color_range": 2,
                        "dst_color_range": 2 if is_full_range else 1,
                    }
                    frame = frame.reformat(size[1], size[0], pixel_format, **colors)
                frame.pts, frame.time_base = time, Fraction(1, 12800)
                container.mux(stream.encode(frame))
            container.mux(stream.encode())
            if track:
                container.mux(_tone(track))
        return path

    return make


def _tone(track):
    """The packets of half a second of sound."""
    samples = (8000 * np.sin(np.arange(24000) / 20)).astype(np.int16)[None]
    frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
    frame.rate, frame.pts = 48000, 0
    pieces = av.AudioResampler(track.codec_context.format.name, "mono", 48000, frame_size=960).resample(frame)
    return [packet for piece in [*pieces, None] for packet in track.encode(piece)]


@pytest.fixture
def opened():
    """The frames of a video file, as RGB by ffmpeg, with times in seconds; and the properties of its stream."""

    def read(path):
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            frames = [(frame.pts * frame.time_base, frame) for frame in container.decode(stream)]
            return [time for time, _ in frames], [frame for _, frame in frames], stream

    return read


@pytest.fixture
def packets():
    """The bytes and the times of the packets of sound in a file."""

    def read(path):
        with av.open(str(path)) as container:
            return [
                (packet.pts * packet.time_base, bytes(packet))
                for packet in container.demux(audio=0)
                if packet.pts is not None
            ]

    return read
