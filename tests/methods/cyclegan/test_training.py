"""CycleGAN's training against what the original gave, and what the training loop relies on."""

import copy
import gc
import json
import threading
import weakref
from dataclasses import asdict
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn.functional import l1_loss, mse_loss

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.methods import registry
from imgxlate.methods.cyclegan import training as cyclegan_training
from imgxlate.methods.cyclegan.config import PRESETS, CycleganTrainingConfig, from_original
from imgxlate.methods.cyclegan.networks import Generator, make_discriminator
from imgxlate.methods.cyclegan.training import CycleganTraining
from imgxlate.methods.protocol import Trainable
from imgxlate.methods.shared.train_options import EPOCH

LOSSES = ("D_A", "G_A", "cycle_A", "idt_A", "D_B", "G_B", "cycle_B", "idt_B")


def weights(folder, prefix):
    return {
        f"{part}.weights.{name}.{key}": tensor
        for part, names in (("generators", ("G_A", "G_B")), ("discriminators", ("D_A", "D_B")))
        for name in names
        for key, tensor in torch.load(folder / f"{prefix}_{name}.pth", weights_only=True).items()
    }


@pytest.fixture
def recorded(golden):
    """A training in float64 with the original's options and weights."""
    folder = golden / "cyclegan"
    options = from_original(json.loads((folder / "options.json").read_text()))
    crop = {"data.crop_height": 64, "data.crop_width": 64}
    training = CycleganTraining.create(overridden(PRESETS["default"], options | crop), None)
    training.load_state(weights(folder, "latest_net"))
    training.place(torch.device("cpu"), torch.float64, compiled=False)
    return training


def test_three_steps_give_the_originals_losses_and_weights(recorded, golden, context):
    with np.load(golden / "cyclegan" / "train.npz") as arrays:
        for step in range(3):
            a, b = (torch.from_numpy(arrays[f"x_{domain}_{step}"]) for domain in "ab")
            losses = recorded.train_step(Batch(a, b, (), ()), context(step))
            for name in LOSSES:
                assert losses[name].item() == pytest.approx(float(arrays[f"loss_{name}_{step}"]), rel=1e-8, abs=0)
    state = recorded.state()
    for name, tensor in weights(golden / "cyclegan" / "after", "3_net").items():
        assert (state[name] - tensor).abs().max() < 1e-7, name


def test_it_is_trainable_and_returns_every_loss_and_gradient_norm(train, batch, context):
    training = train()
    losses = training.train_step(batch(0), context(0))
    assert isinstance(training, Trainable)
    assert set(losses) == {*LOSSES, "grad_G", "grad_D"}
    assert all(loss.shape == () and loss > 0 and not loss.requires_grad for loss in losses.values())


@pytest.mark.parametrize("gan_mode", ["lsgan", "nsgan"])
def test_the_discriminators_learn_to_recognize_fixed_fakes(train, batch, context, gan_mode):
    training = train(gan_mode=gan_mode, lr=2e-3)
    first, *_, last = [training.train_step(batch(0), context(step)) for step in range(12)]
    assert last["D_A"] < first["D_A"]
    assert last["cycle_A"] < first["cycle_A"]


def test_without_identity_loss_none_is_computed(train, batch, context):
    assert "idt_A" not in train(lambda_identity=0).train_step(batch(0), context(0))


def test_each_cycle_and_each_identity_has_the_weight_of_its_domain(train, batch, context):
    training = train(torch.float64, lambda_a=3.0, lambda_b=7.0, lambda_identity=0.25)
    networks = copy.deepcopy({**training._generators.networks, **training._discriminators.networks})
    losses = training.train_step(batch(0), context(0))
    a, b = (images.double() for images in (batch(0).a, batch(0).b))
    fake_b, fake_a = networks["G_A"](a), networks["G_B"](b)
    (scores_b,), (scores_a,) = networks["D_A"](fake_b), networks["D_B"](fake_a)
    expected = {
        "G_A": mse_loss(scores_b, torch.ones_like(scores_b)),
        "G_B": mse_loss(scores_a, torch.ones_like(scores_a)),
        "cycle_A": 3 * l1_loss(networks["G_B"](fake_b), a),
        "cycle_B": 7 * l1_loss(networks["G_A"](fake_a), b),
        "idt_A": 7 * 0.25 * l1_loss(networks["G_A"](b), b),
        "idt_B": 3 * 0.25 * l1_loss(networks["G_B"](a), a),
    }
    assert {name: losses[name].item() for name in expected} == pytest.approx(
        {name: loss.item() for name, loss in expected.items()}, rel=1e-9
    )


