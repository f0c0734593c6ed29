"""The description of a number, and the choice of the networks that measure. Imports no torch."""

from dataclasses import dataclass
from typing import Literal

MetricsChoice = Literal["auto", "published", "vgg19", "none"]
"""`published`: LPIPS, FID and KID, or an error if their networks are missing; `vgg19`: the same formulas over the
bundled VGG-19, under other names; `auto`: the published ones if they can be downloaded, else those over VGG-19;
`none`: time and memory only."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A number that is computed from an image or from a set of images, and how."""

    name: str  # "ssim"; the key in `numbers`, metrics.json and metrics.csv
    title: str  # "SSIM of luminance"
    how: str  # one paragraph: formula, feature network and its version, pairs, sizes
    better: Literal["higher", "lower"] | None  # None: neither
    unit: str = ""  # "s", "MiB"; empty: the number has no unit
