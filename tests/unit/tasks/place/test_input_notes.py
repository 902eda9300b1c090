"""What is said where frames are unlike those that weights were trained on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from drives import PLACE_US, drive

import saccade
from saccade import hub
from saccade.events.types import SensorSize
from saccade.tasks.place.config import PlaceModelConfig, PredictConfig
from saccade.tasks.place.input_notes import input_notes
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.task import predict
from saccade.traverses.traverse import voxel_sums

SIZE = SensorSize(height=260, width=346)
RATES = {"monday": 0.3}


@pytest.fixture(scope="module")
def nyc() -> hub.WeightCard:
    return hub.read_card(hub.card_path("spikevpr-r34-nyc"))


@pytest.fixture(scope="module")
def nsavp() -> hub.WeightCard:
    return hub.read_card(hub.card_path("spikevpr-r34-nsavp"))


def test_cards_of_counts_have_nothing_to_say_about_counts(nsavp: hub.WeightCard) -> None:
    assert input_notes(SIZE, RATES, card=nsavp) == []


def test_nyc_weights_and_raw_counts(nyc: hub.WeightCard) -> None:
    (note,) = input_notes(SIZE, RATES, card=nyc)
    assert "sums of a voxel grid of 15 bins" in note and "here are raw event counts" in note
    assert "saccade prepare nyc" in note
    assert input_notes(SIZE, RATES, card=nyc, units=voxel_sums(15)) == []
    (other,) = input_notes(SIZE, RATES, card=nyc, units=voxel_sums(6))
    assert "6 bins" in other and "prepare" not in other


def test_weights_of_counts_and_voxel_sums(nsavp: hub.WeightCard) -> None:
    (note,) = input_notes(SIZE, RATES, card=nsavp, units=voxel_sums(15))
    assert "trained on raw event counts" in note and "here are sums of a voxel grid" in note


def test_settings_stand_for_a_card(nyc: hub.WeightCard) -> None:
    by_flag = input_notes(SIZE, RATES, channel_order="on_off")
    assert by_flag == input_notes(SIZE, RATES, card=nyc)
    assert input_notes(SIZE, RATES, channel_order="off_on") == []


def test_sizes_and_rates(nyc: hub.WeightCard) -> None:
    small = SensorSize(height=24, width=32)
    size, rate = input_notes(small, {"a": 0.01, "b": 0.3, "c": 9.0}, card=None)
    assert "Frames are 32x24" in size and "--input-size 346x260" in size
    assert "Windows of a, c have 0.01 to 9 events per pixel" in rate and "0.1 to 2" in rate
    known = replace(nyc, input=replace(nyc.input, events_per_px=(0.2, 0.4)))
    notes = input_notes(SIZE, {"a": 0.5}, card=known, units=voxel_sums(15))
    assert len(notes) == 1 and "have 0.5 events" in notes[0] and "these weights saw" in notes[0]


def test_predict_with_nyc_settings_on_a_recording(tmp_path: Path) -> None:
    weights = tmp_path / "nyc.pth"
    torch.save(PlaceNet.build(PlaceModelConfig(), seed=4).state_dict(), weights)
    recording = saccade.save(drive([0, 1], seed=1), tmp_path / "monday.npz")
    notes = {}
    for order in ("on_off", "off_on"):
        cfg = PredictConfig(
            recording=recording, out=tmp_path / order, weights=str(weights), device="cpu",
            window_us=PLACE_US, head_neuron="if", channel_order=order,
        )  # fmt: skip
        notes[order] = " ".join(predict(cfg).notes)
    assert "trained on sums of a voxel grid" in notes["on_off"]
    assert "voxel grid" not in notes["off_on"]