def test_networks_have_gradients_in_their_own_update_alone_and_none_is_kept(train, batch, context):
    training = train()
    networks = {"gen": training._generators.networks, "dis": training._discriminators.networks}
    seen = []

    def with_gradients():
        return {side for side, part in networks.items() if any(p.grad is not None for p in part.parameters())}

    watched = SimpleNamespace(
        rank=0, size=1, average=lambda _: seen.append(with_gradients()), gather=lambda fakes: fakes
    )
    training.train_step(batch(0), context(0, watched))
    assert seen == [{"gen"}, {"dis"}]
    assert with_gradients() == set()
    assert all(p.requires_grad for part in networks.values() for p in part.parameters())


def test_a_step_with_a_learning_rate_of_zero_changes_nothing(train, batch, context):
    training = train(lr=0.0)
    before = {name: tensor.clone() for name, tensor in training.state().items()}
    training.train_step(batch(0), context(0))
    assert all(torch.equal(before[name], training.state()[name]) for name in before)


@pytest.mark.parametrize("cut", [1, 4])
def test_a_restored_training_continues_bit_for_bit(train, batch, context, cut):
    alone, saved = train(), train()
    for step in range(8):
        alone.train_step(batch(step), context(step))
    for step in range(cut):
        saved.train_step(batch(step), context(step))
    again = CycleganTraining.create(saved.config, None)
    again.load_state({name: tensor.clone().contiguous() for name, tensor in saved.state().items()})
    again.place(torch.device("cpu"), torch.float32, compiled=False)
    for step in range(cut, 8):
        again.train_step(batch(step), context(step))
    state = again.state()
    assert alone.state().keys() == state.keys()
    assert {name.split(".")[0] for name in state} == {"generators", "discriminators", "pools"}
    assert all(torch.equal(tensor, state[name]) for name, tensor in alone.state().items())


@pytest.mark.parametrize(
    ("name", "tensor"),
    [
        ("pools.A.0", torch.zeros(3, 8, 8)),
        ("pools.A.7", torch.zeros(3, 32, 32)),
        ("pools.C.0", torch.zeros(3, 32, 32)),
        ("others.A", torch.zeros(1)),
        ("generators.weights.G_A.model.1.weight", torch.zeros(1)),
        ("discriminators.weights.D_C.bias", torch.zeros(1)),
    ],
)
def test_a_state_that_does_not_fit_is_refused_by_name(train, name, tensor):
    training = train()
    with pytest.raises(CheckpointError, match=name.partition("weights.")[2] or name):
        training.load_state(training.state() | {name: tensor})


def test_a_gap_in_a_pool_is_refused_by_name(train):
    training = train()
    image = torch.zeros(3, 32, 32)
    training.load_state(training.state() | {"pools.B.0": image, "pools.B.1": image})
    without = {name: tensor for name, tensor in training.state().items() if name != "pools.B.0"}
    with pytest.raises(CheckpointError, match=r"pools\.B\.0"):
        training.load_state(without)


class Ring:
    """Two processes as two threads, which meet where processes would."""

    def __init__(self):
        self._barrier, self._parts = threading.Barrier(2, timeout=60), [None, None]

    def group(self, rank):
        def exchanged(part):
            self._parts[rank] = part
            self._barrier.wait()
            parts = list(self._parts)
            self._barrier.wait()
            return parts

        def average(tensors):
            means = [torch.stack(parts).mean(0) for parts in zip(*exchanged([t.clone() for t in tensors]), strict=True)]
            for tensor, mean in zip(tensors, means, strict=True):
                tensor.copy_(mean)

        return SimpleNamespace(rank=rank, size=2, average=average, gather=lambda tensor: torch.cat(exchanged(tensor)))


