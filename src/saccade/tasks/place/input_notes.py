"""What frames have to be like for a network's weights, and what a reader is told where they differ.

size     the sensor the weights were trained at
rate     events per pixel and window, since counts are not normalised
units    counts, or sums of a voxel grid, in which opposite events of a pixel have cancelled
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from saccade.errors import listing
from saccade.events.types import SensorSize
from saccade.hub import WeightCard
from saccade.tasks.place.data import PUBLISHED_RATES
from saccade.tasks.place.model import PUBLISHED_SIZE
from saccade.traverses.traverse import COUNTS, voxel_sums

__all__ = ["input_notes"]

_NYC_BINS = 15


def input_notes(
    size: SensorSize,
    rates: Mapping[str, float],
    *,
    units: str = COUNTS,
    card: WeightCard | None = None,
    channel_order: Literal["off_on", "on_off"] | None = None,
) -> list[str]:
    """Compare frames with those that weights were trained on.

    Args:
        size: Of the frames.
        rates: Name of a recording or traverse -> its median of events per pixel and window.
        units: What the frames hold.
        card: What is known about the weights; without, they are taken for published ones.
        channel_order: As named on the command line: ``"on_off"`` are, of those published, the NYC
            weights, which were trained on sums of a voxel grid.

    Returns:
        Sentences for the report, none where nothing differs.

    Examples:
        >>> size = SensorSize(260, 346)
        >>> input_notes(size, {"monday": 0.3})
        []
        >>> input_notes(size, {"monday": 0.3}, channel_order="on_off")[0][:53]
        'These weights were trained on sums of a voxel grid of'
    """
    notes: list[str] = []
    height, width = PUBLISHED_SIZE
    sensor = card.input.sensor if card else f"{width}x{height}"
    if sensor not in ("any", str(size)):
        notes.append(
            f"Frames are {size}; these weights were trained at {sensor}. Larger recordings "
            f"are scaled down with --input-size {sensor}."
        )
    trained = card.input.units if card else COUNTS
    if card is None and channel_order == "on_off":
        trained = voxel_sums(_NYC_BINS)
    if trained != units:
        notes.append(
            f"These weights were trained on {trained}; frames here are {units}. Descriptors and "
            "recall differ from the published ones." + _how(trained, units)
        )
    return notes + _rate_notes(rates, card)


def _how(trained: str, units: str) -> str:
    if units == COUNTS and trained != COUNTS:
        return " For such frames of NYC-Event-VPR, see saccade prepare nyc."
    return ""


def _rate_notes(rates: Mapping[str, float], card: WeightCard | None) -> list[str]:
    known = card.input.events_per_px if card else None
    low, high = known or PUBLISHED_RATES
    outside = {name: rate for name, rate in rates.items() if not low <= rate <= high}
    if not outside:
        return []
    least, most = min(outside.values()), max(outside.values())
    span = f"{least:.3g}" if least == most else f"{least:.3g} to {most:.3g}"
    whose = "these weights" if known else "published weights"
    return [
        f"Windows of {listing(outside)} have {span} events per pixel (median); "
        f"{whose} saw about {low:g} to {high:g}. Counts are not normalised, so choose "
        "--window-us or --max-events to come near."
    ]
