"""Golden metrics of SpikeVPR: scores, distances, recall, precision-recall, baselines, InfoNCE.

What a file stores decides what is checked; an array that no rule knows fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from spikevpr_numbers import files

from saccade.retrieval import (
    Geodesic,
    Planar,
    Truth,
    haversine_distance_m,
    precision_recall,
    recall_at,
    score_matrix,
    top_n,
    wgs84_distance_m,
)
from saccade.retrieval.evaluation import RECALL_AT, Banks, evaluate
from saccade.tasks.place.loss import info_nce
from saccade.traverses.baselines import pca_cosine, sum_of_absolute_differences

INPUTS = r"q|r|ll_[qr]|pl_[qr]|frames_[qr]|nyc_sessions_[qr]|meta"
NYC_AT, NYC_M, CURVE_M, PUBLISHED_RADIUS_M = (1, 5, 10), 25.0, 30.0, 6_371_000


def planar(data: Any, metres: float, *, inclusive: bool = False) -> Planar:
    return Planar(data["pl_q"], data["pl_r"], metres, inclusive=inclusive)


def similarity(data: Any, name: str) -> None:
    np.testing.assert_allclose(score_matrix(data["q"], data["r"]), data[name], rtol=0, atol=1e-6)


def distances(data: Any, name: str, kind: str, pair: str | None) -> None:
    left, right = data["ll_r" if pair else "ll_q"], data["ll_r"]
    points = left[:, None, 0], left[:, None, 1], right[None, :, 0], right[None, :, 1]
    if kind == "geodesic":
        found = wgs84_distance_m(*points)
    else:
        found = haversine_distance_m(*points, radius_m=PUBLISHED_RADIUS_M)
    np.testing.assert_allclose(found, data[name], rtol=0, atol=1e-3)


def recall(data: Any, name: str, kind: str, metres: str) -> None:
    truth: Truth = planar(data, float(metres))
    if kind == "latlon":
        truth = Geodesic(data["ll_q"], data["ll_r"], float(metres), inclusive=False)
    at = [min(n, len(data["r"])) for n in RECALL_AT[: len(data[name])]]
    for scores in (data["sim"], Banks(data["q"], data["r"])):
        found = evaluate(scores, truth, at=at).recall
        by_n = dict(zip(found.at, found.over_all, strict=True))
        assert [by_n[n] for n in at] == pytest.approx(data[name], abs=1e-12)


def curve(data: Any, name: str) -> None:
    truth = planar(data, CURVE_M)
    rows, columns = np.indices(data["sim"].shape)
    whole = precision_recall(data["sim"], truth.matches(rows, columns))
    pooled = evaluate(data["sim"], truth, at=(1,)).pooled
    if name == "average_precision":
        for found in (whole, pooled):
            assert found.average_precision == pytest.approx(float(data[name]), abs=1e-9)
        return
    found, end = {
        "pr_precision": (whole.precision, 1.0),
        "pr_recall": (whole.recall, 0.0),
    }[name]
    np.testing.assert_allclose(np.append(found, end), data[name], rtol=0, atol=1e-12)


def nyc(data: Any, name: str) -> None:
    truth = planar(data, NYC_M, inclusive=True)
    sessions = data["nyc_sessions_q"], data["nyc_sessions_r"]
    at = [min(n, len(data["r"])) for n in NYC_AT[: len(data[name])]]
    found = evaluate(data["sim"], truth, at=at, sessions=sessions, compat="spikevpr")
    values = found.recall.over_all if name == "nyc_recall" else found.published_strict
    by_n = dict(zip(found.recall.at, values, strict=True))
    assert [by_n[n] for n in at] == pytest.approx(data[name], abs=1e-12)


def baseline(data: Any, name: str, components: str | None = None) -> None:
    frames = data["frames_q"], data["frames_r"]
    found, limit = sum_of_absolute_differences(*frames), 1e-6
    if components is not None:
        found, limit = pca_cosine(*frames, components=int(components)), 1e-4
    np.testing.assert_allclose(found, data[name], rtol=0, atol=limit)


CHECKS: dict[str, Callable[..., None]] = {
    r"sim": similarity,
    r"(geodesic|haversine)(_rr)?_m": distances,
    r"recall_(latlon|planar)_(\d+)m": recall,
    r"pr_precision|pr_recall|average_precision": curve,
    r"nyc_recall|nyc_strict_recall": nyc,
    r"sad_similarity": baseline,
    r"pca(\d+)_similarity": baseline,
}


@pytest.mark.parametrize("path", files("metrics_"), ids=lambda path: path.stem)
def test_metrics(path: Path) -> None:
    data = np.load(path)
    unknown: list[str] = []
    for name in data.files:
        if re.fullmatch(INPUTS, name):
            continue
        for pattern, check in CHECKS.items():
            if found := re.fullmatch(pattern, name):
                check(data, name, *found.groups())
                break
        else:
            unknown.append(name)
    assert not unknown


@pytest.mark.parametrize("path", files("metrics_"), ids=lambda path: path.stem)
def test_strict_recall_never_returns_the_own_session(path: Path) -> None:
    data = np.load(path)
    same = data["nyc_sessions_q"][:, None] == data["nyc_sessions_r"][None]
    truth = planar(data, NYC_M, inclusive=True)
    sessions = data["nyc_sessions_q"], data["nyc_sessions_r"]
    found = evaluate(data["sim"], truth, at=(1,), sessions=sessions).strict
    ranking = top_n(data["sim"], 1, masked=same)
    rows = np.flatnonzero(ranking.indices[:, 0] >= 0)
    assert not same[rows, ranking.indices[rows, 0]].any()
    assert found is not None
    assert found.over_all == pytest.approx(recall_at(ranking, truth, (1,)).over_all)
    everything = np.indices(same.shape)
    reachable = (truth.matches(*everything) & ~same).any(axis=1)
    assert found.queries_without_match == int((~reachable).sum())


@pytest.mark.parametrize("path", files("infonce_"), ids=lambda path: path.stem)
def test_infonce(path: Path) -> None:
    data = np.load(path)
    embeddings = torch.from_numpy(data["embeddings"]).double().requires_grad_()
    loss = info_nce(
        embeddings, torch.from_numpy(data["labels"]), temperature=float(data["temperature"])
    )
    loss.backward()
    assert float(loss.detach()) == pytest.approx(float(data["loss"]), rel=1e-9, abs=1e-15)
    assert embeddings.grad is not None
    scale = max(float(np.abs(data["grad"]).max()), 1e-12)
    np.testing.assert_allclose(embeddings.grad.numpy(), data["grad"], rtol=0, atol=1e-9 * scale)
