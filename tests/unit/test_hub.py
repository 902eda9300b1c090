"""Weight cards: what is read, found, loaded, kept; what is refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from saccade import hub
from saccade.engine import save_config, to_yaml
from saccade.errors import CheckpointError, ConfigError, MissingFileError
from saccade.files import file_sha256

CARD = hub.WeightCard(
    name="flow-small",
    task="flow",
    summary="a small network",
    file="flow-small.safetensors",
    sha256="0" * 64,
    bytes=None,
    licence="Apache-2.0",
    parameters=12,
    input=hub.InputContract(
        channels=("off", "on"),
        units="raw event counts",
        sensor="any",
        window_us=33_000,
        max_events=None,
        events_per_px=(0.05, 0.8),
    ),
    output=hub.OutputContract(name="flow", shape=(2, 260, 346), meaning="pixels per window"),
    provenance=hub.Provenance(
        data="simulated street",
        kind="simulated",
        recipe="recipes/flow.yaml",
        seed=3,
        commit="abc",
        command="saccade train flow",
        date="2026-11-21",
    ),
    results=(
        hub.Result(
            metric="AEE", data="street", value=0.9, spread=0.1, runs=3, source="results/flow.json"
        ),
    ),
    source="this repository",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of imported models."""
    monkeypatch.setenv("SACCADE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


def kept(name: str = "flow-small", content: bytes = b"weights") -> Path:
    card = replace(CARD, name=name)
    return hub.keep(card, lambda path: path.write_bytes(content))[0]


def test_kept_model_is_loaded_by_name(folder: Path) -> None:
    path, card = hub.keep(CARD, lambda part: part.write_bytes(b"weights"))
    assert path == folder / "flow-small.safetensors" and path.read_bytes() == b"weights"
    assert (card.bytes, card.sha256) == (7, file_sha256(path))
    assert hub.load("flow-small") == (path, card)
    assert hub.find(card.sha256) == card
    expected = replace(CARD, bytes=7, sha256=card.sha256)
    assert hub.read_card(folder / "flow-small.yaml") == expected
    assert sorted(item.name for item in folder.iterdir()) == [
        "flow-small.safetensors",
        "flow-small.yaml",
    ]


def test_own_models_come_before_packaged_ones_of_the_same_name(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = kept()
    save_config(replace(CARD, sha256="1" * 64), tmp_path / "flow-small.yaml")
    monkeypatch.setitem(hub.CARDS, "flow-small", str(tmp_path / "flow-small.yaml"))
    assert hub.load("flow-small")[0] == path
    assert hub.find("1" * 64) is not None, "the packaged card is still known by its checksum"


def test_folder_that_does_not_exist_holds_no_models(folder: Path) -> None:
    assert not folder.exists()
    assert list(hub.card_paths()) == list(hub.CARDS)


def test_default_folder_lies_in_the_home_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SACCADE_MODELS")
    assert hub.models_folder() == Path.home() / ".local" / "share" / "saccade" / "models"


def test_content_is_checked_every_time(folder: Path) -> None:
    path = kept()
    hub.load("flow-small")
    path.write_bytes(b"weighty")
    with pytest.raises(CheckpointError) as caught:
        hub.load("flow-small")
    text = str(caught.value)
    assert str(path) in text and "--overwrite" in text
    assert file_sha256(path) in text and hub.read_card(path.with_suffix(".yaml")).sha256 in text


def test_size_is_checked_before_the_content(folder: Path) -> None:
    path = kept()
    path.write_bytes(b"weight")
    with pytest.raises(CheckpointError, match=r"has 6 bytes\. Expected 7"):
        hub.load("flow-small")


def test_file_that_is_gone_is_named(folder: Path) -> None:
    path = kept()
    path.unlink()
    with pytest.raises(MissingFileError, match=r"flow-small\.safetensors.*delete.*\.yaml"):
        hub.load("flow-small")


def test_unknown_name_brings_the_closest(folder: Path) -> None:
    kept()
    with pytest.raises(ConfigError, match=r"'flow-smal'\. Did you mean 'flow-small'\?"):
        hub.load("flow-smal")
    with pytest.raises(ConfigError, match=r"Models: spikevpr-r18-brisbane, .*See: saccade models"):
        hub.load("zzz")


def test_published_weights_say_how_to_get_them(folder: Path) -> None:
    with pytest.raises(MissingFileError) as caught:
        hub.load("spikevpr-r34-nyc")
    text = str(caught.value)
    assert "do not come with saccade" in text and "github.com/GeoffroyK/SpikeVPR" in text
    assert "saccade models import sew_resnet34_nyc.pth --as spikevpr-r34-nyc" in text


def test_taken_name_is_refused_and_replaced_on_demand(folder: Path) -> None:
    path = kept(content=b"one")
    with pytest.raises(ConfigError, match=r"'flow-small' already.*--as.*--overwrite"):
        kept(content=b"two")
    assert path.read_bytes() == b"one"
    hub.keep(CARD, lambda part: part.write_bytes(b"two"), overwrite=True)
    assert hub.load("flow-small")[0].read_bytes() == b"two"


def test_names_of_published_weights_are_kept_for_them(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"others publish.*19854bde"):
        kept("spikevpr-r34-brisbane")
    assert not folder.exists()


def test_failed_conversion_leaves_nothing(folder: Path) -> None:
    def fail(part: Path) -> None:
        part.write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        hub.keep(CARD, fail)
    assert list(folder.iterdir()) == []


def test_folder_that_cannot_be_made_is_named(folder: Path) -> None:
    folder.write_text("a file")
    with pytest.raises(ConfigError, match="SACCADE_MODELS"):
        kept()


@pytest.mark.parametrize("name", hub.CARDS)
def test_file_with_the_name_of_a_published_one_must_be_it(name: str, tmp_path: Path) -> None:
    card = hub.read_card(hub.card_path(name))
    if not card.where:
        pytest.skip("comes with saccade")
    (tmp_path / card.file).write_bytes(b"half a download")
    with pytest.raises(CheckpointError, match=rf"Expected {card.sha256}.*Download it again"):
        hub.identify(tmp_path / card.file)


def test_foreign_file_is_identified_by_content(folder: Path, tmp_path: Path) -> None:
    kept(content=b"same")
    (tmp_path / "copy.bin").write_bytes(b"same")
    (tmp_path / "other.bin").write_bytes(b"other")
    digest, card = hub.identify(tmp_path / "copy.bin")
    assert card is not None and (card.name, card.sha256) == ("flow-small", digest)
    assert hub.identify(tmp_path / "other.bin") == (file_sha256(tmp_path / "other.bin"), None)
    with pytest.raises(MissingFileError, match=r"gone\.bin"):
        hub.identify(tmp_path / "gone.bin")


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("sha256: '" + "0" * 64, "sha256: 'abc"), r"odd\.yaml:1: sha256 is 'abc'"),
        (("licence: Apache-2.0\n", ""), r"odd\.yaml:1: .*licence \(text\)"),
        (("licence: Apache-2.0", "licence: ''"), "licence is empty"),
        (("licence:", "license:"), r"odd\.yaml:7\. Did you mean 'licence'"),
        (("parameters: 12", "parameters: many"), r"'many' in odd\.yaml:8 \(parameters\)"),
        (("kind: simulated", "kind: imagined"), r"'imagined'.*'simulated' or 'real' or 'unknown'"),
        (("sensor: any", "sensor: 640"), "sensor is '640'"),
        (("- 0.05\n", "- 5.0\n"), "events_per_px"),
        (("file: odd", "file: ../odd"), "beside the card"),
        (("name: odd", "name: Odd One"), "lower-case"),
        (("name: odd", "name: even"), "describes 'even'"),
        (("schema: saccade.card.1", "schema: saccade.card.9"), "saccade.card.9"),
        (("summary:", "summary: ["), "not YAML"),
    ],
)
def test_damaged_card_names_file_line_and_field(
    change: tuple[str, str], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    whole = to_yaml(replace(CARD, name="odd", file="odd.safetensors"))
    assert change[0] in whole
    Path("odd.yaml").write_text(whole.replace(*change))
    with pytest.raises(ConfigError, match=text):
        hub.read_card(Path("odd.yaml"))


def test_card_survives_a_round_trip(tmp_path: Path) -> None:
    assert hub.read_card(save_config(CARD, tmp_path / "flow-small.yaml")) == CARD
