"""A loaded model, as Python callers use it."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import imgxlate
from imgxlate.errors import ImageError, UsageError, WeightsError
from imgxlate.images.encode import save
from imgxlate.images.image_array import ImageArray


@pytest.fixture
def munit(golden):
    return imgxlate.load("munit", checkpoint=golden / "munit" / "gen_00000001.pt")


@pytest.fixture
def unit(golden):
    return imgxlate.load("unit", checkpoint=golden / "unit" / "gen_00000001.pt")


def same(one, other):
    return np.array_equal(np.asarray(one), np.asarray(other))


def test_translate_gives_the_images_that_the_command_writes(run, munit, golden, photo, tmp_path):
    checkpoint = golden / "munit" / "gen_00000001.pt"
    run(
        "translate",
        "munit",
        photo(),
        "--checkpoint",
        checkpoint,
        "--n-styles",
        2,
        "--seed",
        5,
        "-o",
        f"{tmp_path}/out/",
    )
    images = munit.translate(photo(), n_styles=2, seed=5)
    for index, image in enumerate(images):
        assert same(image, Image.open(tmp_path / "out" / f"photo.munit.0{index}.png"))


def test_paths_bytes_pil_images_and_arrays_are_the_same_input(munit, photo):
    path = photo()
    pil = Image.open(path)
    inputs = [path, str(path), path.read_bytes(), pil, np.asarray(pil)]
    [first], *others = map(munit.translate, inputs)
    assert all(same(first, other) for [other] in others)


def test_a_pil_image_is_turned_upright_as_a_file_is(munit, photo, tmp_path):
    image = Image.open(photo(size=(24, 40)))
    exif = image.getexif()
    exif[0x0112] = 6
    image.save(tmp_path / "turned.png", exif=exif)
    by_file, by_image = (
        munit.translate(each)[0] for each in (tmp_path / "turned.png", Image.open(tmp_path / "turned.png"))
    )
    assert by_file.size == (24, 40)
    assert same(by_file, by_image)


def test_the_outputs_have_the_transparency_and_size_of_the_input(munit, photo):
    image = Image.open(photo(size=(33, 47)))
    alpha = Image.linear_gradient("L").resize(image.size)
    image.putalpha(alpha)
    [output] = munit.translate(image)
    assert (output.mode, output.size) == ("RGBA", (47, 33))
    assert same(output.getchannel("A"), alpha)


def test_colors_under_transparent_pixels_change_nothing(munit, photo):
    """Programs leave any color there: two images that look the same give the same output and the same style."""
    colors = np.array(Image.open(photo(size=(40, 40))).convert("RGB"))
    alpha = np.full((40, 40), 255, np.uint8)
    alpha[:, 20:] = 0
    hidden = np.where(alpha[..., None] == 0, 255 - colors, colors)
    first, second = (np.dstack([each, alpha]) for each in (colors, hidden))
    for options in ({}, {"size": 24}, {"work_size": 20}):
        assert same(munit.translate(first, **options)[0], munit.translate(second, **options)[0])
    assert np.array_equal(munit.encode_style(first), munit.encode_style(second))


def test_a_gray_array_is_an_image_and_a_float_array_is_not(munit):
    gray = np.full((20, 30), 100, np.uint8)
    assert munit.translate(gray)[0].size == (30, 20)
    for wrong in (gray / 255, gray[None, None], np.zeros((4, 4, 2), np.uint8), np.zeros((0, 3, 3), np.uint8)):
        with pytest.raises(ImageError, match="uint8"):
            munit.translate(wrong)


def test_sampled_codes_give_the_images_that_their_seed_gives(munit, photo):
    codes = munit.sample_styles(3, seed=2)
    assert codes.shape == (3, munit.style_dim)
    by_codes, by_seed = munit.translate(photo(), styles=codes), munit.translate(photo(), n_styles=3, seed=2)
    assert all(map(same, by_codes, by_seed))
    assert all(map(same, munit.translate(photo(), styles=codes.tolist()), by_seed))


def test_a_style_image_and_its_code_give_the_same_image(munit, photo):
    style = photo("style.png", seed=4)
    [by_image] = munit.translate(photo(), styles=[style])
    assert same(by_image, munit.translate(photo(), styles=munit.encode_style(style))[0])
    assert same(by_image, munit.translate(photo(), styles=style)[0])
    assert same(by_image, munit.translate(photo(), styles=Image.open(style))[0])
    assert not same(by_image, munit.translate(photo())[0])


def test_streaming_computes_each_image_when_it_is_consumed(munit, photo, monkeypatch):
    computed = []
    decode = munit.translator._generators["B"].decode
    monkeypatch.setattr(munit.translator._generators["B"], "decode", lambda *a: computed.append(1) or decode(*a))
    stream = munit.stream(photo(), n_styles=5)
    next(stream)
    assert len(computed) == 1


def test_several_threads_may_use_one_model(munit, photo):
    paths = [photo(f"{seed}.png", size=(30 + seed, 40), seed=seed) for seed in range(6)]
    alone = [munit.translate(path, n_styles=2) for path in paths]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda path: munit.translate(path, n_styles=2), paths))
    assert all(same(one, other) for a, b in zip(alone, together, strict=True) for one, other in zip(a, b, strict=True))


def test_a_method_without_styles_gives_one_image(unit, photo):
    assert unit.style_dim is None
    assert len(unit.translate(photo())) == 1
    for wrong in ({"n_styles": 2}, {"styles": [photo()]}):
        with pytest.raises(UsageError, match="has no style codes"):
            unit.translate(photo(), **wrong)
    with pytest.raises(UsageError, match="has no style codes"):
        unit.sample_styles(2)


def test_codes_of_another_length_are_refused(munit, photo):
    with pytest.raises(UsageError, match=r"\(S, 4\), not \(2, 5\)"):
        munit.translate(photo(), styles=np.zeros((2, 5), np.float32))


def test_two_sources_of_styles_are_refused(munit, photo):
    with pytest.raises(UsageError, match="exclude"):
        munit.translate(photo(), n_styles=2, styles=munit.sample_styles(2))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"size": 0}, "size is 0, but must be at least 1"),
        ({"size": -3}, "size is -3"),
        ({"n_styles": 0}, "n_styles is 0, but must be at least 1"),
        ({"n_styles": -1}, "n_styles is -1"),
        ({"seed": -1}, "seed is -1, but must be at least 0"),
        ({"styles": [[0.0] * 4, [0.0] * 3]}, "style codes must be 4 numbers each"),
        ({"styles": [[0.0, [1.0], 0.0, 0.0]]}, "style codes must be 4 numbers each"),
        ({"styles": ["photo.png", [0.0] * 4]}, "both images and style codes"),
        ({"styles": [np.zeros(4, np.float32), np.zeros((8, 8, 3), np.uint8)]}, "both images and style codes"),
    ],
)
def test_invalid_arguments_of_translate_are_refused(munit, photo, arguments, message):
    with pytest.raises(UsageError, match=message):
        munit.translate(photo(), **arguments)


def test_less_of_a_style_is_refused_by_methods_that_do_not_mix_styles(munit, unit, photo):
    for model in (munit, unit):
        with pytest.raises(UsageError, match=f"{model.method} does not mix styles"):
            model.translate(photo(), strength=0.2)
        assert model.translate(photo(), strength=1)


def test_invalid_arguments_of_the_functions_for_style_codes_are_refused(munit, photo):
    with pytest.raises(UsageError, match="size is 0"):
        munit.encode_style(photo(), size=0)
    with pytest.raises(UsageError, match="n_styles is 0"):
        munit.sample_styles(0)
    with pytest.raises(UsageError, match="seed is -1"):
        munit.sample_styles(1, seed=-1)


def test_an_unknown_precision_is_refused():
    for load in (partial(imgxlate.load, "munit"), imgxlate.load_style_transfer):
        with pytest.raises(
            UsageError, match="precision is 'bf61', but must be one of auto, fp32, fp32-fast, bf16"
        ) as caught:
            load(precision="bf61")
        assert caught.value.hint == "Did you mean 'bf16'?"


def test_a_models_name_and_a_checkpoint_exclude_each_other():
    with pytest.raises(UsageError, match=r"^the name of a model and a checkpoint exclude each other$"):
        imgxlate.load("munit", model="outline2color", checkpoint="model.safetensors")


def test_a_missing_file_is_named(munit):
    with pytest.raises(ImageError, match=r"nowhere\.png: no such file"):
        munit.translate(Path("nowhere.png"))


def test_a_model_is_loaded_by_the_name_of_its_method_or_its_own():
    bundled = imgxlate.load("munit")
    assert (bundled.method, bundled.name, bundled.domains) == ("munit", "munit-summer2winter", ("summer", "winter"))
    assert bundled.targets == ("winter", "summer")
    by_name = imgxlate.load("munit-outline2color")
    assert (by_name.method, by_name.domains) == ("munit", ("outline", "color"))
    assert imgxlate.load("munit", model="outline2color").name == "munit-outline2color"


def test_an_unknown_model_or_method_is_an_error_with_a_hint():
    with pytest.raises(UsageError) as caught:
        imgxlate.load("mnit")
    assert "munit" in caught.value.hint
    with pytest.raises(WeightsError, match="nothing"):
        imgxlate.load("munit", model="nothing")


def test_a_checkpoint_and_its_configuration_are_paths_or_strings(golden, photo):
    folder = golden / "munit"
    for kind in (str, Path):
        files = {"checkpoint": kind(folder / "gen_00000001.pt"), "config": kind(folder / "config.yaml")}
        assert imgxlate.load("munit", **files).name == "gen_00000001.pt"


@pytest.fixture
def identity(munit):
    """A model that gives its input back."""
    translator = SimpleNamespace(targets=("B",), stride=4, minimum_side=16, translate=lambda images, *_: iter([images]))
    return dataclasses.replace(munit, translator=translator)


@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_a_file_of_sixteen_bits_keeps_every_step_of_a_ramp(identity, tmp_path, suffix):
    ramp = np.arange(65536, dtype=np.uint16).reshape(128, 512)
    source, target = tmp_path / f"in{suffix}", tmp_path / f"out{suffix}"
    colors = np.dstack([ramp, ramp[::-1], ramp[:, ::-1]])
    for image in (ImageArray(colors), ImageArray(colors, ramp).on_white()):
        save(image, source)
        [output] = identity.translate_array(source, "B", depth=16)
        if image.alpha is None:
            save(output, target)
            assert target.read_bytes() == source.read_bytes()
        else:
            assert np.array_equal(output.alpha, ramp)
            assert np.array_equal(output.rgb, image.on_white().rgb)


def test_sixteen_bits_are_resized_without_banding(identity):
    ramp = np.arange(0, 4096, 8, dtype=np.uint16)  # 16 of 256 levels
    image = ImageArray(np.broadcast_to(ramp[None, :, None], (64, 512, 3)))
    [half] = identity.translate_array(image, "B", None, 32, depth=16)
    assert half.size == (32, 256)
    assert (np.diff(half.rgb[0, 1:-1, 0].astype(int)) == 16).all()


def test_an_array_of_sixteen_bits_is_translated_into_an_image_of_eight(identity):
    array = np.full((16, 16, 4), 25700, np.uint16)
    array[..., 3] = 65535
    [image] = identity.translate(array)
    assert image.mode == "RGBA"
    assert np.unique(np.asarray(image)).tolist() == [100, 255]


def test_the_limit_of_pixels_holds_for_inputs_and_styles(golden, photo):
    checkpoint = golden / "munit" / "gen_00000001.pt"
    model = imgxlate.load("munit", checkpoint=checkpoint, max_pixels=3000)
    large, small = photo("large.png", size=(48, 64)), photo("small.png", size=(48, 62))
    refused = pytest.raises(ImageError, match="3,072 pixels are more than the limit of 3,000")
    with refused:
        model.translate(large)
    with refused:
        model.translate(small, styles=[large])
    with refused:
        model.encode_style(large)
    assert len(model.translate(small, styles=[small])) == 1
    with pytest.raises(UsageError, match="at least 1"):
        imgxlate.load("munit", checkpoint=checkpoint, max_pixels=0)


def test_the_originals_directions_name_the_target(munit):
    assert [munit.target(to) for to in ("AtoB", "BtoA", "btoa")] == ["B", "A", "A"]
