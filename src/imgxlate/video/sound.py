"""The sound of a film, which is copied as it is."""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from imgxlate.errors import UsageError
from imgxlate.video.codecs import FORMATS
from imgxlate.video.frames import Selection
from imgxlate.video.reader import Times, VideoFilm, sound_tracks


@dataclass(frozen=True, slots=True)
class Sound:
    """The sound tracks of a film, in a part of it."""

    film: VideoFilm
    selection: Selection

    def require_in(self, output: Path) -> None:
        """Check that the output can hold the tracks.

        Raises:
            UsageError: it cannot.
        """
        with av.open(io.BytesIO(), "w", format=FORMATS[output.suffix.lower()]) as container:
            held = container.supported_codecs
        for codec in self.film.info.sounds:
            if codec not in held:
                raise UsageError(
                    f"{output}: a {output.suffix} file cannot hold the sound of the film, which is {codec}",
                    hint="Give an output with another suffix, such as .mp4, or leave the sound out with --no-sound.",
                )

    def packets(self, container: Any, zero: Fraction) -> Iterator[Any]:
        """The packets of all tracks, moved so that the time `zero` of the film becomes 0, for the output `container`.

        The tracks are added to the container before the first packet is given.
        """
        start, end = self.selection.start, self.selection.end
        with self.film.opened() as source:
            tracks = sound_tracks(source)
            outputs = {track.index: container.add_stream_from_template(track, opaque=True) for track in tracks}
            times = {track.index: Times() for track in tracks}
            for packet in source.demux(*tracks):
                if packet.dts is None or packet.pts is None:
                    continue
                step = (packet.duration or 1) * packet.time_base
                time = times[packet.stream.index].next(self.film.time_of(packet), None, step)
                jump = round((time - self.film.time_of(packet)) / packet.time_base)
                if (start is not None and time < zero) or (end is not None and time >= end):
                    continue
                shift = round((self.film.start + zero) / packet.time_base) - jump
                packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
                packet.stream = outputs[packet.stream.index]
                yield packet
