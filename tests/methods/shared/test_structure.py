"""Networks in files are found by their layers, whatever their modules are called and in whatever order they stand."""

import contextlib
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from imgxlate import checkpoint
from imgxlate.checkpoint import Checkpoint
from imgxlate.errors import CheckpointError
from imgxlate.methods import registry
from imgxlate.methods.cut.config import CutConfig
from imgxlate.methods.cut.networks import Generator as CutGenerator
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.networks import Generator as MunitGenerator
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.networks import Generator as UnitGenerator


def weights(network):
    """The weights of a network, all different."""
    generator = torch.Generator().manual_seed(0)
    return {
        name: torch.rand(tensor.shape, generator=generator) if tensor.is_floating_point() else tensor
        for name, tensor in network.state_dict().items()
    }


def modules(tensors):
    """The names of the modules in a state dict, in its order."""
    return list(dict.fromkeys(name.rpartition(".")[0] for name in tensors))


def renamed(tensors, names):
    """The tensors with other names for the modules."""
    by_module = dict(zip(modules(tensors), names, strict=True))
    return {
        f"{by_module[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": tensor for name, tensor in tensors.items()
    }


CYCLEGAN = weights(Generator(CycleganConfig(ngf=2, n_blocks=2)))
# The convolutions of CYCLEGAN, as another program may call them.
NAMED = (
    ["stem.conv", "down.0.conv", "down.1.conv"]
    + [f"res.{block}.conv{number}" for block in (0, 1) for number in (1, 2)]
    + ["up.0.conv", "up.1.conv", "head.conv"]
)
LEFT_AND_RIGHT = [name.replace("conv1", "left").replace("conv2", "right") for name in NAMED]


@pytest.fixture
def load(tmp_path):
    """The model of a method in a file with these tensors."""

    def build(tensors, method="cyclegan"):
        implementation = registry.implementation(registry.find(method))
        return implementation.from_checkpoint(Checkpoint(tmp_path / "file.pth", tensors), {})

    return build


def same(model, prefix, tensors):
    ours = model.tensors()
    return all(torch.equal(ours[f"{prefix}{name}"], tensor) for name, tensor in tensors.items())


@settings(max_examples=25)
@given(st.permutations(range(2 * len(NAMED))))
def test_numbers_in_names_give_the_order_of_a_shuffled_file(tmp_path_factory, order):
    names = [f"layer{number}" for number in range(len(NAMED))]
    tensors = list(renamed(CYCLEGAN, names).items())
    implementation = registry.implementation(registry.find("cyclegan"))
    model = implementation.from_checkpoint(
        Checkpoint(tmp_path_factory.getbasetemp(), dict(tensors[i] for i in order)), {}
    )
    assert same(model, "G_A.", CYCLEGAN)


def test_of_several_numbers_in_a_name_the_first_one_counts_most(load):
    names = [f"stage{number // 4}_{10 + number}_conv" for number in range(len(NAMED))]
    tensors = renamed(CYCLEGAN, names)
    assert same(load(dict(sorted(tensors.items(), key=lambda entry: entry[0][::-1]))), "G_A.", CYCLEGAN)


@settings(max_examples=25)
@given(st.permutations(range(2 * len(NAMED))))
def test_shapes_and_names_together_give_the_order_of_a_shuffled_file(tmp_path_factory, order):
    tensors = list(renamed(CYCLEGAN, NAMED).items())
    implementation = registry.implementation(registry.find("cyclegan"))
    model = implementation.from_checkpoint(
        Checkpoint(tmp_path_factory.getbasetemp(), dict(tensors[i] for i in order)), {}
    )
    assert same(model, "G_A.", CYCLEGAN)


@settings(max_examples=25)
@given(st.lists(st.text("abxyz_", min_size=1), min_size=len(NAMED), max_size=len(NAMED), unique=True))
def test_any_names_do_if_the_file_has_the_order_of_the_network(tmp_path_factory, names):
    implementation = registry.implementation(registry.find("cyclegan"))
    model = implementation.from_checkpoint(Checkpoint(tmp_path_factory.getbasetemp(), renamed(CYCLEGAN, names)), {})
    assert same(model, "G_A.", CYCLEGAN)


