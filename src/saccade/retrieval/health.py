"""Is a bank of descriptors able to tell places apart? Measured before anything is retrieved.

With unit rows u_i and the singular values sigma_k of their matrix (rows without events and rows of
length zero left out, N rows remain):

    mean pairwise cosine   (|sum_i u_i|^2 - N) / (N (N - 1))                  exact, O(N D)
    effective rank         exp(-sum_k p_k ln p_k),  p_k = sigma_k^2 / sum sigma^2
    participation ratio    (sum_k sigma_k^2)^2 / sum_k sigma_k^4
    chance of recall@1     1 / N with one true match per query

The rows are not centred: a bank in which all rows point the same way is what has to be found, and
it has effective rank 1. Roy and Vetterli take p_k = sigma_k / sum sigma; squared values (shares of
energy) are used here because they need only the N x N products and weigh noise less.

Reference:
    O. Roy and M. Vetterli, "The effective rank: a measure of effective dimensionality",
    EUSIPCO 2007.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from saccade.contracts import Table
from saccade.errors import ConfigError, DataError, ShapeError
from saccade.retrieval.scores import add_product

__all__ = [
    "COLLAPSED_COSINE",
    "COLLAPSED_RANK",
    "NARROW_COSINE",
    "BankHealth",
    "bank_health",
]

COLLAPSED_COSINE = 0.98
"""Mean pairwise cosine from which a bank counts as collapsed: mean angle below 11.5 degrees."""
COLLAPSED_RANK = 1.2
"""Effective rank below which a bank counts as collapsed: one direction has 97 % or more."""
NARROW_COSINE = 0.85
"""Mean pairwise cosine from which a bank counts as narrow: mean angle below 32 degrees."""

_UNIT_TOLERANCE = 1e-3


@dataclass(frozen=True)
class BankHealth:
    """How far apart the descriptors of a bank are.

    Args:
        descriptors: Rows of the bank.
        dimensions: Columns of the bank.
        empty: Rows whose window held no event.
        zero_length: Rows of length zero that had events.
        duplicates: Rows, empty ones aside, equal to an earlier row in every element.
        norm_min: Shortest row that is not zero.
        norm_max: Longest row.
        unit_length: Every row, those of zero length aside, has length 1 within 1e-3.
        mean_cosine: Mean cosine over all pairs of usable rows; NaN for fewer than two.
        effective_rank: Exponential of the entropy of the energy shares, 1 to min(N, D).
        participation_ratio: Number of directions that carry the energy, 1 to min(N, D).
        spectrum_rows: Rows the two ranks were computed from, evenly spaced in a longer bank.
        chance_recall_at_1: recall@1 of a random ranking of this bank.
        verdict: ``"healthy"``, ``"narrow"``, ``"collapsed"``, or ``"too few"`` to judge.
        explanation: The verdict in a sentence.
    """

    descriptors: int
    dimensions: int
    empty: int
    zero_length: int
    duplicates: int
    norm_min: float
    norm_max: float
    unit_length: bool
    mean_cosine: float
    effective_rank: float
    participation_ratio: float
    spectrum_rows: int
    chance_recall_at_1: float
    verdict: Literal["healthy", "narrow", "collapsed", "too few"]
    explanation: str

    def table(self, title: str = "Bank health") -> Table:
        """Return the measures as a table of name and value."""
        rows = (
            ("descriptors", self.descriptors),
            ("dimensions", self.dimensions),
            ("empty frames", self.empty),
            ("zero-length descriptors", self.zero_length),
            ("duplicates", self.duplicates),
            ("mean pairwise cosine", self.mean_cosine),
            ("effective rank", self.effective_rank),
            ("participation ratio", self.participation_ratio),
            ("all of unit length", self.unit_length),
            ("chance of recall@1", self.chance_recall_at_1),
            ("verdict", self.verdict),
        )
        return Table(title, ("measure", "value"), rows)


def bank_health(
    vectors: ArrayLike,
    event_count: ArrayLike | None = None,
    *,
    chance_recall_at_1: float | None = None,
    spectrum_rows: int = 2_048,
) -> BankHealth:
    """Measure a bank and give a verdict in plain language.

    Args:
        vectors: Real ``[N, D]``.
        event_count: ``[N]`` events behind each row; rows with 0 are reported and left out. Without
            it no frame counts as empty.
        chance_recall_at_1: Chance level against a known truth (see `Recall`); 1 / N without it.
        spectrum_rows: Most rows used for the two ranks, which cost ``rows^2 D``.

    Raises:
        ShapeError: Shapes do not fit.
        DataError: A value is NaN or infinite.
        ConfigError: ``spectrum_rows`` is below 2.

    Examples:
        >>> health = bank_health([[1.0, 0.0], [0.0, 1.0]])
        >>> health.mean_cosine, round(health.effective_rank, 6), health.verdict
        (0.0, 2.0, 'healthy')
        >>> bank_health([[1.0, 0.0], [1.0, 0.0], [1.0, 0.01]]).verdict
        'collapsed'
    """
    bank, counts = _check(vectors, event_count, spectrum_rows)
    lengths = _lengths(bank)
    empty = counts == 0
    usable = np.flatnonzero(~empty & (lengths > 0))
    duplicates = _duplicates(bank[~empty])
    cosine = _mean_cosine(bank, lengths, usable)
    picked = usable
    if len(usable) > spectrum_rows:
        picked = usable[np.linspace(0, len(usable) - 1, spectrum_rows).round().astype(np.int64)]
    rank, ratio = _spectrum(bank[picked] / lengths[picked, None])
    solid = lengths[lengths > 0]
    verdict, explanation = _judge(
        len(usable), int(empty.sum()), bank.shape, cosine, rank, duplicates
    )
    return BankHealth(
        descriptors=bank.shape[0],
        dimensions=bank.shape[1],
        empty=int(empty.sum()),
        zero_length=int(((lengths == 0) & ~empty).sum()),
        duplicates=duplicates,
        norm_min=float(solid.min()) if len(solid) else 0.0,
        norm_max=float(solid.max()) if len(solid) else 0.0,
        unit_length=bool(len(solid)) and bool(np.abs(solid - 1).max() <= _UNIT_TOLERANCE),
        mean_cosine=cosine,
        effective_rank=rank,
        participation_ratio=ratio,
        spectrum_rows=len(picked),
        chance_recall_at_1=1 / len(bank) if chance_recall_at_1 is None else chance_recall_at_1,
        verdict=verdict,
        explanation=explanation,
    )


def _check(
    vectors: ArrayLike, event_count: ArrayLike | None, spectrum_rows: int
) -> tuple[NDArray[np.floating], NDArray[np.int64]]:
    bank = np.asarray(vectors)
    if bank.ndim != 2 or 0 in bank.shape:
        raise ShapeError(f"The bank has shape {bank.shape}.", "Expected [N, D], both at least 1.")
    if bank.dtype.kind != "f":
        bank = bank.astype(np.float64)
    counts = np.ones(len(bank), np.int64) if event_count is None else np.asarray(event_count)
    if counts.shape != (len(bank),):
        raise ShapeError(
            f"event_count has shape {counts.shape}.", f"Expected [{len(bank):,}], one per row."
        )
    if spectrum_rows < 2:
        raise ConfigError(f"spectrum_rows is {spectrum_rows}.", "Expected at least 2.")
    return bank, counts


def _lengths(bank: NDArray[np.floating]) -> NDArray[np.float64]:
    lengths = np.empty(len(bank))
    for i, row in enumerate(bank):
        wide = row.astype(np.float64)
        lengths[i] = np.sqrt(np.einsum("d,d->", wide, wide))
    if not np.isfinite(lengths).all():
        raise DataError(
            f"Descriptor {int(np.argmin(np.isfinite(lengths))):,} holds NaN or an infinity."
        )
    return lengths


def _mean_cosine(
    bank: NDArray[np.floating], lengths: NDArray[np.float64], usable: NDArray[np.int64]
) -> float:
    n = len(usable)
    if n < 2:
        return float("nan")
    total = np.zeros(bank.shape[1])
    for i in usable:
        total += bank[i] / lengths[i]
    return float(np.clip((total @ total - n) / (n * (n - 1)), -1.0, 1.0))


def _spectrum(unit: NDArray[np.float64]) -> tuple[float, float]:
    """Effective rank and participation ratio from the smaller Gram matrix."""
    if not len(unit):
        return 0.0, 0.0
    rows = unit if unit.shape[0] <= unit.shape[1] else np.ascontiguousarray(unit.T)
    gram = np.zeros((len(rows), len(rows)))
    add_product(gram, rows, rows)
    energy = np.maximum(np.linalg.eigvalsh(gram), 0.0)
    share = energy / energy.sum()
    positive = share[share > 0]
    return float(np.exp(-(positive * np.log(positive)).sum())), float(1 / (share**2).sum())


def _duplicates(bank: NDArray[np.floating]) -> int:
    # + 0.0 turns -0.0 into 0.0, which is equal but has other bytes.
    seen = {hashlib.blake2b((row + 0.0).tobytes(), digest_size=16).digest() for row in bank}
    return len(bank) - len(seen)


def _judge(
    usable: int,
    empty: int,
    shape: tuple[int, ...],
    cosine: float,
    rank: float,
    duplicates: int,
) -> tuple[Literal["healthy", "narrow", "collapsed", "too few"], str]:
    total, most = shape[0], min(usable, shape[1])
    if usable < 2:
        return "too few", f"{usable} of {total:,} descriptors can be compared; two are needed."
    aside = f" {empty:,} of {total:,} windows held no event and were left out." if empty else ""
    if cosine >= COLLAPSED_COSINE or rank < COLLAPSED_RANK:
        why = f"mean cosine {cosine:.3f}, effective rank {rank:.2f}"
        return "collapsed", (
            f"All descriptors point the same way ({why}): matches are decided by noise. Either "
            "the network is silent (calibrate it, check its weights) or the scene does not "
            f"change.{aside}"
        )
    if duplicates > usable // 2:
        return "collapsed", (
            f"{duplicates:,} of {usable:,} descriptors repeat an earlier one: those moments cannot "
            f"be told apart.{aside}"
        )
    if cosine >= NARROW_COSINE:
        return "narrow", (
            f"Descriptors differ little (mean cosine {cosine:.3f}, effective rank {rank:.1f} of "
            f"{most:,}): small disturbances change the ranking.{aside}"
        )
    return "healthy", (
        f"Descriptors spread over {rank:.1f} effective dimensions of at most {most:,} "
        f"(mean cosine {cosine:.3f}).{aside}"
    )
