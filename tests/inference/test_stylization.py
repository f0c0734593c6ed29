"""Loading stylizers."""

import torch

from imgxlate.inference.device import Arithmetic
from imgxlate.inference.stylization import load_stylizer
from imgxlate.methods import registry
from imgxlate.paths import assets_dir


def test_float32_on_cuda_is_made_exact_before_a_stylizer_is_placed(monkeypatch):
    asked = []
    monkeypatch.setattr("imgxlate.inference.stylization.require_exact", lambda *where: asked.append(where))
    spec, where = registry.find("gatys"), torch.device("cpu")
    load_stylizer(spec, spec.config(), assets_dir() / "vgg19.safetensors", where, Arithmetic())
    assert asked == [(where, torch.float32)]
