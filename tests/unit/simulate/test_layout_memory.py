"""Writers hold one part at a time, however long the recording is."""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from stereo_recordings import drawn_parts, stereo_recording

from saccade.simulate.job import layout_writer
from saccade.simulate.recording import Part


@pytest.mark.parametrize("layout", ["mvsec", "dsec", "event_flow"])
def test_a_part_is_let_go_before_the_next_but_one_is_asked_for(layout: str, tmp_path: Path) -> None:
    recording = stereo_recording("long1", duration_us=2_000_000)
    handed: list[weakref.ref[Part]] = []
    alive: list[int] = []

    def parts() -> Iterator[Part]:
        for drawn in drawn_parts(recording):
            alive.append(sum(found() is not None for found in handed))
            handed.append(weakref.ref(part := replace(drawn)))
            yield part
            del part

    layout_writer(layout)(tmp_path, recording, parts())
    assert alive == [0, 1, 1]
