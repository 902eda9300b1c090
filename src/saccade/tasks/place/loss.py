"""The contrastive loss of place recognition: windows of one place attract, of other places repel.

    s_ab = z_a . z_b / tau,    z = e / |e|

    loss = 1/|P| sum_(a,p) -log( exp s_ap / (exp s_ap + sum_(n in N(a)) exp s_an) )
         = 1/|P| sum_(a,p) softplus( log sum_(n in N(a)) exp s_an  -  s_ap )

P holds the ordered pairs of one place, N(a) everything of other places. Other positives of an
anchor are not in its denominator.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from saccade.errors import ConfigError, ShapeError

__all__ = ["info_nce", "near_pairs"]


def info_nce(
    embeddings: Tensor, labels: Tensor, *, temperature: float = 0.07, ignore: Tensor | None = None
) -> Tensor:
    """Return the InfoNCE loss (NT-Xent with labels) of a batch.

    Args:
        embeddings: ``[N, D]``, of any length; they are normalised here.
        labels: int64 ``[N]``, equal for windows of one place.
        temperature: tau.
        ignore: bool ``[N, N]``, pairs that are no negatives although their labels differ, e.g.
            `near_pairs`: published labels give neighbouring fixes 11 m apart a place each, which
            makes true matches negatives (defect D1).

    Returns:
        The loss; 0 without gradient where the batch has no positive pair or no negative one.

    Raises:
        ShapeError: The arguments do not belong together.
        ConfigError: The temperature is not above 0.

    Examples:
        >>> z = torch.eye(4)[[0, 1, 0, 1]]
        >>> round(float(info_nce(z, torch.tensor([7, 8, 7, 8]), temperature=1.0)), 4)
        0.5514

    Oord, Li, Vinyals 2018 (arXiv 1807.03748); Chen et al. 2020 (arXiv 2002.05709).
    """
    _check(embeddings, labels, temperature, ignore)
    same = labels[:, None] == labels[None]
    positive = same & ~torch.eye(len(labels), dtype=torch.bool, device=labels.device)
    negative = ~same if ignore is None else ~(same | ignore)
    pairs = positive & negative.any(dim=1, keepdim=True)
    if not bool(pairs.any()):
        return embeddings.sum() * 0.0
    unit = functional.normalize(embeddings, dim=1)
    scores = unit @ unit.T / temperature
    others = scores.masked_fill(~negative, -torch.inf).logsumexp(dim=1, keepdim=True)
    anchors, partners = pairs.nonzero(as_tuple=True)
    return functional.softplus(others[anchors, 0] - scores[anchors, partners]).mean()


def near_pairs(positions_m: Tensor, radius_m: float) -> Tensor:
    """Return which pairs of windows were taken closer to each other than a radius.

    Args:
        positions_m: float ``[N, 2]``, east and north.
        radius_m: Closer than this (<) two windows may show the same place.

    Returns:
        bool ``[N, N]``.

    Examples:
        >>> near_pairs(torch.tensor([[0.0, 0.0], [10.0, 0.0], [90.0, 0.0]]), 75.0).int().tolist()
        [[1, 1, 0], [1, 1, 0], [0, 0, 1]]
    """
    return torch.cdist(positions_m.double(), positions_m.double()) < radius_m


def _check(embeddings: Tensor, labels: Tensor, temperature: float, ignore: Tensor | None) -> None:
    n = len(embeddings)
    if embeddings.ndim != 2 or labels.shape != (n,):
        raise ShapeError(
            f"Embeddings {list(embeddings.shape)} with labels {list(labels.shape)}.",
            "Expected [N, D] and [N].",
        )
    if ignore is not None and ignore.shape != (n, n):
        raise ShapeError(
            f"A mask {list(ignore.shape)} for {n} embeddings.", f"Expected [{n}, {n}]."
        )
    if not temperature > 0:
        raise ConfigError(f"temperature {temperature}.", "Expected a number above 0.")
