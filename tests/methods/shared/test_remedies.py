"""Spectral normalization, hinge loss and two learning rates in a training step."""

import pytest
import torch
from built_in import ADVERSARIAL
from torch import nn
from torch._dynamo.testing import CompileCounterWithBackend
from torch.utils._python_dispatch import TorchDispatchMode

from imgxlate import checkpoint
from imgxlate.methods import registry
from imgxlate.methods.munit.config import PRESETS

both = pytest.mark.parametrize("method", ["munit", "unit"])
every = pytest.mark.parametrize("method", ADVERSARIAL)

SPECTRAL = {"dis.norm": "spectral", "dis.gan_type": "hinge", "spectral_gen": True, "lr_dis": 8e-4, "dis.r1_w": 1.0}


def norms(training, side):
    """The largest singular value of each weight of convolutions as the networks use it."""
    layers = [layer for layer in getattr(training, side).networks.modules() if isinstance(layer, nn.Conv2d)]
    with torch.no_grad():
        return [torch.linalg.matrix_norm(layer.weight.flatten(1), ord=2).item() for layer in layers]


@both
def test_all_convolutions_of_the_discriminators_are_normalized_and_stay_so(begin, advance, method):
    training = begin(method, {"dis.norm": "spectral", "lr": 0.01})
    for step in range(4):
        advance(training, step)
    assert len(norms(training, "_discriminators")) == 2 * 2 * 4  # two domains, two scales, three layers and the scores
    assert all(0.5 < norm < 1.5 for norm in norms(training, "_discriminators"))
    assert not all(0.9 < norm < 1.1 for norm in norms(training, "_generators"))


@both
def test_a_restored_state_continues_bit_for_bit_with_spectral_normalization(begin, advance, method):
    straight = begin(method, SPECTRAL)
    for step in range(2):
        advance(straight, step)
    kept = {name: tensor.clone() for name, tensor in straight.state().items()}
    assert any(name.endswith("weight.0.left") for name in kept)
    straight.generators()  # as each step's average and each checkpoint call it
    advance(straight, 2)
    resumed = begin(method, SPECTRAL | {"seed": 7})
    resumed.load_state(kept)
    advance(resumed, 2)
    expected, found = straight.state(), resumed.state()
    assert expected.keys() == found.keys()
    assert all(torch.equal(expected[name], found[name]) for name in expected)


@both
def test_the_model_holds_normalized_weights_under_the_originals_names(begin, advance, method):
    training, plain = begin(method, SPECTRAL), begin(method)
    advance(training)
    found = training.generators()
    assert found.keys() == plain.generators().keys()
    header = {"method": method, "architecture": vars_of(training.architecture()), "domains": ["a", "b"]}
    model = registry.implementation(registry.find(method)).from_checkpoint(
        checkpoint.Checkpoint("model.safetensors", found, header), {}
    )
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    styles = torch.ones(1, 8) if method == "munit" else None
    encoder = "enc_content" if method == "munit" else "encode"
    with torch.no_grad():
        ours, theirs = training._gen["A"], training._gen["B"]
        code = getattr(ours, encoder)(image)
        expected = theirs.decode(code, styles) if method == "munit" else theirs.decode(code)
        [translated] = model.translate(image, "B", styles)
    assert torch.allclose(translated, expected, atol=1e-5)


def vars_of(config):
    return {name: getattr(config, name) for name in type(config).__dataclass_fields__}


@pytest.mark.filterwarnings("ignore:`torch.jit.script_method` is deprecated")  # Both are the compiler's own.
@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")
def test_compiled_networks_with_spectral_normalization_take_the_same_steps(begin, advance, monkeypatch):
    backend = CompileCounterWithBackend("aot_eager")  # all of the compiler but the making of machine code
    compile_network = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda network, **o: compile_network(network, backend=backend, **o))
    few = {"gen.n_downsample": 1, "gen.n_res": 1, "dis.n_layer": 2, "dis.num_scales": 1}
    results = []
    for compiled in (False, True):
        training = begin("unit", SPECTRAL | few, compiled=compiled, dtype=torch.float64)
        losses = [advance(training, step) for step in range(2)]
        results.append((losses, {name: tensor for name, tensor in training.state().items() if "left" in name}))
    (expected, vectors), (found, same_vectors) = results
    assert backend.frame_count > 0
    for step in range(2):
        assert all(torch.allclose(found[step][name], loss, rtol=1e-6) for name, loss in expected[step].items())
    assert vectors.keys() == same_vectors.keys()
    assert all(torch.allclose(same_vectors[name], vector, rtol=1e-6) for name, vector in vectors.items())


@every
def test_discriminators_can_have_a_learning_rate_of_their_own(begin, advance, method):
    training = begin(method, {"lr_dis": 0.0})
    before = {name: tensor.clone() for name, tensor in training.state().items()}
    advance(training)
    state = training.state()
    changed = {name for name, tensor in before.items() if not torch.equal(state[name], tensor)}
    assert any(name.startswith("gen") for name in changed)
    assert not any(name.startswith("dis") for name in changed)
    assert any(name.startswith("dis") and name.endswith("exp_avg") for name in state)


@every
def test_the_hinge_loss_trains(begin, advance, method):
    losses = advance(begin(method, {"dis.gan_type" if method in ("munit", "unit") else "gan_mode": "hinge"}))
    if method not in ("munit", "unit"):
        judged = losses["D" if method == "cut" else "D_A"]
        assert judged == pytest.approx(1, rel=0.1)  # half of two; the scores are small at the start
    else:
        assert losses["dis_a"] == pytest.approx(2 * 2, rel=0.01)  # two scales
        assert losses["gen_adv_a"] == pytest.approx(0, abs=0.01)


def test_content_codes_as_targets_can_be_without_gradient(begin, advance):
    only_content = {"recon_x_w": 0.0, "recon_s_w": 0.0, "recon_x_cyc_w": 0.0, "gan_w": 0.0}
    attached = advance(begin("munit", only_content))
    detached = advance(begin("munit", only_content | {"detach_content": True}))
    assert detached["gen_recon_c_a"] == attached["gen_recon_c_a"]
    assert detached["grad_gen"] != attached["grad_gen"]


def test_the_preset_of_imaginaire_has_its_recipe():
    config = PRESETS["imaginaire_summer2winter_hd"]
    assert (config.dis.gan_type, config.dis.norm, config.spectral_gen) == ("hinge", "spectral", True)
    assert (config.lr, config.lr_dis, config.lr_policy, config.weight_decay) == (1e-4, 4e-4, "constant", 0)
    assert (config.init, config.ema, config.iterations, config.detach_content) == ("orthogonal", 0.9999, 200_000, True)


class NoReading(TorchDispatchMode):
    """Refuses operations whose result the processor must read before it can go on; no CUDA graph can hold them."""

    def __torch_dispatch__(self, operation, types, arguments=(), options=None):
        assert operation.name() not in ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal"), operation
        return operation(*arguments, **(options or {}))


@every
def test_a_step_reads_no_number_back_so_that_cuda_graphs_can_hold_it(begin, advance, vgg19, method):
    augmented = {"augment": "color,translation,cutout"}
    judged = {"judge_features": True, "optimizer": "muon"}
    hinge = SPECTRAL if method in ("munit", "unit") else {"gan_mode": "hinge"}
    training = begin(method, augmented | judged | hinge, features=vgg19)
    with NoReading():
        advance(training)
    with pytest.raises(AssertionError, match="_local_scalar_dense"), NoReading():
        torch.ones(1).item()
