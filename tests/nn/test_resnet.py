"""The generator of CycleGAN and CUT."""

import copy
import shutil

import pytest
import torch

from imgxlate.nn.initialization import seeded
from imgxlate.nn.resnet import ResidualBlock


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # torch's own, of its compiler's parts
@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs a C++ compiler on the CPU")
def test_a_compiled_residual_block_has_the_same_gradients():
    with seeded(0):
        plain = ResidualBlock(16, norm="instance", bias=True, dropout=False).to(memory_format=torch.channels_last)
    compiled = copy.deepcopy(plain)
    compiled.compile(dynamic=False)
    gradients = []
    for block in (plain, compiled):
        image = torch.arange(1024.0).sin().view(1, 16, 8, 8).requires_grad_()
        block(image).square().sum().backward()
        gradients.append(image.grad)
    assert torch.allclose(*gradients, rtol=0, atol=1e-3)
