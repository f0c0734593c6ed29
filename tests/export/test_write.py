"""Exported models: the originals' files, ONNX as onnxruntime computes it, and half precision."""

import importlib.util
import pickletools
import zipfile
from dataclasses import asdict

import onnx
import onnxruntime
import pytest
import torch
from built_in import WITH_ORIGINAL_MODELS

from imgxlate import checkpoint
from imgxlate.errors import CheckpointError, ImgxlateError, OutputError, UsageError
from imgxlate.export import onnx_graphs
from imgxlate.export.write import export
from imgxlate.methods import registry
from imgxlate.methods.cyclegan.config import CycleganConfig
from imgxlate.methods.cyclegan.method import Cyclegan
from imgxlate.methods.cyclegan.networks import Generator
from imgxlate.methods.protocol import Graph
from imgxlate.methods.unit.config import UnitConfig
from imgxlate.nn.initialization import seeded

FILES = {"munit": "gen_00000001.pt", "unit": "gen_00000001.pt", "cyclegan": "latest_net_G_A.pth"}
SIZES = [(1, 16, 16), (2, 32, 48), (1, 72, 20)]


@pytest.fixture
def loaded():
    """A model of a method, as every command builds it."""
    return lambda method, path: registry.implementation(registry.find(method)).from_checkpoint(
        checkpoint.read(path), {}
    )


def content(path):
    return torch.load(path, weights_only=True)


def flat(tree, prefix=""):
    for name, part in tree.items():
        yield from flat(part, f"{prefix}{name}.") if isinstance(part, dict) else [(f"{prefix}{name}", part)]


@pytest.mark.parametrize("method", WITH_ORIGINAL_MODELS)
def test_the_originals_file_has_its_keys_and_its_tensors_to_the_bit(golden, golden_model, tmp_path, method):
    model = golden_model(method)
    written = list(export(model, "originals", f"{tmp_path}/"))
    assert [path.name for path in written] == {"cyclegan": ["latest_net_G_A.pth", "latest_net_G_B.pth"]}.get(
        method, ["latest_net_G.pth" if model.suffix == ".pth" else "gen.pt"]
    )
    for path in written:
        source = model.with_name(path.name) if path.suffix == ".pth" else model
        made, original = dict(flat(content(path))), dict(flat(content(source)))
        assert made.keys() == original.keys()
        assert all(
            torch.equal(made[name], tensor) and made[name].dtype == tensor.dtype for name, tensor in original.items()
        )


@pytest.mark.parametrize("method", FILES)
def test_the_originals_file_can_be_read_by_the_pytorch_of_their_time(golden, tmp_path, method):
    first, *_ = export(golden / method / FILES[method], "originals", f"{tmp_path}/")
    assert not zipfile.is_zipfile(first)
    with first.open("rb") as file:
        # Five pickles: magic number, version, system, content, keys of the storages that follow.
        steps = [step for _ in range(5) for step in pickletools.genops(file)]
    named = {argument for step, argument, _ in steps if step.name in ("GLOBAL", "STACK_GLOBAL")}
    protocols = {argument for step, argument, _ in steps if step.name == "PROTO"}
    assert protocols == {2}
    assert named <= {
        *("torch._utils _rebuild_tensor_v2", "collections OrderedDict"),
        *("torch FloatStorage", "torch LongStorage"),
    }


@pytest.mark.parametrize("method", FILES)
def test_an_exported_model_loads_as_the_same_model(golden, tmp_path, loaded, method):
    source = golden / method / FILES[method]
    first, *_ = export(source, "originals", f"{tmp_path}/")
    model, again = loaded(method, source), loaded(method, first)
    assert (again.config, again.targets) == (model.config, model.targets)
    assert all(torch.equal(again.tensors()[name], tensor) for name, tensor in model.tensors().items())


@pytest.fixture
def trained(golden, tmp_path, loaded):
    """The folder of a run with a model after 1200 steps."""

    def build(method):
        model = loaded(method, golden / method / FILES[method])
        header = {"method": method, "domains": ["summer", "winter"], "target": "B", "step": 1200}
        header["architecture"] = asdict(model.config)
        checkpoint.write(tmp_path / "run" / "model.safetensors", model.tensors(), header)
        return tmp_path / "run"

    return build


