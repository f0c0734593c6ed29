"""Layers and networks that several methods build on.

The names of their variants are defined here, because configurations use them, and configurations import no torch.
"""

from typing import Literal

Activation = Literal["relu", "lrelu", "prelu", "selu", "tanh", "none"]
Padding = Literal["reflect", "replicate", "zero"]
NormKind = Literal["instance", "instance_affine", "batch", "none"]
NormStatistics = Literal["image", "running"]
"""What a batch norm normalizes with in translation: the statistics of each image, or those of the training images."""
DiscriminatorNorm = Literal["none", "instance", "layer", "spectral"]
Upsampling = Literal["transposed", "nearest", "resize"]
Init = Literal["kaiming", "xavier", "orthogonal", "gaussian"]
