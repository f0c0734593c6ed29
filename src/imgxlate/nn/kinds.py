"""The words for variants of layers, for configurations, which import no torch."""

from typing import Literal

Activation = Literal["relu", "lrelu", "prelu", "selu", "tanh", "none"]
Padding = Literal["reflect", "replicate", "zero"]
NormKind = Literal["instance", "instance_affine", "batch", "none"]
DiscriminatorNorm = Literal["none", "instance", "layer"]
Upsampling = Literal["transposed", "nearest"]
Init = Literal["kaiming", "xavier", "orthogonal", "gaussian"]
