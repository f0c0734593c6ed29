"""Training steps as CUDA graphs. Most of it needs a GPU."""

import random
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.inference.device import require_exact
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext
from imgxlate.methods.shared import cuda_graphs
from imgxlate.methods.shared.optimization import TrainedNetworks
from imgxlate.methods.spec import TrainingConfig
from imgxlate.paths import assets_dir

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def _repeatable():
    """Let all computations repeat bit for bit. By default the gradients of padding do not."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    yield
    torch.use_deterministic_algorithms(False)


def repeatable(test):
    """A test in which computations repeat. Torch warns of each that might not."""
    return pytest.mark.filterwarnings("ignore")(pytest.mark.usefixtures("_repeatable")(test))


def group(size=1):
    return SimpleNamespace(rank=0, size=size, average=lambda tensors: None, gather=lambda tensor: tensor)


@pytest.fixture
def begin():
    """A small training on `device`. Afterwards, the precision of CUDA is as before."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic

    def build(method, changes=(), device="cuda", dtype=torch.float32):
        spec = registry.find(method)
        small = {"data.crop_height": 32, "data.crop_width": 32}
        config = overridden(spec.training.presets["tiny"], small | dict(changes))
        features = checkpoint.read(assets_dir() / f"{config.features}.safetensors") if config.features else None
        training = registry.trainable(spec).create(config, features)
        require_exact(torch.device(device), dtype)
        training.place(torch.device(device), dtype, compiled=False)
        return training

    yield build
    matmul.fp32_precision, cudnn.conv.fp32_precision, cudnn.deterministic = before


def advance(training, step, *, size=1, processes=1):
    """Take the step of that number; returns its losses."""
    generator = torch.Generator().manual_seed(step)
    device = next(iter(training.generators().values())).device
    a, b = (torch.rand(size, 3, 32, 32, generator=generator) * 2 - 1 for _ in "ab")

    def noise(shape):
        return torch.randn(size, *shape, generator=generator).to(device)

    context = StepContext(step, noise, random.Random(step), group(processes))
    losses = training.train_step(Batch(a, b, (), ()).to(device), context)
    return {name: loss.item() for name, loss in losses.items()}


def replays(training):
    return training._graphs._recording is not None


def assert_equal(state, other):
    assert state.keys() == other.keys()
    assert [name for name, tensor in state.items() if not torch.equal(tensor, other[name])] == []


@needs_gpu
@repeatable
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
@pytest.mark.parametrize(
    ("method", "changes"),
    [
        ("munit", {}),
        ("munit", {"dis.r1_w": 1.0, "vgg_w": 1.0}),
        ("munit", {"accumulate": 2}),
        ("munit", {"gen.pad_type": "zero", "dis.pad_type": "zero", "dis.norm": "layer", "recon_x_cyc_w": 0.0}),
        ("unit", {"dis.gan_type": "nsgan"}),
        ("cyclegan", {"pool_size": 2}),
        ("cyclegan", {"pool_size": 2, "accumulate": 2}),
        ("cyclegan", {"pool_size": 0, "r1_w": 1.0, "lambda_identity": 0.0}),
        ("munit", {"augment": "color,translation,cutout", "dis.r1_w": 1.0}),
        ("munit", {"dis.norm": "spectral", "dis.gan_type": "hinge", "spectral_gen": True, "lr_dis": 8e-4}),
        ("cyclegan", {"augment": "cutout,translation,color", "pool_size": 2}),
        ("cut", {}),
        ("cut", {"r1_w": 1.0, "nce_identity": False, "flip_equivariance": True}),
        ("munit", {"judge_features": True, "optimizer": "muon", "dis.r1_w": 1.0}),
        ("cut", {"judge_features": True, "optimizer": "muon", "augment": "translation"}),
    ],
)
def test_replayed_steps_equal_computed_ones_bit_for_bit(begin, monkeypatch, method, changes, dtype):
    replayed = begin(method, changes, dtype=dtype)
    found = [advance(replayed, step, size=2) for step in range(5)]
    assert replays(replayed)
    monkeypatch.setattr(cuda_graphs, "_PLAIN_STEPS", 5)
    computed = begin(method, changes, dtype=dtype)
    expected = [advance(computed, step, size=2) for step in range(5)]
    assert not replays(computed)
    assert found == expected
    assert_equal(replayed.state(), computed.state())


@needs_gpu
@repeatable
@pytest.mark.parametrize("method", [name for name in registry.BUILT_IN if registry.find(name).training])
def test_a_replayed_step_depends_on_nothing_but_its_state_images_noise_and_number(begin, method):
    # The rate changes.
    changes = {"lr_policy": "step", "step_size": 1} if method in ("munit", "unit") else {"iterations": 6}
    replayed = begin(method, changes)
    for step in range(5):
        advance(replayed, step)
    assert replays(replayed)
    computed = begin(method, changes | {"seed": 1})
    computed.load_state({name: tensor.clone() for name, tensor in replayed.state().items()})
    assert advance(replayed, 1) == advance(computed, 1)
    assert_equal(replayed.state(), computed.state())


@needs_gpu
@repeatable
def test_without_memory_for_the_graphs_steps_are_computed(begin, monkeypatch):
    def fail(*arguments):
        raise torch.OutOfMemoryError

    expected = [advance(training, step) for training in [begin("munit")] for step in range(5)]
    monkeypatch.setattr(cuda_graphs._Recording, "interrupt", fail)
    training = begin("munit")
    assert [advance(training, step) for step in range(5)] == expected
    assert not replays(training)


@needs_gpu
def test_processes_that_train_together_compute_their_steps(begin):
    training = begin("munit")
    for step in range(4):
        advance(training, step, processes=2)
    assert not replays(training)


def test_a_processor_computes_its_steps(begin):
    training = begin("munit", device="cpu")
    for step in range(3):
        advance(training, step)
    assert not replays(training)


def test_an_update_that_fails_leaves_no_gradients_to_the_next():
    class Failing(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.clone()

        @staticmethod
        def backward(ctx, gradient):
            raise torch.OutOfMemoryError

    def update(network, inputs, loss):
        return network.update(loss(network.networks["line"](inputs)).sum(), StepContext(0, None, None, group()))

    def build():
        torch.manual_seed(0)
        return TrainedNetworks({"line": nn.Linear(2, 1)}, TrainingConfig(), lambda step: 1.0)

    inputs = torch.tensor([[1.0, 2.0]])
    failed, fresh = build(), build()
    weight = failed.networks["line"].weight
    with pytest.raises(torch.OutOfMemoryError):
        update(failed, inputs, lambda scores: torch.cat([Failing.apply(scores), weight.sum()[None, None]]))
    assert all(parameter.grad is None for parameter in failed.networks.parameters())
    assert update(failed, inputs, torch.abs) == update(fresh, inputs, torch.abs)
