"""CUT's training against what the original gave, and what the training loop relies on."""

import json
import threading
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn import functional

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.cut.config import PRESETS, from_original
from imgxlate.methods.cut.networks import Encoder, Generator, PatchDiscriminator
from imgxlate.methods.cut.training import CutTraining
from imgxlate.methods.protocol import Trainable
from imgxlate.nn.norms import InstanceNorm

FAST = {"nce_identity": False, "flip_equivariance": True, "lambda_nce": 10.0}
LOSSES = ("G", "G_GAN", "NCE", "NCE_Y", "D")


def weights(folder, prefix):
    return {
        f"{part}.weights.{name}.{key}": tensor
        for part, names in (("generators", "GF"), ("discriminators", "D"))
        for name in names
        for key, tensor in torch.load(folder / f"{prefix}_{name}.pth", weights_only=True).items()
    }


class RecordedNorm(torch.autograd.Function):
    """Instance norm with the gradient that the recorded numbers have.

    The original ran on a CPU, where torch 2.13 reads a gradient in channels-last layout as if it were contiguous. The
    gradients of sampled features have that layout.
    """

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return functional.group_norm(x, x.shape[1])

    @staticmethod
    def backward(ctx, gradient):
        [x] = ctx.saved_tensors
        read = gradient if gradient.is_contiguous() else gradient.permute(0, 2, 3, 1).reshape(x.shape)
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            [by_x] = torch.autograd.grad(functional.group_norm(x, x.shape[1]), x, read)
        return by_x


class RecordedChoices:
    """The choices of a step that the original took, in place of random ones."""

    def __init__(self, arrays, step):
        self._mirrored = arrays.get(f"flip_{step}")
        self._positions = (array for name, array in arrays.items() if name.startswith(f"patches_{step}_"))

    def random(self):
        return 0.0 if self._mirrored else 0.5

    def sample(self, population, k):
        positions = next(self._positions)
        assert len(positions) == k
        assert max(positions) in population
        return positions.tolist()


@pytest.mark.parametrize("method", ["cut", "fastcut"])
def test_three_steps_give_the_originals_losses_and_weights(golden, context, monkeypatch, method):
    monkeypatch.setattr(InstanceNorm, "forward", lambda norm, x: RecordedNorm.apply(x))
    folder = golden / method
    options = from_original(json.loads((folder / "options.json").read_text()))
    training = CutTraining.create(
        overridden(PRESETS["default"], options | {"data.crop_height": 64, "data.crop_width": 64}), None
    )
    training.load_state(weights(folder, "latest_net"))
    training.place(torch.device("cpu"), torch.float64, compiled=False)
    for part in (training._generators, training._discriminators):
        part.networks.to(memory_format=torch.contiguous_format)
    with np.load(folder / "train.npz") as file:
        arrays = dict(file)
    for step in range(3):
        a, b = (torch.from_numpy(arrays[f"x_{domain}_{step}"]) for domain in "ab")
        losses = training.train_step(Batch(a, b, (), ()), context(step, choices=RecordedChoices(arrays, step)))
        expected = {name: float(arrays[f"loss_{name}_{step}"]) for name in LOSSES if f"loss_{name}_{step}" in arrays}
        expected["D"] = float(arrays[f"loss_D_real_{step}"] + arrays[f"loss_D_fake_{step}"]) / 2
        assert {name: losses[name].item() for name in expected} == pytest.approx(expected, rel=1e-8, abs=0)
    state = training.state()
    for name, tensor in weights(folder / "after", "3_net").items():
        assert (state[name] - tensor).abs().max() < 1e-7, name


