"""Training and evaluation on stills: pairs, runs that resume, results that say what they are."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import saccade
from saccade.cli.arguments import parse
from saccade.cli.main import main
from saccade.engine.distributed import World
from saccade.errors import CheckpointError, ConfigError, DataError, FormatError, MissingFileError
from saccade.tasks.place.config_eval import EvalConfig
from saccade.tasks.place.config_train import TrainConfig
from saccade.tasks.place.model import PlaceNet
from saccade.tasks.place.pairs import Pairs
from saccade.tasks.place.task import eval as evaluate
from saccade.tasks.place.task import train
from saccade.tasks.place.train import PlaceTrainee
from saccade.traverses.config import SetArgs
from saccade.traverses.stills import open_set


@pytest.fixture(scope="module")
def stills(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 places in two conditions: the second is the first, brighter and noisy."""
    rng = np.random.default_rng(4)
    coarse = rng.integers(20, 200, (48, 4, 8)).astype(np.float64)
    a = coarse.repeat(4, axis=1).repeat(4, axis=2)
    b = np.clip(1.2 * a + rng.normal(0, 6, a.shape), 0, 255)
    path = tmp_path_factory.mktemp("stills") / "road.npz"
    np.savez(path, a=a.astype(np.uint8), b=b.astype(np.uint8))
    return path


def config(kind: Any, stills: Path, *words: str) -> Any:
    given = ["--recipe", "smoke", "--root", str(stills), *words]
    return parse(kind, given, "saccade", "test")


