"""The training of MUNIT and UNIT: against the originals' numbers, and its promises."""

import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend

from imgxlate import checkpoint
from imgxlate.config import overridden
from imgxlate.data.batch import Batch
from imgxlate.errors import CheckpointError, UsageError
from imgxlate.losses.reconstruction import domain_invariant_error
from imgxlate.methods import registry
from imgxlate.methods.protocol import StepContext, Trainable
from imgxlate.methods.shared.config import linear_decay, schedule, step_decay

CPU = torch.device("cpu")
both = pytest.mark.parametrize("method", ["munit", "unit"])


@pytest.fixture
def recorded(golden, options):
    """The originals' training: the same weights to begin with, and for each step batch, draws and losses."""

    def build(method):
        spec, folder = registry.find(method), golden / method
        values = dict(spec.training.from_original(options(method)), **{"data.crop_height": 64, "data.crop_width": 64})
        config = overridden(next(iter(spec.training.presets.values())), values)
        training = registry.trainable(spec).create(config, None)
        model = registry.implementation(spec).from_checkpoint(checkpoint.read(folder / "gen_00000001.pt"), {})
        discriminators = checkpoint.read(folder / "dis_00000001.pt").tensors
        training.load_state(
            {f"gen.weights.{name}": tensor for name, tensor in model.tensors().items()}
            | {f"dis.weights.{name}": tensor for name, tensor in discriminators.items()}
        )
        training.place(CPU, torch.float64, compiled=False)
        return training, [recorded_step(folder / "train.npz", number) for number in range(3)]

    return build


def group_of_one(average=lambda tensors: None):
    """No other processes; `average` sees the gradients of each update."""
    return SimpleNamespace(rank=0, size=1, average=average, gather=lambda tensor: tensor)


def recorded_step(path, number):
    with np.load(path) as arrays:
        a, b = (torch.from_numpy(arrays[f"x_{letter}_{number}"]) for letter in "ab")
        draws = sorted((name for name in arrays if name.startswith(f"draw_{number}_")), key=lambda n: int(n[7:]))
        noise = [torch.from_numpy(arrays[name]) for name in draws]
        losses = {
            name.removeprefix("loss_").removesuffix(f"_{number}"): float(arrays[name])
            for name in arrays
            if name.startswith("loss_") and name.endswith(f"_{number}")
        }
    return Batch(a, b, (), ()), noise, losses


@both
def test_three_iterations_give_the_originals_losses_and_weights(recorded, golden, method):
    training, steps = recorded(method)
    for number, (batch, draws, expected) in enumerate(steps):
        waiting = iter(draws)
        context = StepContext(
            number, lambda shape, w=waiting: next(w).reshape(1, *shape), random.Random(0), group_of_one()
        )
        losses = training.train_step(batch, context)
        assert next(waiting, None) is None
        assert {name: losses[name].item() for name in expected} == pytest.approx(expected, rel=1e-8, abs=1e-300)
        assert losses.keys() - expected.keys() == {"grad_gen", "grad_dis"}
    state = training.state()
    for side in ("gen", "dis"):
        after = checkpoint.read(golden / method / "after" / f"{side}_00000003.pt").tensors
        for name, tensor in after.items():
            if "running" not in name:  # Which nothing reads.
                assert (state[f"{side}.weights.{name}"] - tensor).abs().max() < 1e-7, name


@both
def test_it_is_trainable_and_its_generators_make_a_translator(begin, advance, method):
    training = begin(method)
    assert isinstance(training, Trainable)
    advance(training)
    header = {"method": method, "architecture": vars_of(training.architecture()), "domains": ["a", "b"]}
    model = registry.implementation(registry.find(method)).from_checkpoint(
        checkpoint.Checkpoint("model.safetensors", training.generators(), header), {}
    )
    assert model.config == training.architecture()
    assert model.tensors().keys() == training.generators().keys()


def vars_of(config):
    return {name: getattr(config, name) for name in type(config).__dataclass_fields__}