@pytest.mark.parametrize("changes", [{}, FAST])
def test_the_generator_follows_the_exact_gradient_of_its_loss(train, batch, context, monkeypatch, changes):
    training = train(torch.float64, **changes)
    # The decoder has no part in the keys, which are constants for the gradient.
    weight = training._generators.networks["G"].model[13].conv_block[5].weight
    losses = []

    def keep(parts, minimized, _):
        [found] = parts
        losses.append(minimized(found))  # of the discriminator, then of the generator
        return found, losses[-1]

    for part in (training._discriminators, training._generators):
        monkeypatch.setattr(part, "update_by_parts", keep)

    def loss(shift):
        with torch.no_grad():
            weight.add_(shift)
        training.train_step(batch(0), context(0))
        return losses[-1]

    [gradient] = torch.autograd.grad(loss(torch.zeros_like(weight)), weight)
    step = 1e-8 * torch.sin(torch.arange(weight.numel(), dtype=torch.float64)).view_as(weight)
    difference = loss(step).item() - loss(-2 * step).item()
    assert difference == pytest.approx(2 * (gradient * step).sum().item(), rel=1e-4)


@pytest.mark.parametrize("changes", [{}, FAST])
def test_it_is_trainable_and_returns_every_loss_and_gradient_norm(train, batch, context, changes):
    training = train(**changes)
    losses = training.train_step(batch(0), context(0))
    assert isinstance(training, Trainable)
    assert set(losses) == {*LOSSES, "grad_G", "grad_D"} - ({"NCE_Y"} if changes else set())
    assert all(loss.shape == () and loss > 0 and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("gan_mode", ["lsgan", "nsgan"])
def test_the_discriminator_learns_to_recognize_fakes_and_patches_become_alike(train, batch, context, gan_mode):
    training = train(gan_mode=gan_mode, lr=2e-3, lambda_gan=0.0)
    first, *_, last = [training.train_step(batch(0), context(0)) for _ in range(20)]
    assert last["D"] < first["D"]
    assert last["NCE"] + last["NCE_Y"] < first["NCE"] + first["NCE_Y"]


def test_the_loss_of_the_generator_is_the_weighted_sum(train, batch, context):
    plain, weighted = train(torch.float64), train(torch.float64, lambda_gan=3.0, lambda_nce=7.0)
    losses, scaled = plain.train_step(batch(0), context(0)), weighted.train_step(batch(0), context(0))
    for name, factor in (("G_GAN", 3), ("NCE", 7), ("NCE_Y", 7)):
        assert scaled[name].item() == pytest.approx(factor * losses[name].item())
    assert scaled["G"].item() == pytest.approx((scaled["G_GAN"] + (scaled["NCE"] + scaled["NCE_Y"]) / 2).item())


def test_networks_have_gradients_in_their_own_update_alone_and_none_is_kept(train, batch, context):
    training = train()
    networks = {"gen": training._generators.networks, "dis": training._discriminators.networks}
    seen = []

    def with_gradients():
        return {side for side, part in networks.items() if any(p.grad is not None for p in part.parameters())}

    watched = SimpleNamespace(rank=0, size=1, average=lambda _: seen.append(with_gradients()), gather=lambda x: x)
    training.train_step(batch(0), context(0, watched))
    assert seen == [{"dis"}, {"gen"}]
    assert with_gradients() == set()
    assert all(p.requires_grad for part in networks.values() for p in part.parameters())


def test_every_weight_of_the_generator_and_the_projections_is_trained(train, batch, context):
    training = train(gen__norm="none", gen__bias=False, init="kaiming")
    before = {name: tensor.clone() for name, tensor in training.state().items() if ".weights." in name}
    training.train_step(batch(0), context(0))
    state = training.state()
    assert {name for name in before if torch.equal(before[name], state[name])} == {
        name for name in before if name.endswith(".filt")
    }


@pytest.mark.parametrize("changes", [{}, FAST])
@pytest.mark.parametrize("cut", [1, 3])
def test_a_restored_training_continues_bit_for_bit(train, batch, context, cut, changes):
    alone, saved = train(**changes), train(**changes)
    for step in range(5):
        alone.train_step(batch(step), context(step))
    for step in range(cut):
        saved.train_step(batch(step), context(step))
    again = CutTraining.create(saved.config, None)
    again.load_state({name: tensor.clone().contiguous() for name, tensor in saved.state().items()})
    again.place(torch.device("cpu"), torch.float32, compiled=False)
    for step in range(cut, 5):
        again.train_step(batch(step), context(step))
    state = again.state()
    assert alone.state().keys() == state.keys()
    assert {name.split(".")[0] for name in state} == {"generators", "discriminators"}
    assert all(torch.equal(tensor, state[name]) for name, tensor in alone.state().items())


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("others.A", torch.zeros(1)),
        ("generators.weights.G.model.1.weight", torch.zeros(1)),
        ("generators.weights.F.mlp_0.0.weight", torch.zeros(1)),
        ("discriminators.weights.D.other", torch.zeros(1)),
    ],
)
def test_a_state_that_does_not_fit_is_refused_by_name(train, name, tensor):
    training = train()
    with pytest.raises(CheckpointError, match=name.partition("weights.")[2] or name):
        training.load_state(training.state() | {name: tensor})