@pytest.mark.parametrize(
    ("method", "names"),
    [("munit", ["gen_00001200.pt"]), ("cyclegan", ["iter_1200_net_G_A.pth", "iter_1200_net_G_B.pth"])],
)
def test_files_of_a_run_are_named_after_its_step(trained, tmp_path, method, names):
    written = list(export(trained(method), "originals", str(tmp_path / "exported")))
    assert [path.name for path in written] == names


def computed(data, *inputs):
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    names = [entry.name for entry in session.get_inputs()]
    (made,) = session.run(None, dict(zip(names, (tensor.numpy() for tensor in inputs), strict=True)))
    return torch.from_numpy(made)


def random_images(count, height, width):
    return torch.rand(count, 3, height, width, generator=torch.Generator().manual_seed(height)) * 2 - 1


@pytest.fixture
def short_cyclegan():
    """A CycleGAN from A to B with one residual block."""
    with seeded(0):
        return Cyclegan(config := CycleganConfig(ngf=4, n_blocks=1), {"A": Generator(config).eval()})


def test_onnxruntime_translates_like_the_model_at_any_size(golden, loaded, short_cyclegan):
    others = [loaded("unit", golden / "unit" / FILES["unit"]), loaded("cut", golden / "cut" / "latest_net_G.pth")]
    for model in (short_cyclegan, *others):
        graph = next(graph for graph in model.graphs() if graph.name == "a2b")
        data = onnx_graphs.to_onnx(graph, {})
        for size in SIZES:
            translated = next(model.translate(random_images(*size), "B", None))
            assert (computed(data, random_images(*size)) - translated).abs().max() < 1e-3


def test_munits_exported_encoders_and_decoder_together_translate_like_munit(golden, loaded):
    model = loaded("munit", golden / "munit" / FILES["munit"])
    graphs = {graph.name: graph for graph in model.graphs()}
    assert set(graphs) == {"content_a", "content_b", "style_a", "style_b", "decoder_a", "decoder_b"}
    content_a, style_b, decoder_b = (
        onnx_graphs.to_onnx(graphs[name], {}) for name in ("content_a", "style_b", "decoder_b")
    )
    for size in SIZES:
        images = random_images(*size)
        styles = computed(style_b, images)
        assert (styles - model.encode_style(images, "B")).abs().max() < 1e-3
        made = computed(decoder_b, computed(content_a, images), styles[:1].expand(len(images), -1))
        assert (made - next(model.translate(images, "B", styles[:1]))).abs().max() < 1e-3


def test_an_onnx_file_describes_itself(short_cyclegan, tmp_path):
    header = {"method": "cyclegan", "domains": ["summer", "winter"], "architecture": asdict(short_cyclegan.config)}
    checkpoint.write(tmp_path / "run" / "model.safetensors", short_cyclegan.tensors(), header)
    (first,) = export(tmp_path / "run", "onnx", str(tmp_path))
    model = onnx.load(first)
    assert b".py" not in first.read_bytes()  # No stack trace, which would name folders of this machine.
    said = {entry.key: entry.value for entry in model.metadata_props}
    assert first.name == "run.a2b.onnx"
    assert (said["method"], said["domain_a"], said["domain_b"]) == ("cyclegan", "summer", "winter")
    assert said["graph"] == "image of A to image of B"
    assert "-1" in said["images"]
    (image,) = model.graph.input
    assert [axis.dim_param or axis.dim_value for axis in image.type.tensor_type.shape.dim] == [
        "batch",
        3,
        "4*height",
        "4*width",
    ]


def test_an_output_file_may_be_given_for_one_file_but_not_for_two(golden, tmp_path):
    (written,) = export(golden / "unit" / FILES["unit"], "originals", str(tmp_path / "mine.pt"))
    assert written == tmp_path / "mine.pt"
    assert written.stat().st_size > 1000
    with pytest.raises(UsageError, match="2 files cannot go to"):
        list(export(golden / "cyclegan" / FILES["cyclegan"], "originals", str(tmp_path / "mine.pth")))


def test_standard_output_is_refused(golden, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="standard output"):
        export(golden / "unit" / FILES["unit"], "originals", "-")
    assert list(tmp_path.iterdir()) == []