@settings(max_examples=25)
@given(st.permutations(range(2 * len(NAMED))))
def test_an_order_is_never_guessed(tmp_path_factory, order):
    tensors = list(renamed(CYCLEGAN, LEFT_AND_RIGHT).items())
    implementation = registry.implementation(registry.find("cyclegan"))
    file = Checkpoint(tmp_path_factory.getbasetemp(), dict(tensors[i] for i in order))
    with contextlib.suppress(CheckpointError):
        assert same(implementation.from_checkpoint(file, {}), "G_A.", CYCLEGAN)


def test_an_order_that_nothing_shows_is_refused_with_the_layers_that_it_concerns(load):
    shuffled = dict(reversed(renamed(CYCLEGAN, LEFT_AND_RIGHT).items()))
    with pytest.raises(CheckpointError, match=r"res\.(\d)\.left and res\.\1\.right have the same shapes") as caught:
        load(shuffled)
    assert "torch.save(model.state_dict(), FILE)" in caught.value.hint


def test_a_safetensors_file_which_has_lost_the_order_is_read(tmp_path, load):
    save_file(renamed(CYCLEGAN, NAMED), tmp_path / "model.safetensors")
    assert same(load(checkpoint.read(tmp_path / "model.safetensors").tensors), "G_A.", CYCLEGAN)


@pytest.mark.parametrize("prefix", ["", "net.", "state_dict.generator.", "outer.inner."])
def test_wrappers_around_the_network_do_not_matter(load, prefix):
    assert same(load({prefix + name: x for name, x in renamed(CYCLEGAN, NAMED).items()}), "G_A.", CYCLEGAN)


@pytest.mark.parametrize(
    ("names", "targets"),
    [(("G_AB", "G_BA"), ("B", "A")), (("netG_B2A", "netD"), ("A",)), (("generator", "epochs"), ("B",))],
)
def test_networks_are_found_beside_others_and_their_names_show_the_direction(load, names, targets):
    tensors = {f"{names[0]}.{name}": tensor for name, tensor in renamed(CYCLEGAN, NAMED).items()}
    other = renamed(CYCLEGAN, NAMED) if len(targets) > 1 else {"c.weight": torch.zeros(4, 3, 4, 4)}
    assert load(tensors | {f"{names[1]}.{name}": tensor for name, tensor in other.items()}).targets == targets


@pytest.mark.parametrize("norm", ["instance_affine", "batch"])
def test_norms_with_parameters_are_found_wherever_they_stand(load, norm):
    bias = norm != "batch"
    own = weights(Generator(CycleganConfig(ngf=2, n_blocks=2, norm=norm, bias=bias)))
    convolutions = [name for name in own if name.rpartition(".")[0] in modules(CYCLEGAN)]
    # A program may keep its norms in a list of their own.
    names = {module: f"convs.{number}" for number, module in enumerate(modules(CYCLEGAN))}
    others = [module for module in modules(own) if module not in names]
    names |= {module: f"norms.{number}" for number, module in enumerate(others)}
    order = [*(name for name in own if name not in convolutions), *convolutions]
    model = load({f"{names[name.rpartition('.')[0]]}.{name.rpartition('.')[2]}": own[name] for name in order})
    assert (model.config.norm, model.config.bias) == (norm, bias)
    assert same(model, "G_A.", own)


def test_convolutions_without_a_bias_before_a_norm_without_parameters_have_a_bias_of_zero(load):
    bare = {name: tensor for name, tensor in renamed(CYCLEGAN, NAMED).items() if not name.endswith(".bias")}
    model = load(bare)
    assert (model.config.norm, model.config.bias) == ("instance", True)
    assert not model.tensors()["G_A.model.4.bias"].any()


