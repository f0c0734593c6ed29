"""What a method says of its training. Imports no torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from annotated_types import Lt

from imgxlate.config import NonNegativeFloat, NonNegativeInt, PositiveInt, option
from imgxlate.data.config import DataConfig

Decay = Annotated[NonNegativeFloat, Lt(1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What the training of every method has: everything that decides the result, but the pictures themselves.

    A method's own configuration derives from it and adds its networks and the weights of its losses.
    """

    iterations: PositiveInt = option(
        1_000_000, "training steps in all", "NVlabs/MUNIT, configs/*.yaml, max_iter", panel="Configuration"
    )
    batch_size: PositiveInt = option(
        1, "images of each domain in a step, over all processes", "all three originals", panel="Configuration"
    )
    seed: Annotated[NonNegativeInt, Lt(2**63)] = option(
        0,
        "seed for all random choices: the same seed gives the same model",
        "chosen here",
        fixed=True,
        panel="Configuration",
    )
    precision: Literal["auto", "fp32", "bf16"] = option(
        "auto",
        "number format of products; auto: bf16 where the hardware is fast at it; a resumed run keeps its format",
        "chosen here",
        panel="Running",
    )
    lr: NonNegativeFloat = option(1e-4, "learning rate of Adam at the start", "NVlabs/MUNIT, configs/*.yaml")
    beta1: Decay = option(0.5, "decay of Adam's first moment", "all three originals")
    beta2: Decay = option(0.999, "decay of Adam's second moment", "all three originals")
    weight_decay: NonNegativeFloat = option(1e-4, "weight of the L2 penalty in Adam", "NVlabs/MUNIT, configs/*.yaml")
    ema: Decay = option(
        0.999,
        "decay of the moving average of the weights, which becomes the model; 0: no average",
        "chosen here",
        switch=True,
        panel="Configuration",
        metavar="DECAY",
    )
    display_size: PositiveInt = option(4, "pictures of each domain in the samples", "chosen here")
    sample_every: PositiveInt = option(
        1000,
        "steps between samples; steps 1, 2, 5, 10, 20, 50 and so on have samples too",
        "chosen here",
        panel="Run folder",
    )
    checkpoint_every: PositiveInt = option(1000, "steps between checkpoints", "chosen here", panel="Run folder")
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
