"""What a method says of its training. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imgxlate.config import option
from imgxlate.data.config import DataConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What the training of every method has: everything that decides the result, but the pictures themselves.

    A method's own configuration derives from it and adds its networks and the weights of its losses.
    """

    iterations: int = option(1_000_000, "training steps in all", "NVlabs/MUNIT, configs/*.yaml, max_iter", at_least=1)
    batch_size: int = option(
        1, "pictures of each domain in a step, over all processes", "all three originals", at_least=1
    )
    seed: int = option(
        0, "everything random follows from it, and from the step", "chosen here", fixed=True, at_least=0, below=2**63
    )
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto", "what products are computed in; auto: bf16 where the hardware has it", "chosen here"
    )
    lr: float = option(1e-4, "learning rate of Adam at the start", "NVlabs/MUNIT, configs/*.yaml", at_least=0)
    beta1: float = option(0.5, "decay of Adam's first moment", "all three originals", at_least=0, below=1)
    beta2: float = option(0.999, "decay of Adam's second moment", "all three originals", at_least=0, below=1)
    weight_decay: float = option(1e-4, "weight of the L2 penalty in Adam", "NVlabs/MUNIT, configs/*.yaml", at_least=0)
    ema: float = option(
        0.999,
        "decay of the averaged weights that the model is made of; 0: no average",
        "chosen here",
        switch=True,
        at_least=0,
        below=1,
    )
    display_size: int = option(4, "pictures of each domain in the samples", "chosen here", at_least=1)
    sample_every: int = option(
        1000, "steps between samples, beside those at 1, 2, 5, 10, 20, 50, ...", "chosen here", at_least=1
    )
    checkpoint_every: int = option(1000, "steps between checkpoints", "chosen here", at_least=1)
    data: DataConfig = option(DataConfig(), "how pictures are prepared", "", fixed=False)

    @property
    def features(self) -> str | None:
        """The feature network that a loss needs: a name of `imgxlate weights list` or a file; None: none is needed."""
        return None


@dataclass(frozen=True, slots=True)
class TrainingSpec:
    """How a method is trained. The implementation is imported on first use."""

    implementation: str  # "imgxlate.methods.munit.training:MunitTraining"
    presets: Mapping[str, TrainingConfig]  # named configurations, the default first
    # An original's configuration file to keys of ours with dots, such as "gen.dim"; what has no meaning here is left
    # out. Raises UsageError for a key that the original does not have.
    from_original: Callable[[Mapping[str, Any]], Mapping[str, Any]] | None = field(default=None)