def test_nearest_upsampling_and_the_depth_are_read_off_the_shapes(load):
    config = CycleganConfig(ngf=2, n_blocks=3, n_downsampling=3, upsampling="nearest")
    own = weights(Generator(config))
    model = load(renamed(own, [f"m.{number}" for number in range(len(modules(own)))]))
    assert model.config == config
    assert same(model, "G_A.", own)


@pytest.mark.parametrize("antialias_up", [False, True])
def test_cut_is_found_by_its_filters(load, antialias_up):
    config = CutConfig(ngf=2, n_blocks=2, antialias_up=antialias_up)
    own = weights(CutGenerator(config))
    model = load(renamed(own, [f"layers.{number}" for number in range(len(modules(own)))]), "cut")
    assert model.config == config
    assert same(model, "G.", own)


@pytest.mark.parametrize(
    ("method", "network"),
    [
        ("munit", MunitGenerator(MunitConfig(dim=2, mlp_dim=5, style_dim=3, n_res=2, n_downsample=1))),
        ("munit", MunitGenerator(MunitConfig(dim=2, mlp_dim=3, style_dim=3, n_res=1, norm="instance_affine"))),
        ("unit", UnitGenerator(UnitConfig(dim=2, n_res=2))),
        ("unit", UnitGenerator(UnitConfig(dim=2, n_res=1, norm="batch"))),
    ],
)
@pytest.mark.parametrize("order", [list, sorted])
def test_autoencoders_are_found_by_their_layers(load, method, network, order):
    words = {"enc": "encoder", "dec": "decoder", "model": "net", "gamma": "weight", "beta": "bias", "mlp": "perceptron"}
    # Of the statistics, only those of batch norms have a meaning.
    own = {
        name: tensor
        for name, tensor in weights(network).items()
        if name.rpartition(".")[0] + ".weight" in network.state_dict() or "running" not in name
    }
    tensors = {
        f"gen_{domain}.{'.'.join(words.get(word, word) for word in name.split('.'))}": tensor
        for domain in "ab"
        for name, tensor in own.items()
    }
    model = load({name: tensors[name] for name in order(tensors)}, method)
    assert all(same(model, prefix, own) for prefix in ("a.", "b."))


def resized(tensors):
    """The tensors, with ordinary convolutions in the place of transposed ones."""
    return {
        name: tensor.transpose(0, 1).contiguous() if name.startswith("up") and tensor.dim() == 4 else tensor
        for name, tensor in tensors.items()
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda tensors: tensors | {"up.1.conv.weight": tensors["up.1.conv.weight"].transpose(0, 1).contiguous()},
            "net.up.0.conv is a transposed convolution 8 -> 4, 3x3, where CycleGAN has one that is not transposed",
        ),
        (
            lambda tensors: tensors | {"down.0.conv.weight": torch.zeros(4, 2, 4, 4)},
            "net.down.0.conv is a convolution 2 -> 4, 4x4, where CycleGAN has a convolution 2 -> 4, 3x3",
        ),
        (
            lambda tensors: tensors | {"tail.conv.weight": torch.zeros(3, 3, 1, 1)},
            "net.tail.conv is a convolution 3 -> 3, 1x1, where CycleGAN has none",
        ),
        (
            lambda tensors: tensors | {"tail.conv.weight": torch.zeros(3, 3, 1)},
            "net.tail.conv.weight is in no layer that CycleGAN has",
        ),
        (
            lambda tensors: {name: tensor for name, tensor in tensors.items() if "head" not in name},
            "it lacks a convolution 2 -> 3, 7x7, which CycleGAN has",
        ),
        (
            lambda tensors: tensors | {"head.attention.weight": torch.zeros(4, 3)},
            "net.head.attention is a fully connected layer 3 -> 4, where CycleGAN has none",
        ),
    ],
)
def test_the_error_says_at_which_layer_the_file_departs(load, change, message):
    tensors = change(renamed(CYCLEGAN, NAMED))
    with pytest.raises(CheckpointError) as caught:
        load({f"net.{name}": tensor for name, tensor in tensors.items()})
    assert message in str(caught.value)