@both
def test_a_restored_state_continues_to_the_same_weights_bit_for_bit(begin, advance, method):
    straight = begin(method)
    for step in range(2):
        advance(straight, step)
    kept = {name: tensor.clone() for name, tensor in straight.state().items()}
    advance(straight, 2)
    resumed = begin(method, {"seed": 7})
    resumed.load_state(kept)
    advance(resumed, 2)
    expected, found = straight.state(), resumed.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@both
def test_weights_follow_from_the_seed_alone(begin, method):
    torch.manual_seed(1)
    first = begin(method).generators()
    torch.manual_seed(2)
    again, other = begin(method).generators(), begin(method, {"seed": 1}).generators()
    assert all(torch.equal(first[name], again[name]) for name in first)
    name = next(name for name in first if name.endswith("model.0.conv.weight"))
    assert not torch.equal(first[name], other[name])
    assert not torch.equal(first[name], first[f"b.{name.removeprefix('a.')}"])


@both
@pytest.mark.parametrize("side", ["gen", "dis"])
def test_a_state_that_does_not_fit_is_refused_by_name(begin, advance, method, side):
    training = begin(method)
    advance(training)
    state = training.state()
    moment = next(name for name in state if name.startswith(f"{side}.adam.") and name.endswith("exp_avg"))
    for wrong, named in (
        ({name: tensor for name, tensor in state.items() if name != moment}, moment.removeprefix(f"{side}.")),
        (state | {moment: torch.zeros(3, 1, 7)}, moment.removeprefix(f"{side}.")),
        (state | {f"{side}.adam.nobody.step": torch.zeros(())}, "adam.nobody.step"),
        (state | {f"{side}.weights.nobody": torch.zeros(1)}, "nobody"),
        (state | {"pool.0": torch.zeros(1)}, "pool.0"),
    ):
        with pytest.raises(CheckpointError, match=named.replace(".", r"\.")):
            training.load_state(wrong)


@both
def test_networks_have_gradients_in_their_own_update_alone_and_none_is_kept(begin, advance, method):
    training = begin(method)
    networks = {"dis": training._discriminators.networks, "gen": training._generators.networks}
    seen = []

    def with_gradients():
        return {side for side, part in networks.items() if any(p.grad is not None for p in part.parameters())}

    advance(training, group=group_of_one(lambda _: seen.append(with_gradients())))
    assert seen == [{"dis"}, {"gen"}]
    assert with_gradients() == set()
    assert all(p.requires_grad for part in networks.values() for p in part.parameters())


@both
def test_images_are_encoded_once_and_nothing_is_decoded_twice(begin, advance, method):
    training = begin(method)
    batches = {"enc": [], "dec": []}
    for generator in training._gen.values():
        encoder = getattr(generator, "enc_content", None) or generator.enc
        encoder.register_forward_hook(lambda module, inputs, output: batches["enc"].append(len(output)))
        generator.dec.register_forward_hook(lambda module, inputs, output: batches["dec"].append(len(output)))
    advance(training)
    assert sum(batches["enc"]) == 4  # two images, and their translations
    assert sum(batches["dec"]) == 8  # two for the discriminators; then two reconstructions, two fakes, two cycles
    assert len(batches["dec"]) == 6


@both
def test_losses_without_a_weight_are_not_computed(begin, advance, method):
    losses = advance(begin(method, {"recon_x_cyc_w": 0.0}))
    names = [name for name in losses if "cycrecon" in name or "cyc_x" in name or "vgg" in name]
    assert len(names) == 4
    assert all(losses[name] == 0 for name in names)


@both
def test_the_gradient_of_a_batch_of_two_is_the_mean_of_two_batches_of_one(begin, advance, method):
    draws = torch.randn(2, 16384, generator=torch.Generator().manual_seed(0))

    def noise(shape):
        return draws[:, : np.prod(shape)].reshape(2, *shape)

    found = []
    watched = group_of_one(lambda tensors: found.append([tensor.clone() for tensor in tensors]))
    advance(begin(method, dtype=torch.float64), size=2, noise=noise, group=watched)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(2, 3, 32, 32, generator=generator) * 2 - 1 for _ in "ab")
    for place in range(2):
        context = StepContext(0, lambda shape, p=place: noise(shape)[p : p + 1], random.Random(0), watched)
        alone = begin(method, dtype=torch.float64)
        alone.train_step(Batch(a[place : place + 1], b[place : place + 1], (), ()), context)
    together, first, second = found[::2]  # the discriminators'; the generators' follow their update
    for whole, one, other in zip(together, first, second, strict=True):
        assert torch.allclose(whole, (one + other) / 2, rtol=1e-9, atol=1e-12)


