"""Golden read-outs of modular STDP: assignment, hyperactive neurons, curves, members, sequences.

Published matrices have a row per reference and a column per query; here they are turned over.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from modular_stdp_files import cases
from numpy.typing import NDArray

from saccade.retrieval import IndexTolerance, diagonal, ensemble_scores, recall_at, top_n
from saccade.tasks.place_stdp.assignment import Assignment, answers, assign, scores
from saccade.tasks.place_stdp.hyperactive import active_images, muted_neurons
from saccade.tasks.place_stdp.published_metrics import published_curve
from saccade.tasks.place_stdp.regions import published_regions

READOUTS = ("standard", "weighted", "spikes")
TEMPO_K = (1, 5, 10)
"""Recall of VPRTempo was stored for these N; the file does not name them."""


def learnt(data: Any) -> Assignment:
    counts, labels = data["train_counts"], data["train_labels"]
    return assign(counts, labels, places=int(labels.max()) + 1)


def by_place(data: Any, readout: str) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Places that have a row in the published matrix, and their scores ``[Q, places]``."""
    rows = data[f"labels_{readout}"].astype(np.int64)
    return rows[rows >= 0], data[f"summed_{readout}"][rows >= 0].T.astype(np.float64)


@pytest.mark.parametrize("path", cases("assignment_"), ids=lambda path: path.stem)
def test_every_neuron_stands_for_the_published_place(path: Path) -> None:
    data = np.load(path)
    found = learnt(data)
    np.testing.assert_array_equal(found.label, data["assign_standard"])
    np.testing.assert_array_equal(found.most_spikes(), data["assign_weighted_top"])
    np.testing.assert_array_equal(found.table(), data["weighted_table"])


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("path", cases("assignment_"), ids=lambda path: path.stem)
def test_scores_of_all_readouts(path: Path, readout: Any) -> None:
    data = np.load(path)
    places, expected = by_place(data, readout)
    found = scores(data["test_counts"], learnt(data), readout=readout, compat="vprsnn")
    np.testing.assert_allclose(found[:, places], expected, rtol=1e-5, atol=1e-6)
    without = np.setdiff1d(np.arange(found.shape[1]), places)
    assert not found[:, without].any()
    crashed = data["weighted_labels_without_neuron"]
    assert not found[:, crashed[crashed >= 0]].any()


@pytest.mark.parametrize("readout", READOUTS)
@pytest.mark.parametrize("path", cases("assignment_"), ids=lambda path: path.stem)
def test_the_answer_of_every_query_with_one_best_label(path: Path, readout: Any) -> None:
    data = np.load(path)
    found = answers(scores(data["test_counts"], learnt(data), readout=readout, compat="vprsnn"))
    summed, rows = data[f"summed_{readout}"], data[f"labels_{readout}"]
    is_best = summed == summed.max(axis=0)
    silent = ~summed.any(axis=0)
    clear = (is_best.sum(axis=0) == 1) & (rows[is_best.argmax(axis=0)] >= 0)
    assert clear.any()
    np.testing.assert_array_equal(found[clear | silent], data[f"top1_{readout}"][clear | silent])
    assert (found[silent] == -1).all()


@pytest.mark.parametrize("path", cases("hyperactive_"), ids=lambda path: path.stem)
def test_hyperactive_neurons(path: Path) -> None:
    data = np.load(path)
    record = data["record_counts"]
    activity = active_images([record[:7], record[7:101], record[101:]])
    np.testing.assert_array_equal(activity.active, data["images_active"])
    assert activity.images == len(record)
    for t, threshold in enumerate(data["thresholds"].tolist()):
        muted = muted_neurons(activity, images=threshold, compat="vprsnn")
        np.testing.assert_array_equal(~muted, data["kept_mask"][t])
        masked = np.where(muted, 0, data["test_counts"])
        np.testing.assert_array_equal(masked, data["test_masked"][t])
        if threshold > 0:
            share = muted_neurons(activity, share=threshold / len(record))
            np.testing.assert_array_equal(share, muted)


@pytest.mark.parametrize("path", cases("metrics_"), ids=lambda path: path.stem)
def test_published_curve_of_vprsnn(path: Path) -> None:
    data = np.load(path)
    found = published_curve(data["similarity"].T, compat="vprsnn")
    for name in ("precision", "recall", "f1"):
        np.testing.assert_allclose(getattr(found, name), data[name], rtol=0, atol=1e-9)
    assert found.area == pytest.approx(float(data["auc_pr"]), abs=1e-9)
    assert found.recall_at_full_precision == pytest.approx(float(data["r_at_100p"]), abs=1e-9)
    assert found.f1[-1] == pytest.approx(float(data["printed_as_p_at_100r"]), abs=1e-9)
    assert found.precision[-1] == pytest.approx(float(data["p_at_100r_true"]), abs=1e-9)