class Pair:
    """Two processes as two threads, which meet where processes would."""

    def __init__(self):
        self._barrier, self._parts = threading.Barrier(2, timeout=60), [None, None]

    def group(self, rank):
        def average(tensors):
            self._parts[rank] = [tensor.clone() for tensor in tensors]
            self._barrier.wait()
            means = [torch.stack(parts).mean(0) for parts in zip(*self._parts, strict=True)]
            self._barrier.wait()
            for tensor, mean in zip(tensors, means, strict=True):
                tensor.copy_(mean)

        return SimpleNamespace(rank=rank, size=2, average=average)


@pytest.mark.parametrize("changes", [{}, FAST])
def test_two_processes_take_the_same_steps_as_one(train, batch, context, changes):
    one, two, pair = train(torch.float64, **changes), [train(torch.float64, **changes) for _ in range(2)], Pair()

    def work(rank):
        for step in range(3):
            both = batch(step, size=2)
            part = Batch(both.a[rank, None], both.b[rank, None], both.files_a[:1], both.files_b[:1])
            two[rank].train_step(part, context(step, pair.group(rank)))

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for step in range(3):
        one.train_step(batch(step, size=2), context(step))
    for thread in threads:
        thread.join(timeout=120)
    first, second = two[0].state(), two[1].state()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all((first[name] - tensor).abs().max() < 1e-6 for name, tensor in one.state().items() if "bias" not in name)


def test_bfloat16_gives_nearly_the_same_losses_and_keeps_weights_in_float32(train, batch, context):
    exact, narrow = train(), train(torch.bfloat16)
    expected, losses = exact.train_step(batch(0), context(0)), narrow.train_step(batch(0), context(0))
    for name in LOSSES:
        assert losses[name].item() == pytest.approx(expected[name].item(), rel=0.03)
        assert losses[name].dtype == torch.float32
    assert {tensor.dtype for tensor in narrow.state().values()} == {torch.float32}


def test_the_initial_weights_follow_from_the_seed_and_are_small(train):
    first, again, other = (train(seed=seed).generators() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["G.model.1.weight"], other["G.model.1.weight"])
    fans = 2 * first["G.model.12.conv_block.1.weight"][0].numel()
    deviation = 0.02 * (2 / fans) ** 0.5
    assert first["G.model.12.conv_block.1.weight"].std().item() == pytest.approx(deviation, rel=0.1)


def test_the_generator_is_a_model_that_translates(train, tmp_path, load):
    training = train()
    header = {"method": "cut", "architecture": asdict(training.architecture()), "domains": ["x", "y"]}
    checkpoint.write(tmp_path / "model.safetensors", training.generators(), {**header, "target": "B"})
    model = load("cut", tmp_path / "model.safetensors")
    assert (model.config, model.targets) == (training.architecture(), ("B",))
    assert model.tensors().keys() == training.generators().keys()


