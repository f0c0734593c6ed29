import sys
from pathlib import Path

import pytest
from PIL import Image

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


def test_a_sheet_is_written_to_a_folder_that_does_not_exist_yet(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import make_card_images

    folder = tmp_path / "new" / "deep"
    monkeypatch.setattr(sys, "argv", ["make_card_images.py", "munit-outline2color", "--outdir", str(folder)])
    make_card_images.main()
    with Image.open(folder / "munit-outline2color.jpg") as sheet:
        assert sheet.width > make_card_images.CELL
