"""Whatever is written is read back, for every writable format and any recording."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings

import saccade
from event_strategies import assert_same, recordings
from saccade.events import Events
from saccade.events.io.formats import FORMATS, get_format

WRITABLE = [name for name in FORMATS if get_format(name).write is not None]


@pytest.mark.parametrize("name", WRITABLE)
@settings(max_examples=30)
@given(events=recordings())
def test_written_events_are_read_back(name: str, events: Events) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = saccade.save(events, Path(folder) / "recording", format=name)
        assert_same(saccade.open(path), events)


@pytest.mark.parametrize("name", ["npz", "text", "hdf5"])
@settings(max_examples=20)
@given(events=recordings(first_us=(-(10**15), 2 * 10**15), max_step_us=100))
def test_formats_with_64_bit_times_keep_the_epoch(name: str, events: Events) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = saccade.save(events, Path(folder) / "recording", format=name)
        assert_same(saccade.open(path), events)
