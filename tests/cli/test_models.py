"""``saccade models``: list, show, check, import."""

import json
from pathlib import Path

import pytest

from saccade import hub
from saccade.cli.main import main
from saccade.engine import load_config, save_config
from saccade.files import file_sha256


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SACCADE_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def mine(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A network of our own, imported as ``mine``."""
    from saccade.tasks.place.checkpoint import save_weights
    from saccade.tasks.place.model import PlaceNet

    path = save_weights(PlaceNet.sew_resnet18(seed=1), tmp_path / "own.safetensors")
    assert main(["models", "import", str(path), "--as", "mine", "--licence", "MIT"]) == 0
    capsys.readouterr()
    return tmp_path / "models" / "mine.safetensors"


def run_json(capsys: pytest.CaptureFixture[str], *words: str, code: int = 0) -> dict:
    assert main(["models", *words, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def failed(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    code = main(["models", *words])
    return code, " ".join(capsys.readouterr().err.split())


def packaged() -> int:
    """Return how many files of weights come with saccade."""
    return sum(not hub.read_card(hub.card_path(name)).where for name in hub.CARDS)


@pytest.mark.parametrize("words", [[], ["list"]])
def test_list_is_what_is_meant_without_a_mode(
    words: list[str], capsys: pytest.CaptureFixture[str], mine: Path
) -> None:
    seen = run_json(capsys, *words)
    rows = {row["name"]: row for row in seen["tables"]["Weight cards"]}
    assert set(rows) == {*hub.CARDS, "mine"}
    assert rows["mine"]["parameters"] == 1_756_444
    assert rows["mine"]["MB"] == round(mine.stat().st_size / 1e6, 2)
    assert (rows["mine"]["weights"], rows["mine"]["licence"]) == ("here", "MIT")
    assert rows["spikevpr-r34-nyc"]["weights"] == "to be imported"
    assert seen["folder"] == str(mine.parent)


def test_show_tells_all_the_card_says(capsys: pytest.CaptureFixture[str]) -> None:
    seen = run_json(capsys, "show", "spikevpr-r34-nyc")
    card = hub.read_card(hub.card_path("spikevpr-r34-nyc"))
    assert seen["sha256"] == card.sha256 and seen["path"] is None
    assert seen["input"]["channels"] == ["on", "off"]
    assert seen["settings"] == {"head_neuron": "if", "channel_order": "on_off"}
    assert any("saccade models import sew_resnet34_nyc.pth" in note for note in seen["notes"])
    assert main(["models", "show", "spikevpr-r34-nyc"]) == 0
    text = capsys.readouterr().out
    assert "NYC-Event-VPR: random frames" in text and "346x260" in text and "on_off" in text


def test_show_has_results_with_spread_and_source(
    capsys: pytest.CaptureFixture[str], mine: Path
) -> None:
    path = mine.with_suffix(".yaml")
    result = "- {metric: recall@1, data: street, value: 0.5, spread: 0.02, runs: 3, source: r.json}"
    path.write_text(path.read_text().replace("results: []", f"results:\n{result}"))
    row = run_json(capsys, "show", "mine")["tables"]["results"][0]
    assert (row["value"], row["spread"], row["runs"], row["source"]) == (0.5, 0.02, 3, "r.json")


def test_check_passes_and_finds_what_changed(
    capsys: pytest.CaptureFixture[str], mine: Path
) -> None:
    seen = run_json(capsys, "check")
    assert seen["ok"] and (seen["right"], seen["wrong"]) == (1 + packaged(), 0)
    content = bytearray(mine.read_bytes())
    content[-1] ^= 1
    mine.write_bytes(content)
    seen = run_json(capsys, "check", code=1)
    states = {row["name"]: row["state"] for row in seen["tables"]["Files"]}
    assert states["mine"] == "wrong" and not seen["ok"]
    assert file_sha256(mine) in seen["notes"][0]


def test_check_goes_on_after_a_damaged_card(capsys: pytest.CaptureFixture[str], mine: Path) -> None:
    (mine.parent / "bad.yaml").write_text("name: bad\n")
    seen = run_json(capsys, "check", code=1)
    assert (seen["right"], seen["wrong"]) == (1 + packaged(), 1)
    assert "bad.yaml" in seen["notes"][0]


def test_import_of_an_unknown_file_asks(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    from saccade.tasks.place.model import PlaceNet

    path = tmp_path / "w.pth"
    torch.save(PlaceNet.sew_resnet18().state_dict(), path)
    code, text = failed(capsys, "import", str(path), "--as", "w")
    assert code == 1 and "--head-neuron" in text and "--channel-order" in text
    words = ["--head-neuron", "lif", "--channel-order", "off_on"]
    seen = run_json(capsys, "import", "place", str(path), "--as", "w", *words)
    assert seen["name"] == "w" and seen["sha256"] == file_sha256(Path(seen["files"][0]))
    code, text = failed(capsys, "import", str(path), "--as", "w", *words)
    assert code == 2 and "--overwrite" in text


def test_imported_name_serves_as_weights(
    capsys: pytest.CaptureFixture[str], mine: Path, tmp_path: Path
) -> None:
    recording = Path(__file__).parents[1] / "data" / "ros_640x480_repacked.raw"
    words = ["--window-us", "1000000", "--input-size", "160x120", "--out", str(tmp_path / "run")]
    assert main(["predict", "place", str(recording), "--weights", "mine", *words, "--json"]) == 0
    seen = json.loads(capsys.readouterr().out)
    assert seen["windows"] == 2 and file_sha256(mine) in json.dumps(seen)


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["shwo"], 2, "Unknown mode 'shwo'. Did you mean 'show'?"),
        (["show", "spikevpr-r34-nycc"], 2, "Did you mean 'spikevpr-r34-nyc'?"),
        (["import", "gone.pth", "--as", "x"], 3, "gone.pth"),
    ],
)
def test_mistakes_are_answered(
    words: list[str], code: int, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    found, said = failed(capsys, *words)
    assert found == code and text in said


def test_help_names_modes_and_the_folder(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    assert main(["models", "--help"]) == 0
    text = capsys.readouterr().out
    assert "SACCADE_MODELS" in text and "~/.local/share/saccade/models" in text
    assert str(folder) in text
    for mode in ("show", "check", "import"):
        assert f"saccade models {mode}" in text


def test_cards_are_read_without_torch(folder: Path) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from saccade.cli.main import main; main(['models']); main(['models', 'check'])"
        "; assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_edited_card_is_what_list_shows(capsys: pytest.CaptureFixture[str], mine: Path) -> None:
    from dataclasses import replace

    path = mine.with_suffix(".yaml")
    save_config(replace(load_config(hub.WeightCard, path), licence="CC0-1.0"), path)
    rows = {row["name"]: row for row in run_json(capsys)["tables"]["Weight cards"]}
    assert rows["mine"]["licence"] == "CC0-1.0"
