"""Runs in the published layout: written here from trained modules, imported, tested, refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from saccade.errors import ConfigError, DataError, FormatError, MissingFileError, ShapeError
from saccade.tasks.place_stdp.config import JobArgs, PredictConfig
from saccade.tasks.place_stdp.model import Member
from saccade.tasks.place_stdp.published import read_network
from saccade.tasks.place_stdp.published_import import ImportConfig, import_member, import_weights
from saccade.tasks.place_stdp.task import predict
from stdp_runs import PLAIN, made, tell, words, write_set

PLACES, SIDE, NEURONS, SHOWN = 6, 8, 20, 12


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two modules of 64 inputs that learned six places with the published inputs."""
    base = tmp_path_factory.mktemp("trained")
    root = write_set(base / "set.npz", PLACES, "ab")
    made(
        "train", root, "--grid", f"{SIDE}x{SIDE}", "--neurons", NEURONS, "--module-places", "3",
        "--epochs", "2", "--jobs", "1", "--name", "r", "--out", base,
    )  # fmt: skip
    return base


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same modules as VPRSNN would have written them."""
    monkeypatch.setenv("SACCADE_MODELS", str(tmp_path / "models"))
    return write_published(tmp_path / "vprsnn", Member.open(trained / "r" / "member-0.safetensors"))


def write_published(folder: Path, member: Member) -> Path:
    for k in range(member.modules):
        (network,) = member.networks(range(k, k + 1))
        places, known = member.assignment(k)
        weights, outputs = module_folders(folder, int(places[0]))
        for path in (weights, outputs):
            path.mkdir(parents=True)
        i, j = np.indices(network.weights.shape)
        rows = np.stack([i.ravel(), j.ravel(), network.weights.ravel()], axis=1)
        np.save(weights / f"XeAe{SHOWN}.npy", rows)
        np.save(weights / f"theta_A{SHOWN}.npy", network.theta / 1e3)
        np.save(outputs / f"resultPopVecs{SHOWN}.npy", known.table().T)
        np.save(outputs / "inputNumbers.npy", np.tile(places, SHOWN // 3).astype(float))
    return folder


def module_folders(folder: Path, offset: int) -> tuple[Path, Path]:
    ending = f"_ne{NEURONS}_L3_offset{offset}"
    return folder / "weights" / f"weights{ending}", folder / "outputs" / f"outputs{ending}"


def imported(run: Path, **changes: Any) -> Member:
    report = import_weights(ImportConfig(folder=run, name="tiny", overwrite=True, **changes))
    return Member.open(report.files[0])


def test_arrays_are_those_of_the_run(run: Path, trained: Path) -> None:
    member = imported(run)
    original = Member.open(trained / "r" / "member-0.safetensors")
    np.testing.assert_array_equal(member.array("weights"), original.array("weights"))
    np.testing.assert_allclose(member.array("theta"), original.array("theta"), rtol=1e-12)
    for k in range(2):
        (places, known), (there, expected) = member.assignment(k), original.assignment(k)
        np.testing.assert_array_equal(places, there)
        np.testing.assert_array_equal(known.table(), expected.table())
    assert member.places == PLACES and member.inputs.size() == (SIDE, SIDE)
    assert member.about["compat"] == "vprsnn" and member.about["engine"] == "fast"
    assert member.network.reset_per_image and member.about["readout"] == "standard"


def test_defect_6_delays_are_drawn_from_the_seed_that_is_kept(run: Path) -> None:
    weights, _ = module_folders(run, 3)
    for seed in (3, 4):
        member = imported(run, delay_seed=seed)
        expected = read_network(weights, delay_seed=seed).delay_steps
        np.testing.assert_array_equal(member.array("delays"), expected)
        assert member.about["seed"] == seed


def test_defect_7_the_exact_engine_carries_its_state(run: Path) -> None:
    member = imported(run, engine="exact", tau_gi_ms=2.0)
    assert member.about["engine"] == "exact" and not member.network.reset_per_image
    assert member.network.tau_gi_ms == 2.0 and member.network.start_ms == 500.0


def test_an_imported_network_is_tested_and_predicts(
    run: Path, trained: Path, tmp_path: Path
) -> None:
    told = tell("models", "import", "place_stdp", run, "--as", "tiny")
    assert told.code == 0, told.err
    root = trained / "set.npz"
    flags = ("--weights", "tiny", "--out", tmp_path / "e", "--save-scores", *PLAIN)
    assert "stdp, seed 0" in made("eval", root, *flags)
    scores = np.load(tmp_path / "e" / "scores_1_stdp,_seed_0.npy")
    assert scores.shape == (PLACES, PLACES) and scores.any()
    cfg = PredictConfig(
        recording=root, weights=("tiny",), traverse="b", save_scores=True, out=tmp_path / "p",
        work=JobArgs(jobs=1),
    )  # fmt: skip
    assert predict(cfg).values["reference"] == "the learned traverse"
    np.testing.assert_array_equal(np.load(tmp_path / "p" / "scores.npy"), scores)


def test_a_named_reference_is_insisted_on(run: Path, trained: Path, tmp_path: Path) -> None:
    imported(run, reference="summer")
    told = tell(*words("eval", trained / "set.npz", "--weights", "tiny", *PLAIN))
    assert told.code == 2 and "learned the places of summer" in told.err


def test_a_shuffled_order_says_which_place_is_where(run: Path, tmp_path: Path) -> None:
    order = np.array([4, 2, 0, 5, 1, 3])
    path = tmp_path / "shuffled_indices_L6_S0.npy"
    np.save(path, order)
    member = imported(run, order=path)
    np.testing.assert_array_equal(member.array("module_places"), order)
    np.testing.assert_array_equal(member.array("own_places"), order[plain_own(run)])


def plain_own(run: Path) -> np.ndarray:
    return import_member(ImportConfig(folder=run)).arrays["own_places"]


def test_labels_may_count_within_the_module(run: Path) -> None:
    _, outputs = module_folders(run, 3)
    expected = plain_own(run)
    np.save(outputs / "inputNumbers.npy", np.tile(np.arange(3.0), SHOWN // 3))
    np.testing.assert_array_equal(plain_own(run), expected)


def test_recordings_say_who_is_hyperactive(run: Path) -> None:
    with pytest.raises(MissingFileError, match="--share without recordings"):
        imported(run, share=0.5)
    rng = np.random.default_rng(0)
    counts = {offset: rng.integers(0, 2, (9, NEURONS)) for offset in (0, 3)}
    for offset, found in counts.items():
        np.save(module_folders(run, offset)[1] / "resultPopVecs9_record_E2.npy", found)
    member = imported(run, share=0.5)
    assert member.about["share"] == 0.5 and member.activity(1).images == 9
    np.testing.assert_array_equal(member.activity(1).active, counts[3].sum(axis=0))


def test_one_module_is_imported_from_its_folder(run: Path) -> None:
    weights, _ = module_folders(run, 3)
    member = imported(weights)
    assert member.modules == 1 and member.array("module_places").tolist() == [3, 4, 5]
    assert member.places == PLACES
    note = " ".join(import_member(ImportConfig(folder=weights)).notes)
    assert "3 of 6 places were learned" in note


def test_places_and_calibration_are_taken_over(run: Path) -> None:
    member = imported(run, places=9, calibration=3)
    assert member.places == 9 and member.about["calibration_modules"] == 1
    with pytest.raises(ConfigError, match="--places 4"):
        imported(run, places=4)


def test_damaged_runs_are_refused(run: Path, tmp_path: Path) -> None:
    weights, outputs = module_folders(run, 0)
    with pytest.raises(MissingFileError, match="no network of VPRSNN"):
        imported(tmp_path)
    with pytest.raises(MissingFileError, match="No such folder"):
        imported(tmp_path / "gone")
    with pytest.raises(ConfigError, match="needs a name"):
        import_weights(ImportConfig(folder=run))
    np.save(outputs / "inputNumbers.npy", np.full(SHOWN, 7.0))
    with pytest.raises(DataError, match=r"labels 7 to 7\. Expected 0 to 2"):
        imported(run)
    np.save(outputs / f"resultPopVecs{SHOWN}.npy", np.ones((3, NEURONS - 1)))
    np.save(outputs / "inputNumbers.npy", np.tile(np.arange(3.0), SHOWN // 3))
    with pytest.raises(ShapeError, match=r"spikes of 19 neurons\. Expected 20"):
        imported(run)
    (outputs / f"resultPopVecs{SHOWN}.npy").write_bytes(b"nothing")
    with pytest.raises(FormatError, match="cannot be read"):
        imported(run)
    values = np.load(weights / f"theta_A{SHOWN}.npy")
    values[4] = np.nan
    np.save(weights / f"theta_A{SHOWN}.npy", values)
    with pytest.raises(DataError, match="NaN"):
        imported(run)


def test_orders_that_are_none_are_refused(run: Path, tmp_path: Path) -> None:
    path = tmp_path / "order.npy"
    with pytest.raises(MissingFileError, match=r"order\.npy"):
        imported(run, order=path)
    np.save(path, [0, 1, 1, 2, 3, 4])
    with pytest.raises(DataError, match="is no order"):
        imported(run, order=path)
    np.save(path, [1, 0, 2, 3])
    with pytest.raises(ConfigError, match="positions up to 5"):
        imported(run, order=path)
