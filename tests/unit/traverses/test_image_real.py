"""Published lists and real images, where they are: counts, and what plain methods find."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.retrieval import recall_at, top_n
from saccade.traverses.baselines import log_count_correlation, patch_correlation, raw_correlation
from saccade.traverses.config import SetArgs
from saccade.traverses.frame_rows import TraverseFrames
from saccade.traverses.image_layouts import LAYOUTS, ImageLayout
from saccade.traverses.image_lists import read_list
from saccade.traverses.sets import open_set
from saccade.traverses.traverse import PlaceSet

LISTED = {
    "nordland": (27_592,) * 4,
    "ORC": (3_876,) * 3,
    "SFU-Mountain": (375, 375),
    "Synthia-NightToFall": (250, 250),
    "St-Lucia": (500, 1_037),
}
FIRST = {"Sun": 1439388276045321, "Rain": 1446121102254997, "Dusk": 1416586027583964}
USED = {"nordland": (3_449, 3_300), "ORC": (485, 450)}


def recall_at_1(data: PlaceSet, compare: Callable[..., Any]) -> float:
    pair = data.tests[0]
    scores = compare(TraverseFrames(pair.query), TraverseFrames(pair.reference))
    truth = pair.truth(data.tolerance_m, inclusive=data.inclusive)
    return float(recall_at(top_n(scores, 1), truth, (1,)).over_all[0])


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.folder)
def test_published_lists_have_the_published_counts(layout: ImageLayout, test_data: Path) -> None:
    counts: list[int] = []
    for name in layout.names:
        files = (test_data / "vpr" / "lists" / kind.of(name) for kind in layout.lists)
        names = read_list(next(path for path in files if path.is_file()))
        assert len(set(names)) == len(names)
        counts.append(len(names))
    assert tuple(counts) == LISTED[layout.folder]
    kind = layout.lists[0]
    thinned = len(range(0, counts[0], kind.every))
    expected = USED.get(layout.folder, (counts[0], counts[0]))
    assert (thinned, min(thinned, kind.most or thinned)) == expected


def test_original_names_of_robotcar_are_as_many(test_data: Path) -> None:
    lists = test_data / "vpr" / "lists"
    for name in ("Sun", "Rain", "Dusk"):
        names = read_list(lists / f"ORC_{name}_timestamps.csv")
        assert len(names) == 3_876 and all(name.endswith(".png") for name in names)
        assert names[0] == f"{FIRST[name]}.png"


def test_brisbane_of_49_pixels_opens_as_counts_with_its_truth(test_data: Path) -> None:
    root = test_data / "vpr" / "brisbane_event_7x7.npz"
    data = open_set(SetArgs(data="images", root=root, as_counts=True))
    pair = data.tests[0]
    assert (pair.query.name, len(pair.query)) == ("sunset2", 641)
    assert (pair.reference.name, len(pair.reference)) == ("sunset1", 724)
    assert data.units == "raw event counts" and pair.query.frame(0).shape == (1, 7, 7)
    truth = pair.truth(0.5, inclusive=True)
    assert truth.matches(*np.ix_(np.arange(641), np.arange(724))).sum() == 822
    assert recall_at_1(data, raw_correlation) == pytest.approx(0.087, abs=5e-4)
    own = log_count_correlation(
        TraverseFrames(pair.query), TraverseFrames(pair.reference), query_statistics="queries"
    )
    found = recall_at(top_n(own, 1), truth, (1,)).over_all[0]
    assert found == pytest.approx(0.245, abs=5e-4)


def test_corridor_has_ranges_of_right_references(test_data: Path) -> None:
    data = open_set(SetArgs(data="images", root=test_data / "vpr" / "corridor_160x120.npz"))
    pair = data.tests[0]
    truth = pair.truth(0.5, inclusive=True)
    right = truth.matches(*np.ix_(np.arange(111), np.arange(111))).sum(axis=1)
    assert (right.min(), right.max()) == (3, 5)
    assert recall_at_1(data, patch_correlation) == pytest.approx(0.586, abs=5e-4)


def test_nordland_by_every_24th_place(test_data: Path) -> None:
    root = test_data / "vpr" / "nordland_64x32_shared.npz"
    data = open_set(SetArgs(data="images", root=root, every=24, tests=("winter:summer",)))
    assert recall_at_1(data, patch_correlation) == pytest.approx(0.43, abs=5e-4)
