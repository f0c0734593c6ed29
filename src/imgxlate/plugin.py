"""The public names for implementations of methods, in addition to those of `imgxlate` itself.

A spec uses the names of `imgxlate`, which import no torch. Its implementation uses these. See docs/plugins.md.
"""

from imgxlate.checkpoint import Checkpoint
from imgxlate.checkpoint import read as read_checkpoint
from imgxlate.checkpoint import write as write_checkpoint
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, DivergedError, UsageError
from imgxlate.images.decode import decode
from imgxlate.images.inputs import walk
from imgxlate.images.tensors import from_tensor, to_tensor
from imgxlate.methods.protocol import (
    Adversarial,
    Exportable,
    Graph,
    Iterate,
    MovedOutput,
    Noise,
    ProcessGroup,
    Staged,
    StagedStyleSampler,
    StepContext,
    StyleSampler,
    Stylizer,
    Trainable,
    Translator,
)
from imgxlate.methods.shared.optimization import TrainedNetworks
from imgxlate.methods.spec import Domain
from imgxlate.nn.stages import Affine, Local, Moments, Norm, Residual, Stage, convolution, pointwise

__all__ = [
    "Adversarial",
    "Affine",
    "Batch",
    "Checkpoint",
    "CheckpointError",
    "DivergedError",
    "Domain",
    "Exportable",
    "Graph",
    "Iterate",
    "Local",
    "Moments",
    "MovedOutput",
    "Noise",
    "Norm",
    "ProcessGroup",
    "Residual",
    "Stage",
    "Staged",
    "StagedStyleSampler",
    "StepContext",
    "StyleSampler",
    "Stylizer",
    "Trainable",
    "TrainedNetworks",
    "Translator",
    "UsageError",
    "convolution",
    "decode",
    "from_tensor",
    "pointwise",
    "read_checkpoint",
    "to_tensor",
    "walk",
    "write_checkpoint",
]
