"""EventVPR as a method of evaluation, with random weights and a short descriptor."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch
from torch import nn

from road_recordings import write_drive
from saccade.errors import CheckpointError, ConfigError, MissingFileError
from saccade.tasks.place import netvlad_bank
from saccade.tasks.place.config import EvalConfig
from saccade.tasks.place.evaluation import evaluate_set
from saccade.tasks.place.netvlad import EventVPR
from saccade.tasks.place.netvlad_bank import EventVPRBanks
from saccade.traverses.config import SetArgs
from saccade.traverses.sets import open_set

CPU, SIZE = torch.device("cpu"), "48x36"


class Short(EventVPR):
    """The whole network but for a descriptor of 16 numbers instead of 4096: 2 MB, not 537."""

    def __init__(self, height: int = 260, width: int = 346, **options: Any) -> None:
        super().__init__(height, width, **options)
        self.wpca = cast(Any, nn.Conv2d(512 * 64, 16, 1))


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("netvlad")
    model = Short.build(3, height=8, width=8, fit_steps=2)
    torch.save(model.netvlad.state_dict(), folder / "netvlad_weights.pth")
    torch.save(model.wpca.state_dict(), folder / "wpca_weights.pth")
    torch.save(model.backbone.state_dict(), folder / "backbone.pth")
    torch.save(model.est.kernel.state_dict(), folder / "kernel.pth")
    return folder


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> SetArgs:
    root = tmp_path_factory.mktemp("files")
    for seed, name in enumerate(("day", "night")):
        write_drive(root, name, seed, ending=".raw")
    return SetArgs(data="files", root=root, input_size=SIZE, tests=("night:day",), every_m=8.0)


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(netvlad_bank, "EventVPR", Short)


def test_descriptors_are_those_of_the_windows_events(weights: Path, drives: SetArgs) -> None:
    traverse: Any = open_set(drives).tests[0].query
    found = EventVPRBanks(weights, CPU, batch=3).of(traverse)
    assert found.shape == (len(traverse), 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1.0, rtol=1e-5)
    windows = [traverse.window(k) for k in range(len(traverse))]
    assert [len(w) for w in windows] == [traverse.frame(k).sum() for k in range(len(traverse))]
    height, width = windows[0].size.height, windows[0].size.width
    model = Short.build(3, height=height, width=width, fit_steps=2)
    np.testing.assert_allclose(found[:1], model.embed(windows[:1]).numpy(), atol=1e-5)


def test_it_is_a_method_of_evaluation(weights: Path, drives: SetArgs, tmp_path: Path) -> None:
    cfg = EvalConfig(
        data=drives, netvlad=weights, baselines=("raw/4",), sequences=(1, 3), report=False,
        out=tmp_path / "run",
    )  # fmt: skip
    evaluate_set(cfg)
    rows = json.loads((tmp_path / "run" / "results.json").read_text())
    assert {(row["method"], row["sequence"]) for row in rows} == {
        (name, length) for name in ("netvlad", "raw/4") for length in (1, 3)
    }


def test_what_does_not_fit_is_refused(weights: Path, drives: SetArgs, tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"backbone\.pth"):
        EventVPRBanks(tmp_path, CPU)
    broken = tmp_path / "broken"
    broken.mkdir()
    for path in weights.iterdir():
        (broken / path.name).symlink_to(path)
    (broken / "wpca_weights.pth").unlink()
    torch.save({"weight": torch.zeros(2, 3)}, broken / "wpca_weights.pth")
    traverse = open_set(drives).tests[0].query
    with pytest.raises(CheckpointError, match="WPCA"):
        EventVPRBanks(broken, CPU).of(traverse)


def test_frames_alone_are_not_enough(weights: Path) -> None:
    class Frames:
        name = "summer"
        positions = session = frame = None

        def __len__(self) -> int:
            return 1

    with pytest.raises(ConfigError, match=r"summer keeps frames"):
        EventVPRBanks(weights, CPU).of(cast(Any, Frames()))