def test_two_processes_take_the_same_steps_as_one_and_share_the_pool(train, batch, context):
    one, two, ring = train(torch.float64), (train(torch.float64), train(torch.float64)), Ring()

    def work(rank):
        for step in range(4):
            both = batch(step, size=2)
            part = Batch(both.a[rank, None], both.b[rank, None], both.files_a[:1], both.files_b[:1])
            two[rank].train_step(part, context(step, ring.group(rank)))

    threads = [threading.Thread(target=work, args=(rank,)) for rank in range(2)]
    for thread in threads:
        thread.start()
    for step in range(4):
        one.train_step(batch(step, size=2), context(step))
    for thread in threads:
        thread.join()
    first, second = two[0].state(), two[1].state()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert all((first[name] - tensor).abs().max() < 1e-6 for name, tensor in one.state().items() if "bias" not in name)
    assert sum(name.startswith("pools.") for name in first) == 4


def test_bfloat16_gives_nearly_the_same_losses_and_keeps_weights_in_float32(train, batch, context):
    exact, narrow = train(), train(torch.bfloat16)
    expected, losses = exact.train_step(batch(0), context(0)), narrow.train_step(batch(0), context(0))
    for name in LOSSES:
        assert losses[name].item() == pytest.approx(expected[name].item(), rel=0.03)
        assert losses[name].dtype == torch.float32
    assert {tensor.dtype for tensor in narrow.state().values()} == {torch.float32}


def test_the_initial_weights_follow_from_the_seed(train):
    first, again, other = (train(seed=seed).generators() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["G_A.model.1.weight"], other["G_A.model.1.weight"])
    assert not torch.equal(first["G_A.model.1.weight"], first["G_B.model.1.weight"])
    assert first["G_A.model.10.conv_block.1.weight"].std() == pytest.approx(0.02, rel=0.1)


def test_the_generators_are_a_model_that_translates(train, tmp_path, load):
    training = train()
    header = {"method": "cyclegan", "architecture": asdict(training.architecture()), "domains": ["x", "y"]}
    checkpoint.write(tmp_path / "model.safetensors", training.generators(), {**header, "target": "B"})
    model = load("cyclegan", tmp_path / "model.safetensors")
    assert (model.config, model.targets) == (training.architecture(), ("B", "A"))
    assert model.tensors().keys() == training.generators().keys()


def test_the_work_between_graphs_does_not_keep_the_networks(train, batch, context, monkeypatch):
    kept = []
    between = cyclegan_training.between_graphs
    monkeypatch.setattr(
        cyclegan_training, "between_graphs", lambda work, *rest: (kept.append(work), between(work, *rest))
    )
    training = train(pool_size=2)
    training.train_step(batch(0), context(0))
    alive = weakref.ref(training)
    gc.disable()  # A cycle of references would keep them until the collector runs, which takes memory of the GPU.
    try:
        del training
        assert kept
        assert alive() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(("n_layers", "side"), [(1, 8), (2, 12), (3, 24)])
def test_the_smallest_crop_is_trained_on_and_a_smaller_one_refused(train, batch, context, n_layers, side):
    sides = {"data__crop_height": side, "data__crop_width": side}
    losses = train(n_layers=n_layers, **sides).train_step(batch(0, side=side), context(0))
    assert all(torch.isfinite(loss) and loss > 0 for loss in losses.values())
    with pytest.raises(UsageError, match=f"data.crop_width is {side - 4}.*at least {side}") as caught:
        train(n_layers=n_layers, data__crop_width=side - 4)
    assert str(side) in caught.value.hint


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"data__crop_height": 34}, "multiple of 4"),
        ({"gen__norm": "batch"}, "gen.norm"),
        ({"gen__dropout": True}, "gen.dropout"),
        ({"gen__bias": False}, "gen.bias = false"),
        ({"lr_decay_share": 1.5}, "lr_decay_share"),
    ],
)
def test_a_configuration_that_cannot_be_trained_is_refused(train, changes, said):
    with pytest.raises(UsageError, match=said):
        train(**changes)