@both
def test_the_non_saturating_loss_trains(begin, advance, method):
    losses = advance(begin(method, {"dis.gan_type": "nsgan"}))
    assert losses["dis_a"] == pytest.approx(2 * 2 * np.log(2), rel=1e-3)  # two scales, both undecided at the start
    assert losses["gen_adv_a"] == pytest.approx(2 * np.log(2), rel=1e-3)


@both
def test_bfloat16_gives_nearly_the_losses_of_float32_with_weights_and_norms_in_float32(begin, advance, method):
    exact = advance(begin(method, {"gen.dim": 8}))
    rounded = begin(method, {"gen.dim": 8}, dtype=torch.bfloat16)
    losses = advance(rounded)
    assert all(tensor.dtype == torch.float32 for tensor in rounded.state().values())
    names = [name for name in losses if not name.startswith("grad")]
    assert {n: losses[n].item() for n in names} == pytest.approx({n: exact[n].item() for n in names}, rel=0.01)
    assert any(losses[name] != exact[name] for name in names)


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # Both are the compiler's own.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
@both
def test_compiled_networks_have_the_losses_and_gradients_of_others(begin, advance, method, monkeypatch):
    backend = CompileCounterWithBackend("aot_eager")  # all of the compiler but the making of machine code
    compile_network = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda network, **o: compile_network(network, backend=backend, **o))
    few = {"gen.n_downsample": 1, "gen.n_res": 1, "dis.n_layer": 2, "dis.num_scales": 1}
    results = []
    for compiled in (False, True):
        found = []
        training = begin(method, few | {"dis.r1_w": 1.0}, compiled=compiled, dtype=torch.float64)
        watched = group_of_one(lambda tensors, found=found: found.append([tensor.clone() for tensor in tensors]))
        losses = advance(training, group=watched)
        results.append((training.generators().keys(), losses, found))
    (names, exact, gradients), (same_names, losses, same_gradients) = results
    assert backend.frame_count > 0
    assert same_names == names
    assert losses.keys() == exact.keys()
    assert all(torch.allclose(losses[name], loss, rtol=1e-6) for name, loss in exact.items())
    for side in range(2):
        for expected, found in zip(gradients[side], same_gradients[side], strict=True):
            assert torch.allclose(found, expected, rtol=1e-6, atol=1e-9)


@both
@pytest.mark.parametrize(
    ("changes", "message", "hint"),
    [
        ({"data.crop_height": 24, "dis.n_layer": 4}, "data.crop_height is 24; .* at least 32", "data.crop_height=32"),
        ({"data.crop_width": 34}, "data.crop_width is 34; .* a multiple of 4", "data.crop_width=32"),
        ({"dis.num_scales": 3, "dis.n_layer": 4}, "a multiple of 4, and at least 64", "data.crop_height=64"),
        ({"gen.norm": "batch"}, "depend on each other", "gen.norm=instance"),
    ],
)
def test_a_crop_that_networks_cannot_take_is_refused_before_any_step(begin, method, changes, message, hint):
    with pytest.raises(UsageError, match=message) as caught:
        begin(method, changes)
    assert hint in caught.value.hint


@both
def test_the_smallest_crop_that_is_named_trains(begin, advance, method):
    losses = advance(begin(method, {"data.crop_height": 16, "data.crop_width": 16}))
    assert all(torch.isfinite(loss) for loss in losses.values())


@both
def test_the_perceptual_loss_counts_where_it_has_a_weight(begin, advance, vgg19, method):
    training = begin(method, {"vgg_w": 1.0}, features=vgg19)
    assert training.config.features == "vgg19"
    losses = advance(training)
    assert losses["gen_vgg_a"] > 0
    assert losses["gen_vgg_b"] > 0
    assert not any("vgg" in name for name in training.state())