@pytest.mark.parametrize("path", cases("metrics_"), ids=lambda path: path.stem)
def test_published_curves_of_vprtempo(path: Path) -> None:
    data = np.load(path)
    similarity = data["similarity"].T
    tested = 0
    for name in data.files:
        if found := re.fullmatch(r"tempo_P(?:_tol(\d+))?", name):
            truth = IndexTolerance(*similarity.shape, int(found[1] or 0), inclusive=True)
            curve = published_curve(similarity, truth, compat="vprtempo")
            np.testing.assert_allclose(curve.precision, data[name], rtol=0, atol=1e-9)
            recall = data[name.replace("_P", "_R")]
            np.testing.assert_allclose(curve.recall, recall, rtol=0, atol=1e-9)
            if found[1] is None:
                best = float(data["tempo_r100p"])
                assert curve.recall_at_full_precision == pytest.approx(best, abs=1e-9)
            tested += 1
    assert tested


@pytest.mark.parametrize("path", cases("metrics_"), ids=lambda path: path.stem)
def test_recall_and_p_at_100r_come_from_retrieval(path: Path) -> None:
    data = np.load(path)
    similarity = data["similarity"].T
    count = len(similarity)
    slack = int(data["columns_with_tied_max"]) / count + 1e-9
    published = {"recall_at_n": (data["recall_n"].tolist(), 0)}
    published |= {
        name: (TEMPO_K, int(found[1] or 0))
        for name in data.files
        if (found := re.fullmatch(r"tempo_r_at_k(?:_tol(\d+))?", name))
    }
    for name, (at, tolerance) in published.items():
        truth = IndexTolerance(*similarity.shape, tolerance, inclusive=True)
        found = recall_at(top_n(similarity, max(at)), truth, tuple(at)).over_all
        np.testing.assert_allclose(found, data[name], rtol=0, atol=slack)
    truth = IndexTolerance(*similarity.shape, 0, inclusive=True)
    first = recall_at(top_n(-data["distance"].T, 1), truth, (1,)).over_all[0]
    assert first == pytest.approx(float(data["p_at_100r_true"]), abs=1e-12)


@pytest.mark.parametrize("path", cases("ensemble_seq_"), ids=lambda path: path.stem)
def test_places_of_every_seed_and_their_order_undone(path: Path) -> None:
    data = np.load(path)
    places, calibration = int(data["n_query"]), int(data["n_cal"])
    for k, seed in enumerate(data["seeds"].tolist()):
        regions = published_regions(places, calibration=calibration, seed=seed)
        np.testing.assert_array_equal(regions.order, data["shuffled_indices"][k])
        stored = data["member_shuffled"][k].T
        found = regions.in_order(stored, part="test")
        np.testing.assert_array_equal(found, data["member_unshuffled"][k].T)


@pytest.mark.parametrize("path", cases("ensemble_seq_"), ids=lambda path: path.stem)
def test_ensemble_and_sequences(path: Path) -> None:
    data = np.load(path)
    members = data["member_unshuffled"].transpose(0, 2, 1)
    total = ensemble_scores(members).astype(np.float64) * len(members)
    np.testing.assert_allclose(total, data["ensemble"].T, rtol=1e-6, atol=1e-6)
    distance = data["distance"].T
    np.testing.assert_allclose(total.max() - total, distance, rtol=1e-6, atol=1e-6)
    lengths = [int(found[1]) for name in data.files if (found := re.fullmatch(r"seq(\d+)", name))]
    assert lengths
    for length in lengths:
        found = diagonal(distance, length)
        np.testing.assert_allclose(found, data[f"seq{length}"].T, rtol=1e-6, atol=1e-6)
        check_recall(-found, data[f"seq{length}_recall"])
    for k, member in enumerate(members):
        check_recall(member, data[f"member{k}_recall"])
    check_recall(data["ensemble"].T, data["ensemble_recall"])


def check_recall(similarity: NDArray[np.floating], expected: NDArray[np.float64]) -> None:
    """Published ranks of equal scores are those of an unstable sort: any order of them is right."""
    scored = similarity.astype(np.float64)
    own = np.diagonal(scored)[:, None]
    better, not_worse = (scored > own).sum(axis=1), (scored >= own).sum(axis=1)
    for n, value in zip((1, 5, 10), expected.tolist(), strict=True):
        assert (not_worse <= n).mean() - 1e-9 <= value <= (better < n).mean() + 1e-9
    count = len(scored)
    truth = IndexTolerance(count, count, 0, inclusive=True)
    found = recall_at(top_n(scored, 10), truth, (1, 5, 10)).over_all
    assert ((not_worse[:, None] <= (1, 5, 10)).mean(axis=0) <= found + 1e-9).all()
    assert (found <= (better[:, None] < (1, 5, 10)).mean(axis=0) + 1e-9).all()
