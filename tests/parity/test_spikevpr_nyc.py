"""SpikeVPR golden data: names, positions and splits of NYC-Event-VPR."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from spikevpr_numbers import files

from saccade.traverses.nyc_names import (
    PARTS,
    ROLES,
    Role,
    entry_name,
    parse_entry,
    published_split,
)
from saccade.traverses.places import cover_labels, positives

RADIUS_M = 25.0
CASES = pytest.mark.parametrize("path", files("nyc_names_"), ids=lambda path: path.stem)


def core(name: str) -> str:
    """Return the part of a name that its hash is made of."""
    return name.partition("/")[2][1:].rsplit("@", 2)[0]


def role_of(name: str) -> Role:
    return "database" if name.startswith("database/") else "queries"


def splits(data: Any) -> dict[tuple[str, str], list[str]]:
    return {
        (part, role): [str(name) for name in data[f"split_{part}_{role}"]]
        for part in PARTS
        for role in ROLES
        if f"split_{part}_{role}" in data.files
    }


def test_there_is_golden_data() -> None:
    assert files("nyc_names_")


@CASES
def test_names_are_read_and_written(path: Path) -> None:
    data = np.load(path)
    names = [str(name) for name in data["names"]]
    entries = [parse_entry(name) for name in names]
    utm = np.array([(entry.east_m, entry.north_m) for entry in entries])
    assert np.array_equal(utm, data["utm"])
    assert [entry.day for entry in entries] == [str(day) for day in data["sessions"]]
    assert [entry_name(role_of(name), core(name)) for name in names] == names


@CASES
def test_labels_cover_greedily(path: Path) -> None:
    data = np.load(path)
    assert np.array_equal(cover_labels(data["utm"], RADIUS_M), data["labels"])


@CASES
def test_positives_are_the_others_within_the_radius(path: Path) -> None:
    data = np.load(path)
    utm, offsets = data["utm"], data["positives_offsets"]
    found = positives(utm, utm, RADIUS_M, nearest_if_none=False)
    for k, near in enumerate(found):
        elsewhere = near[np.linalg.norm(utm[near] - utm[k], axis=1) > 0]  # D10: not at 0 m
        assert np.array_equal(elsewhere, data["positives_flat"][offsets[k] : offsets[k + 1]]), k


@CASES
def test_the_published_split_is_reproduced(path: Path) -> None:
    expected = splits(np.load(path))
    cores = [core(name) for names in expected.values() for name in names]
    # sessions follow each other eastwards, and so do the rows of each
    cores.sort(key=lambda text: (parse_entry(f"x/@{text}@@.npy").stamp, float(text.split("@")[0])))
    found = {
        key: [entry_name(key[1], text) for text in rows]
        for key, rows in published_split(cores).items()
    }
    assert found == expected
