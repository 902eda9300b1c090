"""Score matrices of one pair of traverses, by every method that was asked for.

network    cosine of descriptors
netvlad    the same of EventVPR, the conventional network of the paper
baselines  what frames alone can do
centred    cosine after each traverse's own mean descriptor was taken off: what all its windows
           share (night, rain, another camera) says nothing about the place
ensemble   mean of the network's scores and those in files
sequences  each of them along lines of consecutive windows
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from saccade.contracts import Progress
from saccade.retrieval import score_matrix
from saccade.retrieval.ensemble import ensemble_scores
from saccade.tasks.place.bank import Bank, embed_traverse
from saccade.tasks.place.config_eval import EvalConfig
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.netvlad_bank import EventVPRBanks
from saccade.traverses.baselines import BASELINES
from saccade.traverses.frame_rows import TraverseFrames
from saccade.traverses.results import Scored, in_sequences
from saccade.traverses.traverse import Pair, Traverse

__all__ = ["Banks", "scores_of"]


class Banks:
    """Descriptors of traverses, each made once.

    Args:
        model: The network.
        name: What it is called in reports.
        batch: Frames per pass.
        workers: Threads that make frames.
    """

    def __init__(self, model: PlaceNet, name: str, *, batch: int, workers: int) -> None:
        self.model, self.name, self.batch, self.workers = model, name, batch, workers
        self._made: dict[int, Bank] = {}

    def of(self, traverse: Traverse, tell: Progress | None = None) -> Bank:
        """Return the descriptors of a traverse."""
        if id(traverse) not in self._made:
            self._made[id(traverse)] = embed_traverse(
                self.model, traverse, batch=self.batch, workers=self.workers, tell=tell
            )
        return self._made[id(traverse)]


def scores_of(
    pair: Pair,
    cfg: EvalConfig,
    banks: Banks | None,
    rival: EventVPRBanks | None = None,
    tell: Progress | None = None,
) -> Iterator[Scored]:
    """Yield the scores of every method and every sequence length."""
    for method, scores in _single(pair, cfg, banks, rival, tell):
        yield from in_sequences(
            method, scores, cfg.sequences, speeds=cfg.speeds, direction=cfg.direction
        )


def _single(
    pair: Pair,
    cfg: EvalConfig,
    banks: Banks | None,
    rival: EventVPRBanks | None,
    tell: Progress | None,
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    if banks is not None:
        query, reference = banks.of(pair.query, tell), banks.of(pair.reference, tell)
        scores = score_matrix(query.vectors, reference.vectors)
        yield banks.name, scores
        yield f"{banks.name}, centred", score_matrix(query.centred(), reference.centred())
        if cfg.ensemble:
            members: list[NDArray[np.float32] | Path] = [scores, *cfg.ensemble]
            yield f"{banks.name} + {len(cfg.ensemble)} in files", ensemble_scores(members)
    if rival is not None:
        yield rival.name, score_matrix(rival.of(pair.query, tell), rival.of(pair.reference, tell))
    for word in cfg.baselines:
        name, _, pool = word.partition("/")
        frames = TraverseFrames(pair.query), TraverseFrames(pair.reference)
        yield word, BASELINES[name](*frames, pool=int(pool or 1))