@pytest.mark.parametrize("antialias", [True, False])
@pytest.mark.parametrize(("n_layers", "side"), [(1, 8), (2, 12), (3, 24)])
def test_the_smallest_crop_is_trained_on_and_a_smaller_one_refused(train, batch, context, antialias, n_layers, side):
    sides = {"data__crop_height": side, "data__crop_width": side, "gen__antialias": antialias, "nce_layers": [0, 4, 8]}
    losses = train(n_layers=n_layers, **sides).train_step(batch(0, side=side), context(0))
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
    with pytest.raises(UsageError, match=f"data.crop_width is {side - 4}.*at least {side}"):
        train(n_layers=n_layers, **{**sides, "data__crop_width": side - 4})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data__crop_height": 34}, "multiple of 4"),
        ({"gen__norm": "batch"}, "gen.norm"),
        ({"gen__dropout": True}, "gen.dropout"),
        ({"gen__bias": False}, "gen.bias = false"),
        ({"lr_decay_share": 1.5}, "lr_decay_share"),
        ({"nce_layers": [0, 4, 14]}, r"nce_layers is \[0, 4, 14\].*up to 13"),
        ({"nce_layers": [4, 0]}, "must increase"),
        ({"nce_layers": [4, 4]}, "must increase"),
        ({"nce_layers": []}, "nce_layers"),
        ({"nce_layers": [-1]}, "nce_layers"),
        ({"temperature": 0}, "temperature"),
    ],
)
def test_a_configuration_that_cannot_be_trained_is_refused(train, changes, said):
    with pytest.raises(UsageError, match=said):
        train(**changes)


@pytest.mark.parametrize("layers", [[0], [5], [4, 9], [6, 13]])
def test_every_layer_up_to_the_last_residual_block_can_be_contrasted(train, batch, context, layers):
    losses = train(nce_layers=layers).train_step(batch(0), context(0))
    assert all(torch.isfinite(loss) for loss in losses.values())


def test_a_map_with_few_positions_gives_all_of_them(train, batch, context):
    losses = train(n_patches=10**6).train_step(batch(0), context(0))
    assert torch.isfinite(losses["NCE"])


def test_the_gradient_penalty_flattens_the_discriminator(train, batch, context):
    free, held = train(), train(lr=2e-3, r1_w=100.0, init="kaiming")
    penalties = [held.train_step(batch(0), context(step))["R1"].item() for step in range(12)]
    assert penalties[-1] < penalties[0]
    assert "R1" not in free.train_step(batch(0), context(0))


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # Both are the compiler's own.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_compiled_networks_give_the_same_losses(train, batch, context, monkeypatch):
    compile_network = torch.nn.Module.compile
    backend = CompileCounterWithBackend("aot_eager")  # all of the compiler but the making of machine code
    monkeypatch.setattr(torch.nn.Module, "compile", lambda network, **o: compile_network(network, backend=backend, **o))
    changes = {"n_layers": 1, "gen__n_blocks": 1, "gen__n_downsampling": 1, "nce_layers": [0, 4, 8]}
    expected, losses = (
        train(torch.float64, compiled=compiled, **changes).train_step(batch(0), context(0))
        for compiled in (False, True)
    )
    assert backend.frame_count > 0
    assert {name: losses[name].item() for name in expected} == pytest.approx(
        {name: loss.item() for name, loss in expected.items()}, rel=1e-6
    )


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_trained(name):
    config = PRESETS[name]
    with torch.device("meta"):
        size = sum(tensor.numel() for tensor in Generator(config.gen).parameters()) * 4
        assert len(Encoder(Generator(config.gen), config.nce_layers).widths) == len(config.nce_layers)
    if name in ("small", "tiny"):
        assert CutTraining.create(config, None).architecture() == config.gen
        assert size < 10e6
        assert config.data.resize == "shorter"  # as `translate` keeps the aspect ratio
    assert config.data.crop_height <= config.data.new_size


def test_a_score_is_for_a_patch_of_about_70_pixels():
    discriminator = PatchDiscriminator(PRESETS["default"]).eval()
    seen = torch.zeros(1, 3, 256, 256, requires_grad=True)
    for layer in discriminator.model:
        if isinstance(layer, InstanceNorm):
            layer.forward = lambda x: x  # An instance norm sees the whole image.
    (scores,) = discriminator(seen)
    assert scores.shape == (1, 1, 30, 30)
    scores[0, 0, 15, 15].backward()
    rows = seen.grad.abs().sum((0, 1, 3)).nonzero()
    assert 70 <= rows.max() - rows.min() + 1 <= 90


def test_the_registry_finds_the_training():
    spec = registry.find("cut", "train")
    assert registry.trainable(spec) is CutTraining
    assert spec.training.from_original({"ngf": 8}) == {"gen.ngf": 8}