@pytest.fixture(scope="module")
def trained(stills: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs")
    report = train(config(TrainConfig, stills, "--name", "one", "--out", str(out)))
    assert report.values["epochs"] == 2
    assert report.values["best_validation"] is not None
    return out / "one"


class TestPairs:
    def pairs(self, stills: Path, **options: Any) -> Pairs:
        data = open_set(config(TrainConfig, stills).data)
        return Pairs(data.train, **{"positive_m": 0.5, "pairs": 6, "seed": 3, **options})

    def test_partners_show_the_same_place(self, stills: Path) -> None:
        batch = self.pairs(stills).batch(0, 1)
        assert batch.frames.shape == (12, 2, 32, 64)
        assert torch.equal(batch.positions_m[:6], batch.positions_m[6:])
        assert torch.equal(batch.labels[:6], batch.labels[6:])
        assert self.pairs(stills).alone == 0

    def test_a_batch_depends_on_epoch_and_number_only(self, stills: Path) -> None:
        first, again = self.pairs(stills), self.pairs(stills)
        first.batch(0, 0)
        assert torch.equal(first.batch(1, 2).frames, again.batch(1, 2).frames)
        assert not torch.equal(first.batch(1, 2).frames, first.batch(2, 2).frames)

    def test_an_epoch_visits_every_window_at_most_once(self, stills: Path) -> None:
        pairs = self.pairs(stills)
        seen = torch.cat([pairs.batch(0, k).labels[:6] for k in range(pairs.batches(0))])
        assert len(seen.unique()) == len(seen) == 48

    def test_both_windows_of_a_pair_are_mirrored_together(self, stills: Path) -> None:
        plain = self.pairs(stills, flip=0.0).batch(0, 0).frames
        mirrored = self.pairs(stills, flip=1.0).batch(0, 0).frames
        assert torch.equal(mirrored, plain.flip(-1))
        sideways = self.pairs(stills, flip=1.0, is_sideways=True).batch(0, 0).frames
        assert torch.equal(sideways, plain.flip(-1).flip(1))
        apart = self.pairs(stills, flip=0.5, joint_flip=False)
        changed = 0
        for k in range(apart.batches(0)):
            frames = apart.batch(0, k).frames
            base = self.pairs(stills, flip=0.0).batch(0, k).frames
            is_mirrored = [not torch.equal(x, y) for x, y in zip(frames, base, strict=True)]
            changed += sum(x != y for x, y in zip(is_mirrored[:6], is_mirrored[6:], strict=True))
        assert changed > 0

    def test_processes_share_a_batch(self, stills: Path) -> None:
        whole = self.pairs(stills).batch(0, 0)
        shares = [self.pairs(stills, world=World(r, 2)).batch(0, 0) for r in (0, 1)]
        found = torch.cat([share.labels[:3] for share in shares])
        assert sorted(found.tolist()) == sorted(whole.labels[:6].tolist())

    def test_too_few_windows_are_refused(self, stills: Path) -> None:
        with pytest.raises(ConfigError, match=r"--pairs 500 with 48 .*Try --pairs 24"):
            self.pairs(stills, pairs=500)


class TestStills:
    def test_training_and_tests_may_not_overlap(self, stills: Path) -> None:
        args = SetArgs(data="stills", root=stills, train=("a@0-20",), tests=("b@10-30:a@10-30",))
        with pytest.raises(ConfigError, match="10 places of b@10-30 are trained on"):
            open_set(args)

    @pytest.mark.parametrize("word", ["c", "a@5", "a@9-3", "a@0-99"])
    def test_unknown_traverses_and_ranges_are_named(self, stills: Path, word: str) -> None:
        with pytest.raises(ConfigError, match=word.partition("@")[0]):
            open_set(SetArgs(data="stills", root=stills, train=(word,)))

    def test_a_file_without_images_is_told(self, tmp_path: Path) -> None:
        np.savez(tmp_path / "x.npz", a=np.zeros(3))
        with pytest.raises(FormatError, match="no images"):
            open_set(SetArgs(data="stills", root=tmp_path / "x.npz"))
        (tmp_path / "y.npz").write_bytes(b"not a zip")
        with pytest.raises(FormatError, match=r"no \.npz"):
            open_set(SetArgs(data="stills", root=tmp_path / "y.npz"))
        with pytest.raises(MissingFileError):
            open_set(SetArgs(data="stills", root=tmp_path / "z.npz"))

    def test_passes_are_made_once_and_differ_by_seed(self, stills: Path) -> None:
        args = config(TrainConfig, stills).data
        first, again = open_set(args), open_set(args)
        other = open_set(replace(args, pass_seed=1))
        assert np.array_equal(first.train[0].frame(3), again.train[0].frame(3))
        assert not np.array_equal(first.train[0].frame(3), other.train[0].frame(3))


class TestTraining:
    def test_files_of_a_run(self, trained: Path) -> None:
        names = {path.name for path in trained.iterdir()}
        assert {"weights.safetensors", "last.ckpt", "log.jsonl", "config.yaml"} <= names
        rows = [json.loads(line) for line in (trained / "log.jsonl").read_text().splitlines()]
        assert [row["epoch"] for row in rows] == [1, 2]
        assert all(np.isfinite(row["loss"]) for row in rows)

    def test_stopped_run_resumes_to_the_same_weights(
        self, trained: Path, stills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain, steps = PlaceTrainee.loss, list[int]()

        def dies(self: PlaceTrainee, batch: Any) -> torch.Tensor:
            steps.append(1)
            if len(steps) == 9:
                raise KeyboardInterrupt
            return plain(self, batch)

        words = ("--name", "one", "--out", str(tmp_path))
        monkeypatch.setattr(PlaceTrainee, "loss", dies)
        with pytest.raises(KeyboardInterrupt):
            train(config(TrainConfig, stills, *words))
        status = json.loads((tmp_path / "one" / "status.json").read_text())
        assert status["state"] == "interrupted"
        train(config(TrainConfig, stills, *words, "--resume"))
        weights = [folder / "weights.safetensors" for folder in (trained, tmp_path / "one")]
        assert weights[0].read_bytes() == weights[1].read_bytes()

    def test_a_run_is_not_overwritten_and_not_mixed(self, trained: Path, stills: Path) -> None:
        words = ("--name", "one", "--out", str(trained.parent))
        with pytest.raises(ConfigError, match="already holds a run"):
            train(config(TrainConfig, stills, *words))
        with pytest.raises(CheckpointError, match="another configuration"):
            train(config(TrainConfig, stills, *words, "--resume", "--seed", "9"))

    def test_dry_run_writes_nothing(self, stills: Path, tmp_path: Path) -> None:
        words = ("--name", "dry", "--out", str(tmp_path), "--dry-run")
        report = train(config(TrainConfig, stills, *words))
        assert report.values["batches_per_epoch"] == 6
        assert not list(tmp_path.iterdir())

    def test_published_loss_needs_published_labels(self, stills: Path) -> None:
        with pytest.raises(ConfigError, match="no published labels"):
            train(config(TrainConfig, stills, "--loss", "published", "--dry-run"))

    def test_a_loss_that_is_not_finite_ends_the_run(
        self, stills: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def broken(self: PlaceNet, x: torch.Tensor) -> torch.Tensor:
            return self.aggregator(self.features(x)) * float("nan")

        monkeypatch.setattr(PlaceNet, "forward", broken)
        with pytest.raises(DataError, match="loss is nan at epoch 1, batch 1"):
            train(config(TrainConfig, stills, "--name", "bad", "--out", str(tmp_path)))
        status = json.loads((tmp_path / "bad" / "status.json").read_text())
        assert status["state"] == "failed"


class TestEvaluation:
    def test_network_beside_baselines(self, trained: Path, stills: Path, tmp_path: Path) -> None:
        weights = str(trained / "weights.safetensors")
        out = tmp_path / "eval"
        report = evaluate(config(EvalConfig, stills, "--weights", weights, "--out", str(out)))
        records = json.loads((out / "results.json").read_text())
        methods = ("sew_resnet8", "sew_resnet8, centred", "log_count/2")
        expected = {(method, length) for method in methods for length in (1, 3)}
        assert {(row["method"], row["sequence"]) for row in records} == expected
        assert all(0 <= row["recall@1"] <= row["recall@5"] <= 1 for row in records)
        assert any("Simulated events from real images" in note for note in report.notes)
        page = (out / "report.html").read_text()
        assert (
            page.count("<img") == 5
        )  # four of the pair, one of energy; a straight line has no map
        rows = list(csv.DictReader((out / "matches_1.csv").read_text().splitlines()))
        assert {row["rank"] for row in rows} == {"1", "2", "3", "4", "5"}

    def test_baselines_alone(self, stills: Path, tmp_path: Path) -> None:
        out = tmp_path / "eval"
        report = evaluate(config(EvalConfig, stills, "--out", str(out), "--sequences", "1"))
        assert report.values["weights"] is None
        assert report.values["best_method"] == "log_count/2"

    @pytest.mark.parametrize(
        ("words", "text"),
        [
            (("--baselines", "sadd"), "Did you mean 'sad'"),
            (("--baselines", "sad/0"), "sad/POOL"),
            (("--sequences", "0"), "--sequences 0"),
            (("--tests",), "no test pair"),
        ],
    )
    def test_wrong_arguments_are_named(
        self, stills: Path, tmp_path: Path, words: tuple[str, ...], text: str
    ) -> None:
        with pytest.raises(ConfigError, match=text):
            evaluate(config(EvalConfig, stills, "--out", str(tmp_path / "e"), *words))


RECIPES = sorted((Path(saccade.__file__).parent / "tasks" / "place" / "recipes").glob("*.yaml"))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
@pytest.mark.parametrize("kind", [TrainConfig, EvalConfig])
def test_every_recipe_fits_both_verbs(path: Path, kind: Any) -> None:
    cfg = parse(kind, ["--recipe", path.stem, "--root", "here"], "saccade", "test")
    assert cfg.data.root == Path("here")
    assert cfg.data.data in ("stills", "files") or cfg.data.data == path.stem


def test_unknown_recipe_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "place", "--recipe", "nordlnd"]) == 2
    assert "Did you mean 'nordland'" in capsys.readouterr().err


def test_missing_data_set_says_where_it_is_looked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SACCADE_DATA", raising=False)
    assert main(["train", "place", "--data", "brisbane"]) == 2
    assert "Where is the data set 'brisbane'" in capsys.readouterr().err
