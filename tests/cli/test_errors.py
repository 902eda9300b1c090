"""One case per way a user can go wrong: the text that helps and the exit code."""

from pathlib import Path

import numpy as np
import pytest

from saccade.cli.main import main

RECORDING = Path(__file__).parents[1] / "data" / "ros_640x480_repacked.raw"


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str]:
    """Run a command line; return exit code and what went to standard error."""
    try:
        code = main([str(word) for word in words])
    except SystemExit as stop:
        code = int(stop.code or 0)
    return code, " ".join(capsys.readouterr().err.split())


def write_csv(path: Path, rows: list[str]) -> Path:
    path.write_text("\n".join(["t,x,y,p", *rows]) + "\n")
    return path


def test_mistyped_verb_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "inof", RECORDING)
    assert code == 2
    assert "Unknown verb 'inof'. Did you mean 'info'?" in text


def test_verb_of_a_later_version_is_said_to_be_missing(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "quantize", "place")
    assert code == 2
    assert "'quantize' is not part of saccade" in text


def test_mistyped_flag_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "info", RECORDING, "--on-disordr", "drop")
    assert code == 2
    assert "--on-disorder" in text


def test_wrong_choice_lists_the_allowed_ones(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "info", RECORDING, "--on-disorder", "ignore")
    assert code == 2
    assert "error" in text and "sort" in text and "drop" in text


def test_unknown_task_names_the_closest(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "predict", "plaec", RECORDING)
    assert code == 2
    assert "Unknown task 'plaec'. Did you mean 'place'?" in text


def test_missing_task_lists_the_tasks(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "predict")
    assert code == 2
    assert "place" in text


def test_verb_that_a_task_lacks_names_what_it_has(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import saccade.tasks.place.config as config

    monkeypatch.setattr(config, "VERBS", {"retrieve": config.VERBS["retrieve"]})
    code, text = run(capsys, "predict", "place", RECORDING)
    assert code == 2
    assert "place has no 'predict' yet. Available: retrieve." in text


def test_unknown_costs_name_the_table_and_the_file(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    words = ["energy", "place", RECORDING, "--weights", "untrained", "--costs"]
    code, text = run(capsys, *words, "28nm")
    assert code == 2
    assert "no cost table '28nm'" in text and "YAML file" in text
    code, text = run(capsys, *words, tmp_path / "chip.yaml")
    assert code == 3
    assert "No such file" in text and "chip.yaml" in text
    (tmp_path / "chip.yaml").write_text("name: chip\n")
    code, text = run(capsys, *words, tmp_path / "chip.yaml")
    assert code == 2
    assert "Missing in" in text and "source" in text and "is_measured" in text


def test_missing_file_names_file_and_folder(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    code, text = run(capsys, "info", tmp_path / "night.aedat4")
    assert code == 3
    assert "No such file" in text and "night.aedat4" in text


def test_folder_instead_of_a_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, text = run(capsys, "info", tmp_path)
    assert code in (1, 3)
    assert "folder" in text


def test_empty_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "empty.raw").touch()
    code, text = run(capsys, "info", tmp_path / "empty.raw")
    assert code == 1
    assert "empty" in text


def test_file_that_is_no_event_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "photo.raw").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    code, text = run(capsys, "info", tmp_path / "photo.raw")
    assert code == 1
    assert "photo.raw" in text


def test_unknown_format_name(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "info", RECORDING, "--format", "evt33")
    assert code == 2
    assert "Unknown event format 'evt33'." in text and "Did you mean 'evt3'?" in text


def test_time_that_runs_backwards_names_event_and_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "night.csv", ["10,1,1,0", "2000,1,1,1", "796,2,2,1"])
    code, text = run(capsys, "info", path, "--size", "4x4", "--time-unit", "us")
    assert code == 1
    assert "t goes back by 1,204 µs at event 2" in text and "--on-disorder" in text


def test_event_outside_the_sensor_names_event_and_remedy(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "one.csv", ["10,345,1,0", "11,346,1,1"])
    code, text = run(
        capsys, "convert", path, tmp_path / "out.npz", "--size", "346x260", "--time-unit", "us"
    )
    assert code == 1
    assert "x = 346 at event 1" in text and "width is 346 (valid 0..345)" in text
    assert "--origin 1" in text
    assert not (tmp_path / "out.npz").exists()


