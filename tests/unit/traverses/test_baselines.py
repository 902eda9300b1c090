"""Baselines against their definitions; blocks, pooling, degenerate frames, refusals."""

from typing import Any

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval import ensemble_scores
from saccade.traverses import baselines, frame_rows
from saccade.traverses.baselines import (
    BASELINES,
    centred_correlation,
    log_count_correlation,
    patch_correlation,
    pca_cosine,
    raw_correlation,
    sum_of_absolute_differences,
)
from saccade.traverses.frame_rows import FrameRows, TraverseFrames, pooled
from saccade.traverses.traverse import Positions

RNG = np.random.default_rng(0)
PLACES = RNG.gamma(0.4, 1.2, (30, 2, 13, 18))
REFERENCES = RNG.poisson(PLACES).astype(np.float32)
QUERIES = RNG.poisson(PLACES[:20]).astype(np.float32)
EVERY = pytest.mark.parametrize("name", BASELINES)


def flat(frames: np.ndarray) -> np.ndarray:
    return frames.reshape(len(frames), -1).astype(np.float64)


def cosine(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    left = left / np.linalg.norm(left, axis=1, keepdims=True)
    return left @ (right / np.linalg.norm(right, axis=1, keepdims=True)).T


def correlation(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    centred = (side - side.mean(axis=1, keepdims=True) for side in (left, right))
    return cosine(*centred)


def test_sum_of_absolute_differences() -> None:
    sums = np.abs(flat(QUERIES)[:, None] - flat(REFERENCES)[None]).sum(axis=2)
    found = sum_of_absolute_differences(QUERIES, REFERENCES)
    np.testing.assert_allclose(found, 1 - sums / sums.max(), atol=1e-6)
    assert (sum_of_absolute_differences(QUERIES[:1], QUERIES[:1]) == 1).all()


def test_raw_and_centred_correlation() -> None:
    q, r = flat(QUERIES), flat(REFERENCES)
    np.testing.assert_allclose(raw_correlation(QUERIES, REFERENCES), correlation(q, r), atol=1e-6)
    mean = r.mean(axis=0)
    found = centred_correlation(QUERIES, REFERENCES)
    np.testing.assert_allclose(found, cosine(q - mean, r - mean), atol=1e-5)


@pytest.mark.parametrize("whose", ["references", "queries"])
def test_log_counts_are_standardised_per_pixel(whose: Any) -> None:
    q, r = np.log1p(flat(QUERIES)), np.log1p(flat(REFERENCES))

    def standard(x: np.ndarray, by: np.ndarray) -> np.ndarray:
        spread = by.std(axis=0)
        return np.where(spread > 0, (x - by.mean(axis=0)) / np.where(spread > 0, spread, 1), 0)

    expected = correlation(standard(q, r if whose == "references" else q), standard(r, r))
    found = log_count_correlation(QUERIES, REFERENCES, query_statistics=whose)
    np.testing.assert_allclose(found, expected, atol=1e-5)


def test_each_patch_has_mean_zero_and_deviation_one() -> None:
    def normalised(frames: np.ndarray) -> np.ndarray:
        result = frames.astype(np.float64).copy()
        for top in range(0, frames.shape[2], 5):
            for left in range(0, frames.shape[3], 5):
                patch = result[:, :, top : top + 5, left : left + 5]
                spread = patch.std(axis=(2, 3), keepdims=True)
                mean = patch.mean(axis=(2, 3), keepdims=True)
                patch[:] = np.where(spread > 0, (patch - mean) / np.where(spread > 0, spread, 1), 0)
        return flat(result)

    found = patch_correlation(QUERIES, REFERENCES, patch=5)
    expected = correlation(normalised(QUERIES), normalised(REFERENCES))
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("components", [1, 5, 60])
def test_pca_is_the_projection_on_singular_vectors(components: int) -> None:
    mean = flat(REFERENCES).mean(axis=0)
    axes = np.linalg.svd(flat(REFERENCES) - mean, full_matrices=False)[2]
    axes = axes[: min(components, len(REFERENCES) - 1)]
    projected = [(flat(frames) - mean) @ axes.T for frames in (QUERIES, REFERENCES)]
    found = pca_cosine(QUERIES, REFERENCES, components=components)
    np.testing.assert_allclose(found, cosine(*projected), atol=1e-4)


@EVERY
def test_places_are_found_from_noisy_frames(name: str) -> None:
    scores = BASELINES[name](QUERIES, REFERENCES)
    assert scores.dtype == np.float32
    assert scores.shape == (20, 30)
    assert np.mean(scores.argmax(axis=1) == np.arange(20)) >= 0.8


@EVERY
@pytest.mark.parametrize("pool", [2, 4])
def test_pooling_equals_frames_pooled_before(name: str, pool: int) -> None:
    before = [pooled(frames, pool) for frames in (QUERIES, REFERENCES)]
    assert before[0].shape == (20, 2, -(-13 // pool), -(-18 // pool))
    assert before[0].sum() == QUERIES.sum()
    np.testing.assert_array_equal(
        BASELINES[name](QUERIES, REFERENCES, pool=pool), BASELINES[name](*before)
    )


class Counted:
    """Frames that can only be read in slices, and remember the longest one."""

    def __init__(self, frames: np.ndarray) -> None:
        self.frames, self.shape, self.longest = frames, frames.shape, 0

    def __getitem__(self, rows: slice, /) -> np.ndarray:
        part = self.frames[rows]
        self.longest = max(self.longest, len(part))
        return part


@EVERY
def test_blocks_and_lazy_frames_change_nothing(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = BASELINES[name](QUERIES, REFERENCES)
    frame = QUERIES[0].size
    monkeypatch.setattr(frame_rows, "_HELD_BYTES", 0)
    monkeypatch.setattr(frame_rows, "_PART_ELEMENTS", 2 * frame)
    monkeypatch.setattr(baselines, "_QUERY_BYTES", 7 * 4 * frame)
    monkeypatch.setattr(baselines, "_REFERENCE_BYTES", 5 * 4 * frame)
    lazy = Counted(QUERIES.astype(np.uint8)), Counted(REFERENCES.astype(np.uint8))
    np.testing.assert_allclose(BASELINES[name](*lazy), whole, atol=2e-6)
    assert max(side.longest for side in lazy) == 2


@EVERY
def test_intensity_images_have_one_channel(name: str) -> None:
    images = RNG.random((6, 1, 12, 16)).astype(np.float32)
    assert BASELINES[name](images, images).argmax(axis=1).tolist() == list(range(6))


@EVERY
def test_a_constant_frame_gives_numbers(name: str) -> None:
    frames = REFERENCES[:5].copy()
    frames[2] = 0
    assert np.isfinite(BASELINES[name](frames, frames)).all()


@EVERY
def test_what_cannot_be_compared_is_refused(name: str) -> None:
    compare = BASELINES[name]
    with pytest.raises(ShapeError, match=r"\[2, 13, 18\], references \[2, 13, 17\]"):
        compare(QUERIES, REFERENCES[..., :17])
    with pytest.raises(ShapeError, match=r"queries have shape \[20, 13, 18\]"):
        compare(QUERIES[:, 0], REFERENCES)
    with pytest.raises(ConfigError, match="pool is 0"):
        compare(QUERIES, REFERENCES, pool=0)
    broken = REFERENCES.copy()
    broken[7, 1, 2, 3] = np.nan
    with pytest.raises(DataError, match="Frame 7 of the references"):
        compare(QUERIES, broken)


def test_options_out_of_range_are_refused() -> None:
    with pytest.raises(DataError, match="below 0"):
        log_count_correlation(-QUERIES, REFERENCES)
    with pytest.raises(ConfigError, match="query_statistics is 'own'"):
        log_count_correlation(QUERIES, REFERENCES, query_statistics="own")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="patch is 1"):
        patch_correlation(QUERIES, REFERENCES, patch=1)
    with pytest.raises(ConfigError, match="components is 0"):
        pca_cosine(QUERIES, REFERENCES, components=0)
    with pytest.raises(DataError, match="All references are equal"):
        pca_cosine(QUERIES, np.ones_like(REFERENCES))


def test_windows_of_several_lengths_are_better_together() -> None:
    rng = np.random.default_rng(1)
    places = rng.gamma(0.4, 0.25, (60, 2, 12, 16))
    members = [
        raw_correlation(rng.poisson(k * places).astype(np.float32), rng.poisson(k * places))
        for k in (0.4, 0.5, 0.6)
    ]
    right = [np.mean(scores.argmax(axis=1) == np.arange(60)) for scores in members]
    together = ensemble_scores(members, standardise="matrix").argmax(axis=1)
    assert np.mean(together == np.arange(60)) > max(right)


class Drive:
    """A traverse of given frames."""

    name = "drive"
    positions = Positions(np.zeros((30, 2)), "planar")
    session = np.zeros(30, np.int64)

    def __init__(self, count: int = 30) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def frame(self, k: int, rng: np.random.Generator | None = None) -> np.ndarray:
        assert rng is None
        return REFERENCES[k]


def test_a_traverse_is_read_as_frames_of_evaluation() -> None:
    frames = TraverseFrames(Drive())
    assert frames.shape == REFERENCES.shape
    np.testing.assert_array_equal(frames[3:7], REFERENCES[3:7])
    np.testing.assert_array_equal(
        raw_correlation(QUERIES, frames), raw_correlation(QUERIES, REFERENCES)
    )
    with pytest.raises(ShapeError, match="no window"):
        TraverseFrames(Drive(0))


def test_large_frames_are_read_again_and_small_ones_held() -> None:
    rows = FrameRows(REFERENCES, "references", block_bytes=4 * REFERENCES[0].size * 4)
    slices = list(rows.slices())
    assert [(part.start, part.stop) for part in slices][-1] == (28, 30)
    block = rows.block(slices[1], lambda frames: frames.reshape(len(frames), -1))
    np.testing.assert_array_equal(block, flat(REFERENCES)[4:8])
