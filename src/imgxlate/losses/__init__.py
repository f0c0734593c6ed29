"""Losses, each a plain function of tensors.

The names of their variants are defined here, because configurations use them, and configurations import no torch.
"""

from typing import Literal

GanLoss = Literal["lsgan", "nsgan", "hinge"]
Variation = Literal["absolute", "squared"]
