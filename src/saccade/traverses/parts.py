"""What the arguments of a data set ask for: which traverse plays which part, and the frame size.

    train   those published that are there, without any that a pair looks up
    val     the published pair, where both are there, not trained on and not tested
    tests   every traverse that is not trained on, in every other one, without the pair of val;
            where only one is left, in the first one trained on

So no query of a test has been seen in training, and the pair that stops training is not the one
that is reported (defect C4).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import permutations

from saccade.errors import ConfigError, MissingFileError, did_you_mean, listing
from saccade.events.types import SensorSize
from saccade.traverses.config import SetArgs

__all__ = ["Parts", "Published", "check_size", "choose"]

Names = tuple[str, str]


@dataclass(frozen=True)
class Published:
    """What a data set was published with.

    Args:
        title: Its name.
        key: Its name in commands.
        train: Traverses trained on.
        val: Query and reference that decide when training stops.
    """

    title: str
    key: str
    train: tuple[str, ...]
    val: Names


@dataclass(frozen=True)
class Parts:
    """Who plays which part; pairs are (query, reference).

    Args:
        train: Traverses to train on.
        val: The pair that decides when training stops, or None.
        tests: Pairs to test on.
        notes: What was left out, and which references were trained on.
    """

    train: tuple[str, ...]
    val: Names | None
    tests: tuple[Names, ...]
    notes: tuple[str, ...] = ()


def choose(
    args: SetArgs,
    there: Sequence[str],
    published: Published,
    *,
    fits: Callable[[str, str], bool] = lambda query, reference: True,
) -> Parts:
    """Decide which of the traverses that are there play which part.

    Args:
        args: What is asked for.
        there: Names of the traverses that can be read, in the order of reports.
        published: What fills the gaps.
        fits: Whether a pair may be chosen without being named.

    Raises:
        ConfigError: A traverse is both trained on and looked up, a pair is both of val and of the
            tests, or is looked up in itself.
        MissingFileError: A traverse that is named is not there, or nothing can be done with what
            is there.

    Examples:
        >>> set_ = Published("Mornings", "mornings", ("mon", "tue"), ("wed", "thu"))
        >>> parts = choose(SetArgs(), ["mon", "tue", "wed", "thu", "fri"], set_)
        >>> parts.val, parts.tests[:3]
        (('wed', 'thu'), (('wed', 'fri'), ('thu', 'fri'), ('fri', 'wed')))
    """
    asked_val, asked = _pairs(args.val), _pairs(args.tests)
    if len(asked_val) > 1:
        raise ConfigError(f"--val names {len(asked_val)} pairs.", "Expected one.")
    for name in (*args.train, *(name for pair in asked_val + asked for name in pair)):
        _check_there(name, there, published)
    queries = {query for query, _ in asked_val + asked}
    train = _train(args, there, published, queries)
    untrained = [name for name in there if name not in train]
    val = asked_val[0] if asked_val else None
    if val is None and set(published.val) <= set(untrained) and published.val not in asked:
        val = published.val if fits(*published.val) else None
    if val in asked:
        raise ConfigError(
            f"{':'.join(val)} is the pair of --val and of --tests.",
            "Expected tests on a pair that has not decided when training stops.",
        )
    tests = asked or _default_tests(untrained, train, val, fits)
    if not (train or val or tests):
        raise MissingFileError(
            f"{published.title}: nothing to train or test on.",
            f"There: {listing(there) or 'no traverse'}.",
            f"See: saccade data check {published.key}",
        )
    return Parts(train, val, tests, _notes(args, published, train, val, tests))


def check_size(size: SensorSize, sensor: SensorSize) -> None:
    """Refuse frames larger than the sensor: scaling up would leave pixels without events.

    Raises:
        ConfigError: They are larger.
    """
    if size.height > sensor.height or size.width > sensor.width:
        raise ConfigError(
            f"--input-size {size} is larger than the sensor, {sensor}.",
            "Coordinates can only be scaled down.",
            f"Try --input-size {sensor}.",
        )


def _pairs(words: Iterable[str]) -> tuple[Names, ...]:
    pairs = tuple((word.partition(":")[0], word.partition(":")[2]) for word in words)
    for query, reference in pairs:
        if query == reference:
            raise ConfigError(
                f"{query} is looked up in itself.", "Expected two traverses, QUERY:REFERENCE."
            )
    return pairs


def _check_there(name: str, there: Sequence[str], published: Published) -> None:
    if name not in there:
        raise MissingFileError(
            f"{published.title}: traverse {name!r} is not there.",
            f"There: {listing(there, most=8) or 'none'}.",
            did_you_mean(name, there) or f"See: saccade data check {published.key}",
        )


def _train(
    args: SetArgs, there: Sequence[str], published: Published, queries: set[str]
) -> tuple[str, ...]:
    train = tuple(dict.fromkeys(args.train))
    if not train:
        return tuple(name for name in published.train if name in there and name not in queries)
    for name in train:
        if name in queries:
            raise ConfigError(
                f"{name} is trained on and looked up in a pair.",
                "Expected queries that training has not seen.",
                "Take it out of --train, --val or --tests.",
            )
    return train


def _default_tests(
    untrained: Sequence[str],
    train: tuple[str, ...],
    val: Names | None,
    fits: Callable[[str, str], bool],
) -> tuple[Names, ...]:
    used = {frozenset(val)} if val else set[frozenset[str]]()
    pairs = [pair for pair in permutations(untrained, 2) if frozenset(pair) not in used]
    if not any(fits(*pair) for pair in pairs):
        pairs = [(query, train[0]) for query in untrained] if train else []
    return tuple(pair for pair in pairs if fits(*pair))


def _notes(
    args: SetArgs,
    published: Published,
    train: tuple[str, ...],
    val: Names | None,
    tests: tuple[Names, ...],
) -> tuple[str, ...]:
    notes: list[str] = []
    left_out = [name for name in published.train if name not in train]
    if not args.train and left_out:
        notes.append(f"Not trained on: {listing(left_out)}, not there or looked up in a pair.")
    if train and val is None:
        notes.append("No pair decides when training stops.")
    searched = {reference for _, reference in tests}
    seen = [name for name in train if name in searched]
    if seen:
        notes.append(f"Trained on, and searched in tests: {listing(seen)}.")
    return tuple(notes)
