"""Simulated place sets, prepared by the command line once for all tests that ask for them."""

from __future__ import annotations

from pathlib import Path

import pytest
from mock_sets import PlaceSets


@pytest.fixture(scope="session")
def place_sets(tmp_path_factory: pytest.TempPathFactory) -> PlaceSets:
    """Sets by name, made when they are first asked for; nobody writes into them."""
    return PlaceSets(Path(tmp_path_factory.mktemp("place_sets")))
