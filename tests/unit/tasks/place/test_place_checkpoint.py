"""Weights files: what is inferred, what is asked for, what is refused, round trips."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from saccade import hub
from saccade.engine import save_config
from saccade.errors import CheckpointError, ConfigError, MissingFileError
from saccade.files import file_sha256
from saccade.layers.mixvpr import MixVPR
from saccade.layers.sew import SEWResNet
from saccade.tasks.place.checkpoint import load_published, save_weights
from saccade.tasks.place.config import PlaceModelConfig
from saccade.tasks.place.model import PlaceNet

Edit = Callable[[dict[str, Tensor]], None]


def write(folder: Path, config: PlaceModelConfig | None = None, edit: Edit | None = None) -> Path:
    """Save a plain state dict, as published, after an edit."""
    state = dict(PlaceNet.build(config or PlaceModelConfig(), seed=4).state_dict())
    if edit:
        edit(state)
    torch.save(state, folder / "weights.pth")
    return folder / "weights.pth"


def same(one: PlaceNet, two: PlaceNet) -> bool:
    a, b = one.state_dict(), two.state_dict()
    return list(a) == list(b) and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize(
    "config",
    [
        PlaceModelConfig(),
        PlaceModelConfig(arch="sew_resnet34"),
        PlaceModelConfig(out_channels=64, out_rows=4, depth=2, mlp_ratio=2),
        PlaceModelConfig(aggregator="gem"),
        PlaceModelConfig(aggregator="mlp", out_channels=128),
    ],
    ids=["r18", "r34", "small_mixvpr", "gem", "mlp"],
)
def test_backbone_head_and_sizes_are_read_off_a_plain_state_dict(
    config: PlaceModelConfig, tmp_path: Path
) -> None:
    path = write(tmp_path, config)
    model = load_published(path, head_neuron="lif", channel_order="off_on")
    assert model.config == config
    assert same(model, PlaceNet.build(config, seed=4))
    assert not model.training


def test_missing_head_neuron_and_order_are_asked_for(tmp_path: Path) -> None:
    path = write(tmp_path)
    with pytest.raises(
        CheckpointError, match=r"SHA-256.*--head-neuron lif.*--channel-order off_on"
    ):
        load_published(path)
    with pytest.raises(CheckpointError, match="--channel-order") as caught:
        load_published(path, head_neuron="if")
    assert "--head-neuron" not in str(caught.value)


def test_gem_weights_need_no_head_neuron(tmp_path: Path) -> None:
    path = write(tmp_path, PlaceModelConfig(aggregator="gem"))
    assert load_published(path, channel_order="off_on").config is not None


def test_known_file_needs_no_flags(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path)
    card = hub.read_card(hub.card_path("spikevpr-r34-nyc"))
    known = replace(card, name="known", sha256=file_sha256(path))
    save_config(known, tmp_path / "known.yaml")
    monkeypatch.setitem(hub.CARDS, "known", str(tmp_path / "known.yaml"))
    model = load_published(path)
    assert model.config is not None and model.config.head_neuron == "if"
    original = PlaceNet.build(PlaceModelConfig(), seed=4)
    assert torch.equal(model.conv1[0].weight, original.conv1[0].weight.flip(0))  # pyright: ignore


def test_card_with_an_unknown_setting_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path)
    card = hub.read_card(hub.card_path("spikevpr-r34-nyc"))
    wrong = {"head_neuron": "if", "channel_order": "on-off"}
    odd = replace(card, name="odd", sha256=file_sha256(path), settings=wrong)
    save_config(odd, tmp_path / "odd.yaml")
    monkeypatch.setitem(hub.CARDS, "odd", str(tmp_path / "odd.yaml"))
    with pytest.raises(CheckpointError, match="channel_order 'on-off'"):
        load_published(path)


def test_equal_weights_give_equal_bytes_in_every_process(tmp_path: Path) -> None:
    code = (
        "import sys; from saccade.tasks.place.checkpoint import save_weights; "
        "from saccade.tasks.place.model import PlaceNet; "
        "save_weights(PlaceNet.sew_resnet18(seed=5), sys.argv[1])"
    )
    for name in ("a", "b"):
        subprocess.run([sys.executable, "-c", code, str(tmp_path / name)], check=True)
    here = save_weights(PlaceNet.sew_resnet18(seed=5), tmp_path / "c")
    assert file_sha256(tmp_path / "a") == file_sha256(tmp_path / "b") == file_sha256(here)


def test_on_first_weights_see_the_same_scene_after_conversion(tmp_path: Path) -> None:
    path = write(tmp_path)
    off_first = load_published(path, head_neuron="lif", channel_order="off_on")
    converted = load_published(path, head_neuron="lif", channel_order="on_off")
    frames = torch.poisson(
        torch.full((1, 2, 64, 96), 0.5), generator=torch.Generator().manual_seed(1)
    )
    stem = off_first.conv1(frames.flip(1))
    assert stem.abs().max() > 0
    assert torch.allclose(converted.conv1(frames), stem, atol=1e-6)


def test_own_file_tells_everything(tmp_path: Path) -> None:
    config = PlaceModelConfig(head_neuron="if", connect="IAND", grid=(5, 7), out_rows=2)
    model = PlaceNet.build(config, seed=9)
    path = save_weights(model, tmp_path / "own.safetensors")
    loaded = load_published(path)
    assert loaded.config == config
    assert same(loaded, model)
    assert [item.name for item in tmp_path.iterdir()] == ["own.safetensors"]


def test_flag_overrides_what_the_own_file_says(tmp_path: Path) -> None:
    path = save_weights(PlaceNet.sew_resnet18(), tmp_path / "own.safetensors")
    model = load_published(path, head_neuron="if")
    assert model.config is not None and model.config.head_neuron == "if"


def test_content_not_name_decides_how_a_file_is_read(tmp_path: Path) -> None:
    path = save_weights(PlaceNet.sew_resnet18(), tmp_path / "own.pth")
    assert load_published(path).config == PlaceModelConfig()


def test_compat_is_a_choice_of_the_reader_not_of_the_file(tmp_path: Path) -> None:
    model = PlaceNet.sew_resnet18(compat="spikevpr")
    path = save_weights(model, tmp_path / "own.safetensors")
    assert load_published(path).compat is None
    assert load_published(path, compat="spikevpr").compat == "spikevpr"


def test_network_without_config_cannot_be_saved(tmp_path: Path) -> None:
    model = PlaceNet(SEWResNet.sew_resnet18(), MixVPR())
    with pytest.raises(ConfigError, match="no config"):
        save_weights(model, tmp_path / "own.safetensors")
    assert list(tmp_path.iterdir()) == []


def test_absent_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"gone\.pth"):
        load_published(tmp_path / "gone.pth")


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (lambda s: s.pop("bn1.weight"), r"missing 1: bn1\.weight"),
        (lambda s: s.update(fc=torch.zeros(3)), r"unexpected 1: fc"),
        (
            lambda s: s.update({"bn1.bias": torch.zeros(32)}),
            r"other shape 1: bn1\.bias \(32,\) instead of \(64,\)",
        ),
        (
            lambda s: [s.pop(key) for key in list(s) if "running" in key],
            r"missing 40: .* and 35 more",
        ),
    ],
)
def test_keys_and_shapes_that_differ_are_listed(edit: Edit, text: str, tmp_path: Path) -> None:
    path = write(tmp_path, edit=edit)
    with pytest.raises(CheckpointError, match=text):
        load_published(path, head_neuron="lif", channel_order="off_on")


@pytest.mark.parametrize(
    ("edit", "text"),
    [
        (
            lambda s: [s.pop(key) for key in list(s) if key.startswith("layer4")],
            "2, 2, 2, 0 blocks",
        ),
        (lambda s: [s.pop(key) for key in list(s) if key.startswith("aggregator")], "no head"),
    ],
)
def test_another_network_is_recognised(edit: Edit, text: str, tmp_path: Path) -> None:
    path = write(tmp_path, edit=edit)
    with pytest.raises(CheckpointError, match=text):
        load_published(path, head_neuron="lif", channel_order="off_on")


def test_unknown_grid_is_asked_for(tmp_path: Path) -> None:
    config = PlaceModelConfig(grid=(6, 8), out_channels=32)
    path = write(tmp_path, config)
    flags = {"head_neuron": "lif", "channel_order": "off_on"}
    with pytest.raises(CheckpointError, match=r"48 grid cells.*grid=\(rows, columns\)"):
        load_published(path, **flags)  # pyright: ignore
    with pytest.raises(CheckpointError, match="not 5x9"):
        load_published(path, grid=(5, 9), **flags)  # pyright: ignore
    assert load_published(path, grid=(6, 8), **flags).config == config  # pyright: ignore


class Trap:
    """Would run code when unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("trap"),))


