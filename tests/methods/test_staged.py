"""The stages that the methods describe, computed in bands, against their networks on the whole image."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from imgxlate.methods.cut.config import CutConfig
from imgxlate.methods.cut.method import Cut
from imgxlate.methods.cut.networks import Generator as CutGenerator
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.method import ResnetCyclegan
from imgxlate.methods.cyclegan.networks import Generator as CycleganGenerator
from imgxlate.methods.munit.config import MunitConfig
from imgxlate.methods.munit.method import Munit
from imgxlate.methods.munit.networks import Generator as MunitGenerator
from imgxlate.methods.protocol import Staged, StagedStyleSampler
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.methods.unit.method import Unit
from imgxlate.methods.unit.networks import Generator as UnitGenerator

TOLERANCE = 1e-4

norms = st.sampled_from(["instance", "instance_affine", "batch", "none"])
activations = st.sampled_from(["relu", "lrelu", "prelu", "selu", "tanh", "none"])
paddings = st.sampled_from(["reflect", "replicate", "zero"])
autoencoders = {
    "dim": st.integers(1, 4),
    "activ": activations,
    "n_downsample": st.integers(0, 2),
    "n_res": st.integers(1, 2),
    "pad_type": paddings,
    "norm": norms,
}
munits = st.builds(MunitConfig, mlp_dim=st.just(8), style_dim=st.integers(1, 4), **autoencoders)
units = st.builds(UnitConfig, **autoencoders)
cyclegans = st.builds(
    CycleganConfig,
    ngf=st.integers(1, 4),
    n_blocks=st.sampled_from([1, 6, 9]),
    n_downsampling=st.integers(1, 2),
    norm=norms,
    upsampling=st.sampled_from(["transposed", "nearest", "resize"]),
    bias=st.booleans(),
    dropout=st.booleans(),
)
cuts = st.builds(
    CutConfig,
    ngf=st.integers(1, 4),
    n_blocks=st.sampled_from([1, 6, 9]),
    n_downsampling=st.integers(1, 2),
    norm=norms,
    antialias=st.booleans(),
    antialias_up=st.booleans(),
    bias=st.booleans(),
    dropout=st.booleans(),
)
memories = st.fixed_dictionaries(
    {"maps": st.sampled_from([0, 2_000, 20_000, 10**9]), "band": st.sampled_from([0, 5_000, 50_000, 10**9])}
)


def build(method, network, config, randomize):
    """A translator with random weights, on the CPU."""
    translator = method(config, {domain: randomize(network(config), seed) for seed, domain in enumerate("AB")})
    translator.place(torch.device("cpu"), torch.float32)
    return translator


def image_for(data, translator):
    """Noise, of a size that the networks take."""
    stride = translator.stride
    least = -(-translator.minimum_side // stride)
    height, width = (stride * data.draw(st.integers(least, least + extent // stride)) for extent in (140, 24))
    return torch.rand((1, 3, height, width), generator=torch.Generator().manual_seed(height)) * 2 - 1


def require_same(whole, banded):
    assert banded.shape == whole.shape
    assert (banded - whole).abs().max() < TOLERANCE


@settings(max_examples=25)
@given(config=munits, memory=memories, data=st.data())
def test_munit(in_bands, randomize, config, memory, data):
    translator = build(Munit, MunitGenerator, config, randomize)
    assert isinstance(translator, StagedStyleSampler)
    image = image_for(data, translator)
    styles = torch.randn((3, config.style_dim), generator=torch.Generator().manual_seed(1))
    content = in_bands(translator.content_stages("A"), image, **memory)
    for style, whole in zip(styles.split(1), translator.translate(image, "A", styles), strict=True):
        require_same(whole, in_bands(translator.image_stages("A", style), content, **memory))


@settings(max_examples=15)
@given(config=munits, memory=memories, data=st.data())
def test_munits_style_code(in_bands, randomize, config, memory, data):
    translator = build(Munit, MunitGenerator, config, randomize)
    image = image_for(data, translator)
    features = in_bands(translator.style_stages("B"), image, **memory)
    require_same(translator.encode_style(image, "B"), translator.style_code("B", features.mean((0, 2, 3))))


@settings(max_examples=25)
@given(config=units, memory=memories, data=st.data())
def test_unit(in_bands, randomize, config, memory, data):
    translator = build(Unit, UnitGenerator, config, randomize)
    assert isinstance(translator, Staged)
    image = image_for(data, translator)
    [whole] = translator.translate(image, "B", None)
    content = in_bands(translator.content_stages("B"), image, **memory)
    require_same(whole, in_bands(translator.image_stages("B", None), content, **memory))


@settings(max_examples=25)
@given(config=cyclegans, memory=memories, data=st.data())
def test_cyclegan(in_bands, randomize, config, memory, data):
    translator = build(ResnetCyclegan, CycleganGenerator, config, randomize)
    assert isinstance(translator, Staged)
    image = image_for(data, translator)
    [whole] = translator.translate(image, "A", None)
    assert not translator.content_stages("A")
    require_same(whole, in_bands(translator.image_stages("A", None), image, **memory))


@settings(max_examples=25)
@given(config=cuts, memory=memories, data=st.data())
def test_cut(in_bands, randomize, config, memory, data):
    translator = Cut(randomize(CutGenerator(config)))
    translator.place(torch.device("cpu"), torch.float32)
    assert isinstance(translator, Staged)
    image = image_for(data, translator)
    [whole] = translator.translate(image, "B", None)
    assert not translator.content_stages("B")
    require_same(whole, in_bands(translator.image_stages("B", None), image, **memory))
