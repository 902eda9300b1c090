"""Places to learn and queries to find them by, from any data set of `saccade.traverses`.

place k      window k of the reference traverse, the one that all test pairs search in
further      windows of other training drives get the nearest place, if one is near enough
right        what the data set's own truth says, within its tolerance
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from saccade.errors import ConfigError, DataError
from saccade.retrieval import Truth
from saccade.tasks.place_stdp.config_model import Compat, InputArgs
from saccade.tasks.place_stdp.event_spikes import EventSettings
from saccade.tasks.place_stdp.preprocess import Preprocess
from saccade.traverses import COUNTS, Pair, PlaceSet, SetArgs, Traverse, open_set

__all__ = ["Places", "event_settings", "open_places", "preprocess_of"]


@dataclass(frozen=True, eq=False)
class Places:
    """A data set as this task sees it.

    Args:
        set: The data set.
        references: Traverses that are learned; the first one says which places there are.
        labels: Place of each window of each of them, int64; -1 for windows near no place.
        pairs: Queries in the first reference.
    """

    set: PlaceSet
    references: tuple[Traverse, ...]
    labels: tuple[NDArray[np.int64], ...]
    pairs: tuple[Pair, ...]

    @property
    def count(self) -> int:
        """Number of places."""
        return len(self.references[0])

    def truth(self, pair: Pair) -> Truth:
        """Return the right places of the queries of a pair."""
        return pair.truth(self.set.tolerance_m, inclusive=self.set.inclusive)


def open_places(args: SetArgs) -> Places:
    """Open a data set and give places their numbers.

    Raises:
        ConfigError: There is no test pair, or pairs search in different traverses.
        DataError: A further drive comes near none of the places.
    """
    data = open_set(args)
    pairs = (*data.tests, *((data.val,) if data.val is not None else ()))
    if not data.tests:
        raise ConfigError(
            f"The data set {data.name} has no test pair.",
            "Expected --tests QUERY:REFERENCE; the reference is learned.",
        )
    reference = data.tests[0].reference
    for pair in pairs:
        if pair.reference.name != reference.name:
            raise ConfigError(
                f"{pair.name} searches in {pair.reference.name}, others in {reference.name}.",
                "Expected one reference: its places are what is learned.",
                "Train a network for each reference, with --tests of its own.",
            )
    further = [
        drive
        for drive in (data.train if args.train else ())
        if drive.name not in {reference.name, *(pair.query.name for pair in pairs)}
    ]
    labels = [np.arange(len(reference)), *(_nearest(drive, reference, data) for drive in further)]
    return Places(data, (reference, *further), tuple(labels), data.tests)


def preprocess_of(inputs: InputArgs, units: str, compat: Compat | None) -> Preprocess:
    """Return what becomes of frames.

    Args:
        inputs: What was asked for.
        units: What frames hold.
        compat: A published system.
    """
    counts = units == COUNTS
    kind = inputs.kind if inputs.kind != "auto" else "standardised" if counts else "patch"
    return Preprocess(
        size=inputs.size(),
        kind=kind,
        window=inputs.patch,
        limit=inputs.limit,
        split=inputs.halves,
        merge=not inputs.polarities,
        compat=compat,
    )


def event_settings(inputs: InputArgs) -> EventSettings:
    """Return how events become spikes."""
    return EventSettings(
        size=inputs.size(), polarities=inputs.polarities, most_rate_hz=inputs.most_rate_hz
    )


def _nearest(drive: Traverse, reference: Traverse, data: PlaceSet) -> NDArray[np.int64]:
    here, there = drive.positions, reference.positions
    origin = there.values[0]
    at, places = here.metres(origin), there.metres(origin)
    found = np.full(len(at), -1, np.int64)
    for k, point in enumerate(at):
        distance = np.linalg.norm(places - point, axis=1)
        if distance.min() <= data.positive_m:
            found[k] = int(distance.argmin())
    if here.area != there.area or (found < 0).all():
        raise DataError(
            f"No window of {drive.name} is within {data.positive_m:g} m of {reference.name}.",
            "Expected drives along the same route.",
            "Leave it out of --train, or raise --positive-m.",
        )
    return found