@pytest.mark.parametrize(
    "content",
    [{"conv1.0.weight": Trap()}, Path("x"), {"a": 1.5}, [torch.zeros(1)]],
    ids=["code", "object", "number", "list"],
)
def test_file_that_is_no_plain_state_dict(content: object, tmp_path: Path) -> None:
    torch.save(content, tmp_path / "odd.pth")
    with pytest.raises(CheckpointError, match=r"odd\.pth"):
        load_published(tmp_path / "odd.pth")


@pytest.mark.parametrize("content", [b"", b"not a tensor at all", b"PK\x03\x04broken"])
def test_file_that_is_no_weights_file(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "odd.pth").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"odd\.pth cannot be read"):
        load_published(tmp_path / "odd.pth")


def test_cut_safetensors_file(tmp_path: Path) -> None:
    path = save_weights(PlaceNet.sew_resnet18(), tmp_path / "own.safetensors")
    (tmp_path / "cut.safetensors").write_bytes(path.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match=r"cut\.safetensors is a damaged"):
        load_published(tmp_path / "cut.safetensors")


@pytest.mark.parametrize(
    ("change", "text"),
    [({"schema": "saccade.place.99"}, "schema 'saccade.place.99'"), ({"colour": 1}, "colour")],
)
def test_file_of_a_later_version(change: dict[str, object], text: str, tmp_path: Path) -> None:
    from safetensors.torch import save_file

    config = json.dumps({"arch": "sew_resnet18", **change} if "colour" in change else {})
    metadata = {"schema": "saccade.place.1", "config": config, "channel_order": "off_on"}
    if "schema" in change:
        metadata["schema"] = str(change["schema"])
    save_file({"a": torch.zeros(1)}, tmp_path / "late.safetensors", metadata)
    with pytest.raises(CheckpointError, match=text):
        load_published(tmp_path / "late.safetensors")