def test_an_existing_file_is_kept_without_overwrite(golden, tmp_path):
    (tmp_path / "latest_net_G_B.pth").write_text("mine")
    source = golden / "cyclegan" / FILES["cyclegan"]
    with pytest.raises(OutputError, match=r"latest_net_G_B.pth already exists") as caught:
        list(export(source, "originals", str(tmp_path)))
    assert "--overwrite" in caught.value.hint
    assert [path.name for path in tmp_path.iterdir()] == ["latest_net_G_B.pth"]
    assert len(list(export(source, "originals", str(tmp_path), overwrite=True))) == 2
    assert content(tmp_path / "latest_net_G_B.pth")


def test_a_file_without_a_model_is_refused_with_its_contents(golden, tmp_path):
    with pytest.raises(CheckpointError, match="a discriminator of MUNIT or UNIT"):
        list(export(golden / "munit" / "dis_00000001.pt", "originals", str(tmp_path)))


def test_a_method_without_export_is_refused(golden, tmp_path, monkeypatch):
    class Closed:
        config, targets, stride, minimum_side = UnitConfig(), ("B",), 4, 8
        tensors = place = translate = lambda *_: None

        @classmethod
        def from_checkpoint(cls, *_):
            return cls()

    monkeypatch.setattr(registry, "implementation", lambda _: Closed)
    with pytest.raises(UsageError, match="models of unit cannot be exported"):
        list(export(golden / "unit" / FILES["unit"], "originals", str(tmp_path)))


def test_without_the_extra_the_error_says_what_to_type(golden, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "onnxscript" else find(name))
    with pytest.raises(UsageError, match="ONNX needs onnxscript") as caught:
        list(export(golden / "unit" / FILES["unit"], "onnx", str(tmp_path)))
    assert 'pip install "imgxlate[onnx]"' in caught.value.hint


class Scaled(torch.nn.Module):
    """Twice the image. If `fickle`, more with each call outside of an export."""

    def __init__(self, *, fickle):
        super().__init__()
        self.scale, self.fickle = 2.0, fickle

    def forward(self, image):
        if self.fickle and not torch.compiler.is_compiling():
            self.scale += 1
        return image * self.scale


def scaled_graph(name, **options):
    return Graph(name, "image to image", Scaled(**options), {"image": ("batch", 3, "height", "width")}, "made")


def test_a_graph_that_computes_something_else_is_refused():
    with pytest.raises(ImgxlateError, match="wrong computes values that differ"):
        onnx_graphs.to_onnx(scaled_graph("wrong", fickle=True), {})


def test_no_graph_is_written_if_one_is_wrong(golden, tmp_path, monkeypatch):
    graphs = [scaled_graph("right", fickle=False), scaled_graph("wrong", fickle=True)]
    monkeypatch.setattr(Cyclegan, "graphs", lambda _: graphs)
    with pytest.raises(ImgxlateError, match="wrong computes values") as caught:
        list(export(golden / "cyclegan" / FILES["cyclegan"], "onnx", str(tmp_path)))
    assert "Nothing was written" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_graphs_are_exported_in_evaluation_mode(short_cyclegan):
    (graph,) = short_cyclegan.graphs()
    graph.module.train()
    onnx_graphs.to_onnx(graph, {})
    assert not graph.module.training


@pytest.mark.parametrize("method", FILES)
def test_a_model_in_half_precision_gives_nearly_the_same_image(golden, tmp_path, loaded, method):
    (path,) = export(golden / method / FILES[method], "half", f"{tmp_path}/")
    assert path.name == f"{FILES[method].partition('.')[0]}.half.safetensors"
    whole, half = loaded(method, golden / method / FILES[method]), loaded(method, path)
    assert half.config == whole.config
    assert all(tensor.dtype is torch.float32 for tensor in half.tensors().values())
    kept = checkpoint.read(path).tensors.values()
    assert {tensor.dtype for tensor in kept if tensor.is_floating_point()} == {torch.float16}
    image = torch.rand(1, 3, 32, 32) * 2 - 1
    styles = torch.zeros(1, whole.style_dim) if method == "munit" else None
    (first,), (second,) = (model.translate(image, "B", styles) for model in (whole, half))
    assert (first - second).abs().max() < 4 / 255


def test_a_generator_of_one_direction_keeps_it_in_half_precision(golden, tmp_path, loaded):
    one_way = tmp_path / "latest_net_G_B.pth"
    one_way.write_bytes((golden / "cyclegan" / FILES["cyclegan"]).read_bytes())
    (path,) = export(one_way, "half", str(tmp_path / "model.safetensors"))
    assert loaded("cyclegan", one_way).targets == loaded("cyclegan", path).targets == ("A",)