def test_resize_convolutions_are_named_where_they_are_not_known(load):
    with pytest.raises(
        CheckpointError, match=r"up\.0\.conv is a convolution 8 -> 4, 3x3, where CUT has a transposed one"
    ):
        load(resized(renamed(CYCLEGAN, NAMED)), "cut")


def test_names_of_any_depth_are_no_problem(load):
    with pytest.raises(CheckpointError, match="unknown network"):
        load({"a." * 5000 + name: tensor for name, tensor in renamed(CYCLEGAN, NAMED).items()})


def test_a_search_that_would_take_too_long_is_given_up_with_two_layers_without_an_order(load):
    own = weights(Generator(CycleganConfig(ngf=1, n_blocks=12)))
    names = [chr(ord("a") + number % 26) * (1 + number // 26) for number in range(len(modules(own)))]
    with pytest.raises(CheckpointError, match=r"not their order: \w+ and \w+ have the same shapes"):
        load(dict(reversed(renamed(own, names).items())))


def test_numbers_that_are_widths_do_not_matter_in_a_file_that_has_the_order_of_the_network(load):
    names = ["c7s1_64", "d128", "d256", *(f"r256_{number}" for number in range(4)), "u128", "u64", "c7s1_3"]
    tensors = renamed(CYCLEGAN, names)
    assert same(load(tensors), "G_A.", CYCLEGAN)
    with pytest.raises(CheckpointError, match="in another order"):
        load(dict(sorted(tensors.items())))


def test_numbers_that_contradict_the_order_of_the_file_are_refused_if_both_may_be(load):
    names = [*NAMED[:3], *(f"block{number}" for number in (4, 3, 2, 1)), *NAMED[7:]]
    with pytest.raises(CheckpointError, match=r"block(\d) and block\d have the same shapes"):
        load(renamed(CYCLEGAN, names))


def test_numbers_that_contradict_the_shapes_are_refused(load):
    backwards = renamed(CYCLEGAN, [f"layer{len(NAMED) - number:02}" for number in range(len(NAMED))])
    with pytest.raises(CheckpointError, match="it has the layers of CycleGAN, but in another order"):
        load(dict(sorted(backwards.items())))


SHAPES = [
    (),
    (1,),
    (0,),
    (3,),
    (4, 4),
    (0, 3, 7, 7),
    (4, 3, 7, 7),
    (3, 4, 7, 7),
    (8, 4, 3, 3),
    (4, 8, 3, 3),
    (8, 8, 3, 3),
]
SHAPES += [(4, 3, 4, 4), (8, 4, 4, 4), (8, 3, 4, 4), (4, 8, 5, 5), (8, 1, 3, 3), (4, 4, 1), (1, 1, 1, 1, 1)]


@settings(max_examples=60)
@given(
    st.dictionaries(
        st.text("ab.1_", max_size=8).flatmap(
            lambda name: st.sampled_from(["weight", "bias", "filt", "x"]).map(lambda leaf: f"{name}.{leaf}")
        ),
        st.sampled_from(SHAPES),
        min_size=8,
        max_size=40,
    ),
    st.sampled_from(["munit", "unit", "cyclegan", "cut"]),
)
def test_any_other_tensors_are_refused_and_nothing_else_happens(shapes, method):
    implementation = registry.implementation(registry.find(method))
    tensors = {name: torch.zeros(shape) for name, shape in shapes.items()}
    with contextlib.suppress(CheckpointError):
        implementation.from_checkpoint(Checkpoint(Path("file.pth"), tensors), {})


def test_a_file_with_very_many_layers_is_refused_soon(load):
    tensors = {f"{word}{number}.weight": torch.zeros(1, 1, 3, 3) for number in range(10_000) for word in "ab"}
    with pytest.raises(CheckpointError, match="unknown network"):
        load(tensors)
