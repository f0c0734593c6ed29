"""The built-in methods, by what tests need of them."""

from pathlib import Path

from imgxlate.config import keys
from imgxlate.methods import registry

GOLDEN = Path(__file__).resolve().parents[1] / "golden"

TRAINED = [name for name in registry.BUILT_IN if registry.find(name).training]

ADVERSARIAL = [
    name for name in TRAINED if "augment" in keys(type(next(iter(registry.find(name).training.presets.values()))))
]
"""The methods that train discriminators."""

WITH_ORIGINAL_MODELS = [name for name in TRAINED if (GOLDEN / name).is_dir()]
"""The methods of which there are models that their originals wrote."""
