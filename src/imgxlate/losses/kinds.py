"""The words for variants of losses, for configurations, which import no torch."""

from typing import Literal

Gan = Literal["lsgan", "nsgan"]
