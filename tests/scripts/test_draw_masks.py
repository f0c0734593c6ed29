import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

ROOT = Path(__file__).resolve().parents[2]
MASK = ROOT / "examples" / "masks" / "china.png"


def colors(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_the_repository_holds_the_label_map_that_the_script_draws(tmp_path: Path) -> None:
    subprocess.run([sys.executable, ROOT / "scripts" / "draw_masks.py", tmp_path / "new"], check=True, timeout=120)
    assert (colors(tmp_path / "new" / "china.png") == colors(MASK)).all(axis=2).mean() > 0.99


def test_each_region_has_one_of_three_flat_colors_and_a_large_part_of_the_photo() -> None:
    labels = colors(MASK)
    shares = [(labels == color).all(axis=2).mean() for color in ((0, 0, 255), (255, 0, 0), (0, 255, 0))]
    assert sum(shares) == 1
    assert min(shares) > 0.15