def test_the_gradient_penalty_flattens_the_discriminators(train, batch, context):
    free, held = train(lr=2e-3), train(lr=2e-3, r1_w=100.0)
    penalties = [held.train_step(batch(0), context(step))["R1_A"].item() for step in range(12)]
    assert penalties[-1] < penalties[0] / 2
    assert "R1_A" not in free.train_step(batch(0), context(0))


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # Both are the compiler's own.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_the_gradient_penalty_is_the_same_for_compiled_networks(train, batch, context, monkeypatch):
    compile_network = torch.nn.Module.compile
    backend = CompileCounterWithBackend("aot_eager")  # all of the compiler but the making of machine code
    monkeypatch.setattr(torch.nn.Module, "compile", lambda network, **o: compile_network(network, backend=backend, **o))
    changes = {"r1_w": 1.0, "n_layers": 1, "gen__n_blocks": 1, "gen__n_downsampling": 1}
    expected, losses = (
        train(torch.float64, compiled=compiled, **changes).train_step(batch(0), context(0))
        for compiled in (False, True)
    )
    assert backend.frame_count > 0
    assert {name: losses[name].item() for name in expected} == pytest.approx(
        {name: loss.item() for name, loss in expected.items()}, rel=1e-6
    )


@pytest.mark.parametrize(
    ("upsampling", "halvings"), [("transposed", 2), ("nearest", 2), ("transposed", 1), ("nearest", 3), ("resize", 2)]
)
@pytest.mark.parametrize(("norm", "bias"), [("instance", True), ("instance_affine", False), ("none", False)])
def test_every_trainable_model_can_be_loaded_again(train, tmp_path, load, norm, bias, upsampling, halvings):
    training = train(gen__norm=norm, gen__bias=bias, gen__upsampling=upsampling, gen__n_downsampling=halvings)
    header = {"method": "cyclegan", "architecture": asdict(training.architecture()), "domains": ["x", "y"]}
    checkpoint.write(tmp_path / "model.safetensors", training.generators(), header)
    model = load("cyclegan", tmp_path / "model.safetensors")
    assert model.config == training.architecture()
    side = model.minimum_side
    (made,) = model.translate(torch.zeros(1, 3, side, side + model.stride), "B", None)
    assert made.shape == (1, 3, side, side + model.stride)


def test_the_default_discriminator_has_the_layers_of_the_original(reference_keys):
    default = next(iter(PRESETS.values()))
    assert default == CycleganTrainingConfig()
    with torch.device("meta"):
        keys = {name: tuple(tensor.shape) for name, tensor in make_discriminator(default).state_dict().items()}
    assert sum(np.prod(shape) for shape in keys.values()) == 2_764_737
    assert {name.split(".")[1] for name in keys} == {"0", "2", "5", "8", "11"}


def test_a_score_is_for_a_patch_of_70_pixels():
    discriminator = make_discriminator(CycleganTrainingConfig()).eval()
    seen = torch.zeros(1, 3, 256, 256, requires_grad=True)
    for layer in discriminator.model:
        if not isinstance(layer, torch.nn.Conv2d | torch.nn.LeakyReLU):
            layer.forward = lambda x: x  # An instance norm sees the whole image.
    (scores,) = discriminator(seen)
    assert scores.shape == (1, 1, 30, 30)
    scores[0, 0, 15, 15].backward()
    rows = seen.grad.abs().sum((0, 1, 3)).nonzero()
    assert rows.max() - rows.min() + 1 == 70


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_trained(name):
    config = PRESETS[name]
    with torch.device("meta"):
        size = 2 * sum(tensor.numel() for tensor in Generator(config.gen).parameters()) * 4
    if name in ("small", "tiny"):
        assert CycleganTraining.create(config, None).architecture() == config.gen
        assert size < 10e6
        assert config.data.resize == "shorter"  # as `translate` keeps the aspect ratio
    assert config.data.crop_height <= config.data.new_size


def test_the_registry_finds_the_training():
    spec = registry.find("cyclegan", "train")
    assert registry.trainable(spec) is CycleganTraining
    assert spec.training.from_original({"ngf": 8}) == {"gen.ngf": 8}
    assert spec.training.presets["default"].iterations == EPOCH * 200
