"""Packaged weights: every card is right, every file has one, and together they stay small."""

from dataclasses import replace
from pathlib import Path

import pytest

from saccade import hub
from saccade.files import file_sha256
from saccade.hub.store import PACKAGED
from saccade.tasks import TASKS

ROOT = Path(__file__).parents[2]
MEGABYTES = {
    "place": 3.6,
    "place_stdp": 2.0,
    "depth": 2.0,
    "flow": 0.5,
    "classify": 2.0,
    "detect": 1.9,
}
"""Most that the packaged weights of a task may take together."""


def faults(path: Path) -> list[str]:
    """Return what is wrong with a packaged card and the file it describes."""
    card = hub.read_card(path)
    file = path.with_name(card.file)
    if card.where:
        return ["published elsewhere, yet the file is here"] if file.exists() else []
    found: list[str] = []
    if not file.exists():
        return ["file is missing"]
    if (file_sha256(file), file.stat().st_size) != (card.sha256, card.bytes):
        found.append("SHA-256 or size is not that of the file")
    origin = card.provenance
    unsaid = [
        name
        for name in ("data", "recipe", "commit", "command", "date")
        if not getattr(origin, name)
    ]
    if unsaid or origin.seed is None or origin.kind == "unknown":
        found.append(f"provenance is incomplete: {unsaid}")
    if card.input.events_per_px is None:
        found.append("events_per_px was not measured")
    found += [f"no {item.source}" for item in card.results if not (ROOT / item.source).is_file()]
    return found if card.results else [*found, "nothing was measured"]


def sizes() -> dict[str, int]:
    """Return task -> bytes of its packaged weights."""
    total: dict[str, int] = {}
    for name in hub.CARDS:
        path = PACKAGED / hub.CARDS[name]
        card = hub.read_card(path)
        if not card.where:
            size = path.with_name(card.file).stat().st_size
            total[card.task] = total.get(card.task, 0) + size
    return total


@pytest.mark.parametrize("name", hub.CARDS)
def test_packaged_card_fits_its_file(name: str) -> None:
    path = PACKAGED / hub.CARDS[name]
    card = hub.read_card(path)
    assert card.name == name
    assert card.task in TASKS
    assert not faults(path)


def test_every_packaged_file_is_in_the_table() -> None:
    cards = {PACKAGED / file for file in hub.CARDS.values()}
    files = {path.with_name(hub.read_card(path).file) for path in cards}
    assert set(PACKAGED.iterdir()) <= cards | files


def test_names_and_contents_are_there_once() -> None:
    found = [hub.read_card(PACKAGED / file).sha256 for file in hub.CARDS.values()]
    assert len(set(found)) == len(found)


def test_packaged_weights_stay_within_their_budget() -> None:
    total = sizes()
    assert sum(MEGABYTES.values()) <= 12
    assert not {task: size for task, size in total.items() if size > MEGABYTES[task] * 1e6}


def test_published_place_weights_say_what_their_files_do_not() -> None:
    cards = [hub.read_card(PACKAGED / file) for file in hub.CARDS.values()]
    published = [card for card in cards if card.task == "place" and card.where]
    assert len(published) == 5
    for card in published:
        assert card.settings["head_neuron"] == ("if" if "nyc" in card.name else "lif")
        first = card.input.channels[0]
        assert card.settings["channel_order"] == {"off": "off_on", "on": "on_off"}[first]


def test_a_wrong_card_is_found(tmp_path: Path) -> None:
    from saccade.engine import save_config

    (tmp_path / "w.safetensors").write_bytes(b"weights")
    card = hub.read_card(hub.card_path("spikevpr-r34-nyc"))
    bad = replace(card, name="w", file="w.safetensors", where="")
    found = " ".join(faults(save_config(bad, tmp_path / "w.yaml")))
    for text in ("SHA-256", "provenance is incomplete", "events_per_px", "nothing was measured"):
        assert text in found
