"""Ensembles: means, standardising, members from files, and refusals; tables across traverses."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, ShapeError
from saccade.retrieval import (
    IndexTolerance,
    cross_recall,
    cross_table,
    ensemble_scores,
    read_member,
    recall_at,
    top_n,
)

MEMBERS = np.random.default_rng(0).random((3, 4, 6))


def test_the_plain_mean_and_the_mean_of_distances() -> None:
    np.testing.assert_allclose(ensemble_scores(MEMBERS), MEMBERS.mean(0), atol=1e-7)
    distances = ensemble_scores(MEMBERS, kind="distances")
    np.testing.assert_allclose(distances, -MEMBERS.mean(0), atol=1e-7)


def test_standardised_members_weigh_alike_whatever_their_range() -> None:
    stretched = (
        MEMBERS * np.array([1, 1e4, 1e-3])[:, None, None] + np.array([0, 7, -3])[:, None, None]
    )
    for way in ("matrix", "query"):
        plain = ensemble_scores(MEMBERS, standardise=way)
        np.testing.assert_allclose(ensemble_scores(stretched, standardise=way), plain, atol=1e-5)
    assert not np.allclose(ensemble_scores(stretched), ensemble_scores(MEMBERS), atol=0.1)
    rows = ensemble_scores(MEMBERS[:1], standardise="query")
    np.testing.assert_allclose(rows.mean(axis=1), 0, atol=1e-6)
    np.testing.assert_allclose(rows.std(axis=1), 1, atol=1e-6)


def test_members_of_independent_errors_beat_each_of_them() -> None:
    rng = np.random.default_rng(1)
    members = [np.eye(80) + 0.5 * rng.standard_normal((80, 80)) for _ in range(5)]
    truth = IndexTolerance(80, 80, tolerance=0, inclusive=True)
    single = [recall_at(top_n(m, 1), truth, (1,)).over_all[0] for m in members]
    together = recall_at(top_n(ensemble_scores(members), 1), truth, (1,)).over_all[0]
    assert together > max(single) + 0.2


def test_members_are_read_from_every_kind_of_file(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", MEMBERS[0])
    np.savez(tmp_path / "b.npz", distances=MEMBERS[1], names=np.array(["x"]))
    np.savetxt(tmp_path / "c.csv", MEMBERS[2], delimiter=",")
    paths = [tmp_path / "a.npy", str(tmp_path / "b.npz"), tmp_path / "c.csv"]
    np.testing.assert_allclose(ensemble_scores(paths), MEMBERS.mean(0), atol=1e-7)
    np.testing.assert_allclose(
        ensemble_scores([MEMBERS[0], *paths[1:]]), MEMBERS.mean(0), atol=1e-7
    )
    turned = ensemble_scores(paths, layout="reference_by_query")
    np.testing.assert_allclose(turned, MEMBERS.mean(0).T, atol=1e-7)


def test_files_that_hold_no_matrix_are_refused(tmp_path: Path) -> None:
    files: dict[str, Any] = {
        "names.csv": "query,reference\n1,2\n",
        "empty.csv": "",
        "ragged.csv": "1,2\n3\n",
        "broken.npy": "not numpy",
        "broken.npz": "not numpy",
        "scores.txt": "1,2\n",
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(FormatError, match=name.split(".")[0]):
            read_member(tmp_path / name)
    np.savez(tmp_path / "two.npz", a=np.eye(2), b=np.eye(2))
    with pytest.raises(FormatError, match="2 matrices: a, b"):
        read_member(tmp_path / "two.npz")
    np.save(tmp_path / "objects.npy", np.array([{}, {}]), allow_pickle=True)
    with pytest.raises(FormatError, match="objects"):
        read_member(tmp_path / "objects.npy")
    np.save(tmp_path / "vector.npy", np.ones(3))
    with pytest.raises(FormatError, match=r"\(3,\)"):
        read_member(tmp_path / "vector.npy")
    with pytest.raises(MissingFileError, match=r"none\.npy"):
        read_member(tmp_path / "none.npy")


def test_members_that_do_not_fit_are_refused_by_name() -> None:
    with pytest.raises(ShapeError, match=r"Member 1 has 6 queries and 4 .*layout="):
        ensemble_scores([MEMBERS[0], MEMBERS[1].T])
    with pytest.raises(ShapeError, match="Member 1 has 3 queries"):
        ensemble_scores([MEMBERS[0], MEMBERS[1][:3]])
    with pytest.raises(ShapeError, match="without members"):
        ensemble_scores([])
    with pytest.raises(DataError, match="Member 0 holds NaN"):
        ensemble_scores([np.full((2, 2), np.nan)])
    with pytest.raises(DataError, match="Member 0, query 1: all scores are equal"):
        ensemble_scores([[[1, 2], [3, 3]]], standardise="query")
    with pytest.raises(ConfigError, match="standardise is 'row'"):
        ensemble_scores(MEMBERS, standardise="row")  # type: ignore[arg-type]


def test_the_table_across_traverses_has_queries_down_and_references_across() -> None:
    rng = np.random.default_rng(3)
    day = rng.standard_normal((12, 8))
    banks = {"day": day, "dusk": day + 0.1 * rng.standard_normal(day.shape),
             "night": rng.standard_normal((10, 8))}  # fmt: skip
    asked: list[tuple[str, str]] = []

    def truth(query: str, reference: str) -> IndexTolerance:
        asked.append((query, reference))
        return IndexTolerance(len(banks[query]), len(banks[reference]), 0, inclusive=True)

    found = cross_recall(banks, truth, at=(1, 3))
    assert asked == list(found)
    table = cross_table(found, n=3)
    assert table.columns[0] == "query"
    rows = {row[0]: dict(zip(table.columns, row, strict=True)) for row in table.rows}
    assert all(rows[name][name] is None for name in banks)
    assert rows["dusk"]["day"] == 1
    assert rows["night"]["day"] == float(found["night", "day"].over_all[1]) < 0.8
    with pytest.raises(ConfigError, match="recall at 1, 3"):
        cross_table(found, n=2)
    with pytest.raises(ConfigError, match="No pair"):
        cross_table({})
