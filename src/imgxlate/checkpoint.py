"""Checkpoints: ours (safetensors with a JSON header and a checksum) and the originals' (torch files, tensors only).

This is the only module that calls `torch.load`, always with `weights_only=True`: no pickle is ever executed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from imgxlate import atomic
from imgxlate.errors import CheckpointError

FORMAT = "imgxlate/1"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a checkpoint file holds.

    `tensors` is flat: nested dicts of an original's file are joined with dots, so {'a': {'dec.x': t}} gives 'a.dec.x'.
    `header` is what `write` stored: {} for an original's file, else it has at least the key 'method'.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    header: Mapping[str, Any] = field(default_factory=dict)