def test_nan_in_a_text_file_names_the_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "nan.csv", ["10,1,1,0", "nan,2,1,1"])
    code, text = run(capsys, "info", path, "--size", "4x4")
    assert code == 1
    assert "nan" in text.lower() and "line 3" in text


def test_truncated_file_says_so(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    cut = tmp_path / "cut.raw"
    cut.write_bytes(RECORDING.read_bytes()[:100_001])
    code, text = run(capsys, "info", cut)
    assert code == 1
    assert "truncated" in text and "--on-truncation keep" in text
    code, _ = run(capsys, "info", cut, "--on-truncation", "keep")
    assert code == 0


def test_unknown_sensor_size_asks_for_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = write_csv(tmp_path / "plain.csv", ["10,1,1,0", "20,2,3,1"])
    code, text = run(capsys, "convert", path, tmp_path / "out.npz", "--time-unit", "us")
    assert code == 1
    assert "--size" in text


def test_malformed_size(capsys: pytest.CaptureFixture[str]) -> None:
    code, text = run(capsys, "info", RECORDING, "--size", "640")
    assert code == 2
    assert "--size '640'" in text and "WIDTHxHEIGHT" in text


def test_absent_device_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    code, text = run(
        capsys, "predict", "place", RECORDING, "--weights", "untrained", "--device", "cuda"
    )
    assert code == 2
    assert "--device cuda" in text and "--device cpu" in text


def test_missing_weights_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, text = run(capsys, "predict", "place", RECORDING, "--weights", tmp_path / "gone.pth")
    assert code == 3
    assert "gone.pth" in text


def test_weights_of_another_network(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import torch

    torch.save({"conv1.0.weight": torch.zeros(2, 1, 7, 7)}, tmp_path / "other.pth")
    code, text = run(capsys, "predict", "place", RECORDING, "--weights", tmp_path / "other.pth")
    assert code == 1
    assert "other.pth" in text


def test_weights_with_code_inside_are_not_executed(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    import torch

    torch.save({"conv1.0.weight": Path("x")}, tmp_path / "code.pth")
    code, text = run(capsys, "predict", "place", RECORDING, "--weights", tmp_path / "code.pth")
    assert code == 1
    assert "code.pth" in text


def test_missing_extra_names_the_install_line(monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib

    from saccade.errors import MissingExtraError
    from saccade.optional import require

    def absent(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", absent)
    with pytest.raises(MissingExtraError, match=r'pip install "saccade\[hdf5\]"') as caught:
        require("hdf5plugin", "Reading Blosc-compressed HDF5")
    assert caught.value.exit_code == 3


def test_output_with_unknown_extension(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    code, text = run(capsys, "convert", RECORDING, tmp_path / "out.xyz")
    assert code == 2
    assert "out.xyz" in text
    assert list(tmp_path.iterdir()) == []


def test_interrupt_ends_with_130(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import saccade.cli.info as info

    def interrupted(args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(info, "run", interrupted)
    code, text = run(capsys, "info", RECORDING)
    assert code == 130
    assert "interrupted" in text


def test_traceback_only_with_debug(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from saccade.errors import MissingFileError

    with pytest.raises(MissingFileError):
        main(["info", str(tmp_path / "none.raw"), "--debug"])
    _, text = run(capsys, "info", tmp_path / "none.raw")
    assert "Traceback" not in text


def test_wrong_number_of_channels_is_explained() -> None:
    import torch

    from saccade.errors import ShapeError
    from saccade.tasks.place.model import PlaceNet

    model = PlaceNet.sew_resnet18()
    with pytest.raises(ShapeError, match="2 \\(OFF, ON\\)"):
        model(torch.zeros(1, 1, 260, 346))


def test_state_of_another_batch_is_refused() -> None:
    import torch

    from saccade.errors import StateError
    from saccade.neurons import LIF

    neuron = LIF(decay=0.5, keep_state=True)
    neuron(torch.zeros(2, 8, 3))
    with pytest.raises(StateError, match=r"batch 8.*batch 4.*reset\(\)"):
        neuron(torch.zeros(2, 4, 3))


def test_events_with_signed_polarity_say_how_to_convert() -> None:
    from saccade import Events, SensorSize
    from saccade.errors import EventError

    with pytest.raises(EventError, match="from_columns"):
        Events([0], [0], [0], np.array([-1]), SensorSize(1, 1))