@both
def test_the_perceptual_loss_is_a_part_of_the_total_with_its_weight(begin, advance, vgg19, method):
    without, with_it = (
        advance(begin(method, {"vgg_w": weight}, features=vgg19, dtype=torch.float64)) for weight in (0.0, 1.0)
    )
    added = (with_it["gen_total"] - without["gen_total"]).item()
    assert added == pytest.approx((with_it["gen_vgg_a"] + with_it["gen_vgg_b"]).item(), rel=1e-9)


@both
def test_the_gradient_penalty_is_a_part_of_the_discriminators_total_with_its_weight(begin, advance, method):
    without, with_it = (advance(begin(method, {"dis.r1_w": weight}, dtype=torch.float64)) for weight in (0.0, 5.0))
    added = (with_it["dis_total"] - without["dis_total"]).item()
    assert added == pytest.approx(5 * (with_it["dis_r1_a"] + with_it["dis_r1_b"]).item(), rel=1e-9)
    assert added > 0
    assert with_it["gen_total"] != without["gen_total"]  # The penalty changed what the discriminators learnt.


@both
def test_fakes_are_compared_with_the_images_of_the_other_domain_that_they_were_translated_from(
    begin, advance, vgg19, method
):
    training = begin(method, {"vgg_w": 1.0}, features=vgg19)
    perceptual, compared, decoded = training._perceptual, [], []

    def watch(fakes, images):
        compared.append((fakes, images))
        return perceptual(fakes, images)

    training._perceptual = watch
    training._gen["A"].dec.register_forward_hook(lambda module, inputs, output: decoded.append(output))
    losses = advance(training)
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.rand(1, 3, 32, 32, generator=generator) * 2 - 1 for _ in "ab")
    fakes, images = compared[0]
    assert torch.equal(images["A"], a)
    assert torch.equal(images["B"], b)
    assert any(len(output) == 2 and torch.equal(output[1:], fakes["A"]) for output in decoded)  # its own, then the fake
    for domain, (fake, source) in {"a": (fakes["A"], b), "b": (fakes["B"], a)}.items():
        features = [perceptual._features(batch) for batch in (fake, source)]
        expected = domain_invariant_error(*features).item()
        assert losses[f"gen_vgg_{domain}"] == pytest.approx(expected, rel=1e-4)


@both
def test_a_missing_feature_network_is_an_error(begin, method):
    with pytest.raises(CheckpointError, match="vgg19"):
        begin(method, {"vgg_w": 1.0})


@both
def test_the_learning_rate_falls_by_steps(begin, advance, method):
    training = begin(method, {"step_size": 1, "gamma": 0.0})
    weights = [p.detach().clone() for p in training._generators.networks.parameters()]
    advance(training, 0)
    moved = [p.detach().clone() for p in training._generators.networks.parameters()]
    assert not all(torch.equal(a, b) for a, b in zip(weights, moved, strict=True))
    advance(training, 1)
    assert all(torch.equal(a, b) for a, b in zip(moved, training._generators.networks.parameters(), strict=True))


def test_schedules_count_the_steps_that_are_done():
    decay, constant = step_decay("step", 100, 0.5), step_decay("constant", 100, 0.5)
    assert [decay(step) for step in (0, 99, 100, 250)] == [1, 1, 0.5, 0.25]
    assert constant(1000) == 1


def test_a_linear_decay_is_constant_and_then_falls_to_zero_after_the_last_step():
    rates = [schedule("linear", 100, 7, 0.5)(step) for step in range(100)]
    assert rates[:50] == [1] * 50
    assert np.allclose(np.diff([*rates[49:], 0]), -1 / 51)
    assert rates[-1] > 0
    assert {linear_decay(100, 0.0)(step) for step in range(100)} == {1}


def test_cyclegans_rate_falls_over_the_last_share_of_the_steps(begin):
    training = begin("cyclegan", {"iterations": 10, "lr_decay_share": 0.2})
    rates = [training._generators._schedule(step) for step in (0, 8, 9)]
    assert rates == pytest.approx([1.0, 2 / 3, 1 / 3])
