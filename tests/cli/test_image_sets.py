"""The command line on plain images: evaluation, check, lists of places, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from image_drives import pattern, write_image, write_nordland
from saccade.cli.main import main


def run(capsys: pytest.CaptureFixture[str], *words: str | Path) -> tuple[int, str, str]:
    code = main([str(word) for word in words])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture(scope="module")
def nordland(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_nordland(tmp_path_factory.mktemp("images"))


def test_plain_methods_are_evaluated(
    capsys: pytest.CaptureFixture[str], nordland: Path, tmp_path: Path
) -> None:
    code, out, err = run(
        capsys, "eval", "place", "--data", "images", "--root", nordland, "--baselines",
        "own_centred", "patch", "--every", "1", "--out", tmp_path / "run", "--json",
    )  # fmt: skip
    assert code == 0, err
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert [item["method"] for item in results] == ["own_centred", "patch"]
    assert all(item["recall@1"] == 1.0 and item["queries"] == 32 for item in results)
    assert (tmp_path / "run" / "report.html").stat().st_size > 10_000
    assert "nordland_imageNames.txt" in json.dumps(json.loads(out)["notes"])


def test_counts_of_one_channel_are_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    counts = np.random.default_rng(0).poisson(3.0, (12, 7, 7)).astype(np.uint16)
    np.savez(tmp_path / "few.npz", a=counts, b=counts, gt_a_b=np.eye(12))
    code, _, err = run(
        capsys, "eval", "place", "--data", "images", "--root", tmp_path / "few.npz", "--as-counts",
        "--baselines", "log_count", "--out", tmp_path / "run",
    )  # fmt: skip
    assert code == 0, err
    assert json.loads((tmp_path / "run" / "results.json").read_text())[0]["recall@1"] == 1.0


@pytest.mark.parametrize(
    "words",
    [
        ["train", "place", "--data", "images", "--recipe", "smoke"],
        ["eval", "place", "--data", "images", "--weights", "street-resnet8"],
    ],
)
def test_networks_need_event_counts(
    capsys: pytest.CaptureFixture[str], nordland: Path, words: list[str], tmp_path: Path
) -> None:
    parts = ["--train", "spring@0-4", "--val", "--tests", "summer:spring"]
    code, _, err = run(capsys, *words, "--root", nordland, *parts, "--out", tmp_path)
    assert code == 2
    assert "1 channel: grey values of images" in err and "--data stills" in err


def test_check_names_what_is_absent(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    base = write_nordland(tmp_path, ("spring", "summer"))
    code, out, _ = run(capsys, "data", "check", "images", "--root", base)
    assert code == 0 and "all 32 images that nordland_imageNames.txt lists" in " ".join(out.split())
    (base / "summer" / "images-00008.png").unlink()
    code, out, _ = run(capsys, "data", "check", "images", "--root", base)
    assert code == 1 and "1 of 32 images of summer" in " ".join(out.split())
    np.savez(tmp_path / "road.npz", day=np.zeros((2, 3, 4), np.uint8))
    for name in ("images", "stills"):
        assert run(capsys, "data", "check", name, "--root", tmp_path / "road.npz")[0] == 0


def test_place_lists_are_made(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for name, start in (("rain", 100), ("sun", 0)):
        lines = ["t_us,x,y"]
        for k in range(10):
            write_image(tmp_path / name / f"{(start + k) * 1_000_000}.png", pattern(k))
            lines.append(f"{(start + k) * 1_000_000},{10 * k},0")
        (tmp_path / f"{name}.positions.csv").write_text("\n".join(lines))
    words = ["prepare", "place-list", tmp_path, "--every", "3", "--tolerance-m", "2"]
    code, out, err = run(capsys, *words, "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["places"], told["dropped"]) == (4, 0)
    assert (tmp_path / "sun.txt").read_text() == "0.png\n3000000.png\n6000000.png\n9000000.png\n"
    assert len((tmp_path / "rain.txt").read_text().splitlines()) == 4
    code, _, err = run(capsys, *words)
    assert code == 2 and "--overwrite" in err
    code, _, err = run(capsys, *words, "--overwrite", "--positions", "sun")
    assert code == 2 and "NAME=FILE" in err