def test_a_model_with_values_beyond_float16_is_refused(golden, tmp_path):
    tensors = torch.load(golden / "unit" / FILES["unit"], weights_only=True)
    tensors["a"]["dec.model.5.conv.bias"][0] = 1e6
    torch.save(tensors, tmp_path / "gen.pt")
    with pytest.raises(CheckpointError, match=r"gen\.pt: .*dec\.model\.5\.conv\.bias holds values that float16"):
        list(export(tmp_path / "gen.pt", "half", f"{tmp_path}/out/"))
    assert not (tmp_path / "out").exists()


def test_a_model_in_half_precision_needs_the_suffix_safetensors(golden, tmp_path):
    with pytest.raises(UsageError, match=r"x\.onnx: the format 'half' writes a \.safetensors file"):
        list(export(golden / "unit" / FILES["unit"], "half", f"{tmp_path}/x.onnx"))
    assert not list(tmp_path.iterdir())


FORMATS = [("originals", "gen.pt"), ("half", "gen.safetensors"), ("onnx", "gen.onnx")]


@pytest.fixture(scope="module")
def plain_cyclegan():
    """A CycleGAN from A to B that the original can load."""
    with seeded(0):
        return Cyclegan(config := CycleganConfig(ngf=2, n_blocks=6), {"A": Generator(config).eval()})


@pytest.fixture
def one_way(plain_cyclegan, tmp_path):
    """Writes a model of one direction, which has one file in each format, under a name."""

    def write(name):
        header = {"method": "cyclegan", "domains": ["summer", "winter"], "architecture": asdict(plain_cyclegan.config)}
        checkpoint.write(tmp_path / name, plain_cyclegan.tensors(), header)
        return tmp_path / name

    return write


@pytest.mark.parametrize(("form", "name"), FORMATS)
@pytest.mark.parametrize("route", ["same", "relative", "link", "hard link", "linked folder"])
def test_an_export_never_overwrites_its_input(one_way, tmp_path, monkeypatch, form, name, route):
    source = one_way(name)
    before = source.read_bytes()
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / f"link-{name}").symlink_to(source)
    (tmp_path / f"hard-{name}").hardlink_to(source)
    (tmp_path / "linked").symlink_to(tmp_path)
    output = {
        "same": source,
        "relative": f"folder/../{name}",
        "link": tmp_path / f"link-{name}",
        "hard link": f"hard-{name}",
        "linked folder": f"linked/{name}",
    }[route]
    with pytest.raises(UsageError, match="is an input"):
        export(source, form, output, overwrite=True)
    assert source.read_bytes() == before


def test_an_export_into_the_folder_of_its_input_never_overwrites_it(golden, tmp_path):
    pair = [tmp_path / "latest_net_G_A.pth", tmp_path / "latest_net_G_B.pth"]
    for path in pair:
        path.write_bytes((golden / "cyclegan" / path.name).read_bytes())
    before = [path.read_bytes() for path in pair]
    with pytest.raises(UsageError, match="is an input"):
        export(pair[0], "originals", tmp_path, overwrite=True)
    # The generator beside the named one is read, too.
    pair[0].rename(tmp_path / "epoch_net_G_A.pth")
    pair[1].rename(tmp_path / "epoch_net_G_B.pth")
    (tmp_path / "latest_net_G_B.pth").symlink_to(tmp_path / "epoch_net_G_B.pth")
    with pytest.raises(UsageError, match=r"latest_net_G_B\.pth is an input"):
        export(tmp_path / "epoch_net_G_A.pth", "originals", tmp_path, overwrite=True)
    assert [(tmp_path / f"epoch_net_G_{end}.pth").read_bytes() for end in "AB"] == before


def test_an_export_of_a_run_never_overwrites_its_model(trained):
    run = trained("unit")
    with pytest.raises(UsageError, match=r"model\.safetensors is an input"):
        export(run, "half", run / "model.safetensors", overwrite=True)


def test_an_export_never_overwrites_its_config(golden, tmp_path):
    config = tmp_path / "config.pt"
    config.write_bytes((golden / "unit" / "config.yaml").read_bytes())
    with pytest.raises(UsageError, match=r"config\.pt is an input"):
        export(golden / "unit" / FILES["unit"], "originals", config, config=config, overwrite=True)
