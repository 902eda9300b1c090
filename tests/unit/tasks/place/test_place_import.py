"""Weights files from elsewhere: converted, carded, used by name; what is asked for and refused."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from drives import drive

import saccade
from saccade import hub
from saccade.engine import save_config
from saccade.errors import CheckpointError, ConfigError, MissingFileError
from saccade.files import file_sha256
from saccade.tasks.place.checkpoint import load_published, save_weights
from saccade.tasks.place.config import NetworkArgs, PlaceModelConfig, PredictConfig
from saccade.tasks.place.embed import load_network
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.published import ImportConfig, import_published, import_weights
from saccade.tasks.place.task import predict

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SACCADE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A plain state dict, as others publish them."""
    path = tmp_path / "other.pth"
    torch.save(PlaceNet.build(PlaceModelConfig(), seed=4).state_dict(), path)
    return path


def publish(path: Path, monkeypatch: pytest.MonkeyPatch, **changes: Any) -> hub.WeightCard:
    """Put a file among the published ones with what the card of the NYC weights says."""
    card = hub.read_card(hub.card_path("spikevpr-r34-nyc"))
    known = replace(card, name="known", file=path.name, sha256=file_sha256(path), **changes)
    away = path.parent / "packaged"
    away.mkdir()
    target = save_config(known, away / "known.yaml")
    monkeypatch.setitem(hub.CARDS, "known", str(target))
    return known


def test_known_file_needs_no_flag_and_keeps_its_card(
    foreign: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = publish(foreign, monkeypatch)
    with pytest.raises(MissingFileError, match=r"saccade models import other\.pth --as known"):
        load_network("known", NetworkArgs(), CPU)
    path, card = import_published(ImportConfig(file=foreign))
    assert path == folder / "known.safetensors"
    assert card.licence == known.licence and card.source == known.source and not card.where
    assert card.provenance == replace(known.provenance, converted_from=known.sha256)
    assert card.input.channels == ("off", "on") and card.settings == {}
    original = PlaceNet.build(PlaceModelConfig(), seed=4)
    network = load_network("known", NetworkArgs(), CPU)
    assert network.weights == card.sha256 == file_sha256(path)
    assert network.model.config == replace(original.config, head_neuron="if")  # type: ignore[type-var]
    assert torch.equal(network.model.conv1[0].weight, original.conv1[0].weight.flip(0))  # type: ignore
    assert torch.equal(network.model.bn1.weight, original.bn1.weight)


def test_unknown_file_is_asked_what_it_does_not_say(foreign: Path, folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"other\.pth is not known.*--as NAME"):
        import_published(ImportConfig(file=foreign))
    with pytest.raises(CheckpointError, match=r"--head-neuron lif.*--channel-order off_on"):
        import_published(ImportConfig(file=foreign, name="other"))
    assert not folder.exists()


def test_unknown_file_is_kept_with_what_was_said(foreign: Path) -> None:
    given: dict[str, Any] = {"head_neuron": "if", "channel_order": "off_on"}
    _, card = import_published(
        ImportConfig(file=foreign, name="other", trained_on="my drives", licence="CC0-1.0", **given)
    )
    assert (card.licence, card.provenance.data, card.provenance.kind) == (
        "CC0-1.0",
        "my drives",
        "unknown",
    )
    assert (card.parameters, card.output.shape) == (1_756_444, (4096,))
    assert card.provenance.converted_from == file_sha256(foreign)
    loaded = load_network("other", NetworkArgs(), CPU).model
    direct = load_published(foreign, **given)
    assert loaded.config == direct.config
    pairs = zip(loaded.state_dict().values(), direct.state_dict().values(), strict=True)
    assert all(torch.equal(one, two) for one, two in pairs)


def test_own_file_says_everything_itself(tmp_path: Path) -> None:
    config = PlaceModelConfig(aggregator="mlp", head_neuron="if", out_channels=64)
    path = save_weights(PlaceNet.build(config), tmp_path / "run.safetensors")
    kept, card = import_published(ImportConfig(file=path, name="mine"))
    assert card.output.shape == (64,)
    assert load_published(kept).config == config
    assert file_sha256(kept) == file_sha256(path)


@pytest.mark.parametrize("flag", [{"head_neuron": "lif"}, {"channel_order": "off_on"}])
def test_flag_against_what_is_known_is_refused(
    flag: dict[str, Any], foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(foreign, monkeypatch)
    with pytest.raises(CheckpointError, match=r"By its SHA-256 it is 'known'.*Leave --"):
        import_published(ImportConfig(file=foreign, **flag))


def test_weights_of_another_task_are_refused(
    foreign: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(foreign, monkeypatch, task="depth")
    with pytest.raises(CheckpointError, match="for task 'depth'"):
        import_published(ImportConfig(file=foreign))
    monkeypatch.setitem(hub.CARDS, "known", hub.CARDS["spikevpr-r34-nyc"])
    hub.keep(
        replace(hub.read_card(hub.card_path("spikevpr-r34-nyc")), name="deep", task="depth"),
        lambda part: part.write_bytes(foreign.read_bytes()),
    )
    with pytest.raises(CheckpointError, match="task 'depth', not place"):
        load_network("deep", NetworkArgs(), CPU)


def test_code_in_a_foreign_file_does_not_run(tmp_path: Path, folder: Path) -> None:
    torch.save({"conv1.0.weight": Path("x")}, tmp_path / "code.pth")
    with pytest.raises(CheckpointError, match=r"code\.pth cannot be read"):
        import_published(ImportConfig(file=tmp_path / "code.pth", name="code"))
    assert not folder.exists()


def test_report_names_files_and_the_next_step(foreign: Path, folder: Path) -> None:
    cfg = ImportConfig(file=foreign, name="other", head_neuron="lif", channel_order="off_on")
    report = import_weights(cfg)
    assert report.files == (folder / "other.safetensors", folder / "other.yaml")
    assert not report.values["known_file"]
    assert "--weights other" in report.notes[0]


def test_existing_file_comes_before_a_model_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    mine = save_weights(PlaceNet.sew_resnet18(seed=1), tmp_path / "a.safetensors")
    import_published(ImportConfig(file=mine, name="mine"))
    other = save_weights(PlaceNet.sew_resnet18(seed=2), tmp_path / "mine")
    assert load_network("mine", NetworkArgs(), CPU).weights == file_sha256(other)
    other.unlink()
    assert load_network("mine", NetworkArgs(), CPU).weights == file_sha256(mine)


def test_predict_takes_a_name_and_says_what_its_card_says(tmp_path: Path) -> None:
    recording = saccade.save(drive([0, 1, 2], seed=1), tmp_path / "drive.npz")
    own = save_weights(PlaceNet.sew_resnet18(seed=1), tmp_path / "a.safetensors")
    card = hub.read_card(hub.card_path("spikevpr-r18-nsavp"))
    hub.keep(
        replace(
            card,
            name="street",
            input=replace(card.input, sensor="any", events_per_px=(50.0, 80.0)),
            provenance=replace(card.provenance, kind="simulated", data="a street"),
        ),
        lambda part: part.write_bytes(own.read_bytes()),
    )
    report = predict(
        PredictConfig(recording=recording, weights="street", device="cpu", out=tmp_path / "run")
    )
    notes = " ".join(report.notes)
    assert "street was trained on simulated data: a street." in notes
    assert "these weights saw about 50 to 80" in notes and "Frames are" not in notes


def test_mistyped_name_brings_the_closest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="Did you mean 'spikevpr-r34-nyc'"):
        load_network("spikevpr-r34-nyk", NetworkArgs(), CPU)
