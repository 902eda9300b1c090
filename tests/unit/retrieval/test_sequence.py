"""Sequence matching: kernel against NumPy against the definition; borders; speeds; directions."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import diagonal, plain_sequence_scores, sequence_scores

FORWARD: dict[str, Any] = {"speeds": (1.0,), "direction": "forward"}


def defined(scores: np.ndarray, length: int, speeds: list[float], anchor: str) -> np.ndarray:
    """The equation of the module, pair by pair, both directions."""
    rows, columns = scores.shape
    before = length - 1 if anchor == "causal" else length // 2
    result = np.empty(scores.shape)
    for q in range(rows):
        steps = [k for k in range(-before, length - before) if 0 <= q + k < rows]
        for r in range(columns):
            lines: list[float] = []
            for v in (sign * speed for sign in (1, -1) for speed in speeds):
                at = [r + int(np.sign(v)) * int(np.floor(abs(v) * k + 0.5)) for k in steps]
                lines.append(
                    np.mean(
                        [
                            scores[q + k, a] if 0 <= a < columns else scores[q + k].mean()
                            for k, a in zip(steps, at, strict=True)
                        ]
                    )
                )
            result[q, r] = max(lines)
    return result


@settings(max_examples=40, deadline=None)
@given(
    st.integers(1, 8),
    st.integers(1, 9),
    st.integers(1, 14),
    st.sampled_from(["causal", "centred"]),
    st.sampled_from([np.float32, np.float64]),
    st.integers(0, 2**31),
)
def test_kernel_numpy_and_definition_agree(
    rows: int, columns: int, length: int, anchor: Any, dtype: Any, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((rows, columns)).astype(dtype)
    speeds = rng.uniform(0.3, 2.5, 3).tolist()
    options: dict[str, Any] = {"speeds": speeds, "anchor": anchor}
    fast = sequence_scores(scores, length, **options)
    np.testing.assert_array_equal(fast, plain_sequence_scores(scores, length, **options))
    np.testing.assert_allclose(fast, defined(scores, length, speeds, anchor), atol=1e-5)


@pytest.mark.parametrize("direction", ["forward", "reverse", "both"])
@pytest.mark.parametrize("combine", ["mean", "sum"])
def test_kernel_and_numpy_agree_in_every_option(direction: Any, combine: Any) -> None:
    scores = np.random.default_rng(2).random((9, 7))
    options: dict[str, Any] = {"direction": direction, "combine": combine}
    fast = sequence_scores(scores, 4, **options)
    np.testing.assert_array_equal(fast, plain_sequence_scores(scores, 4, **options))


def test_a_sequence_of_one_frame_changes_nothing() -> None:
    scores = np.random.default_rng(0).random((5, 6)).astype(np.float32)
    for anchor in ("causal", "centred"):
        np.testing.assert_array_equal(sequence_scores(scores, 1, anchor=anchor), scores)


def test_a_constant_added_to_the_scores_is_added_to_the_result() -> None:
    """With zeros beyond the border it would not be: lines that leave would win or lose by it."""
    scores = np.random.default_rng(1).random((12, 10))
    for anchor in ("causal", "centred"):
        plain = sequence_scores(scores, 5, anchor=anchor)
        for shift in (-100.0, 100.0):
            shifted = sequence_scores(scores + shift, 5, anchor=anchor)
            np.testing.assert_allclose(shifted - shift, plain, atol=1e-4)
            np.testing.assert_array_equal(shifted.argmax(axis=1), plain.argmax(axis=1))


def test_equal_scores_everywhere_stay_equal_to_the_border() -> None:
    scores = np.full((8, 6), 0.25)
    np.testing.assert_array_equal(sequence_scores(scores, 4), scores.astype(np.float32))


def route(speed: float, *, reverse: bool, noise: float, seed: int = 0) -> tuple[np.ndarray, Any]:
    """Scores of a drive at another speed; single frames are often wrong."""
    rng = np.random.default_rng(seed)
    true = 10 + np.rint(speed * np.arange(60)).astype(int)
    if reverse:
        true = true[::-1].copy()
    return np.eye(100)[true] + noise * rng.standard_normal((60, 100)), true


@pytest.mark.parametrize(("speed", "reverse"), [(1.0, False), (0.8, False), (1.2, True)])
def test_sequences_find_what_single_frames_miss(speed: float, reverse: bool) -> None:
    scores, true = route(speed, reverse=reverse, noise=0.5)
    single = np.mean(np.abs(scores.argmax(axis=1) - true) <= 1)
    found = sequence_scores(scores, 15).argmax(axis=1)
    assert single < 0.6
    assert np.mean(np.abs(found - true)[15:] <= 1) > 0.95


def test_the_right_speed_and_direction_are_needed() -> None:
    scores, true = route(1.2, reverse=True, noise=0.5)

    def right(**options: Any) -> float:
        found = sequence_scores(scores, 20, **options).argmax(axis=1)
        return float(np.mean(np.abs(found - true)[20:] <= 1))

    assert right() > 0.9
    assert right(direction="forward") < 0.5
    assert right(speeds=(0.8,)) < 0.5


def test_reversed_references_and_direction_mirror_the_result() -> None:
    scores = np.random.default_rng(4).random((9, 11))
    forward = sequence_scores(scores, 5, direction="forward")
    mirrored = sequence_scores(scores[:, ::-1], 5, direction="reverse")[:, ::-1]
    np.testing.assert_array_equal(forward, mirrored)


def test_causal_scores_do_not_depend_on_later_queries() -> None:
    scores = np.random.default_rng(5).random((10, 8))
    changed = scores.copy()
    changed[6:] = 9.0
    np.testing.assert_array_equal(sequence_scores(scores, 4)[:6], sequence_scores(changed, 4)[:6])
    centred = [sequence_scores(s, 4, anchor="centred")[:6] for s in (scores, changed)]
    assert (centred[0] != centred[1]).any()


def test_diagonal_is_the_convolution_with_an_identity_and_valid_only() -> None:
    scores = np.random.default_rng(6).random((9, 7))
    found = diagonal(scores, 3)
    assert found.shape == (7, 5)
    brute = [[sum(scores[i + k, j + k] for k in range(3)) for j in range(5)] for i in range(7)]
    np.testing.assert_allclose(found, brute)
    np.testing.assert_array_equal(diagonal(scores, 1), scores)
    inside = sequence_scores(scores, 3, **FORWARD)[2:, 2:]
    np.testing.assert_allclose(found / 3, inside, atol=1e-6)


def test_wrong_arguments_are_refused() -> None:
    scores = np.ones((3, 4))
    with pytest.raises(ShapeError, match=r"Scores have shape \(3,\)"):
        sequence_scores(np.ones(3), 2)
    with pytest.raises(ShapeError, match="neither of them 0"):
        sequence_scores(np.ones((0, 3)), 2)
    with pytest.raises(DataError, match="query 1 with reference 2 is nan"):
        sequence_scores(np.where(np.arange(12).reshape(3, 4) == 6, np.nan, scores), 2)
    with pytest.raises(ConfigError, match="sequence of 0 frames"):
        sequence_scores(scores, 0)
    for speeds in ((), (0.0,), (1.0, -1.0), (np.nan,)):
        with pytest.raises(ConfigError, match="above 0"):
            sequence_scores(scores, 2, speeds=speeds)
    for option in ("direction", "anchor", "combine"):
        with pytest.raises(ConfigError, match=f"{option} is 'no'"):
            sequence_scores(scores, 2, **{option: "no"})
    with pytest.raises(ShapeError, match="A sequence of 4 frames"):
        diagonal(scores, 4)
