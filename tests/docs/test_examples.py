"""The examples and the README run as they stand."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
README = (ROOT / "README.md").read_text()
PYTHON_BLOCKS = re.findall(r"```python\n(.*?)```", README, flags=re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs_and_is_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 60
    done = subprocess.run(
        [sys.executable, str(path)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize("number", range(len(PYTHON_BLOCKS)))
def test_python_of_the_readme_runs(number: int) -> None:
    code = "\n".join(PYTHON_BLOCKS[: number + 1])
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr


def test_shapes_in_readme_comments_are_true() -> None:
    names: dict[str, object] = {}
    code = PYTHON_BLOCKS[0].replace("tests/data", str(ROOT / "tests" / "data"))
    exec(code, names)
    assert repr(names["events"]) == "Events(n=343,474, 2.078 s, 640x480)"
    assert tuple(names["frame"].shape) == (2, 480, 640)  # type: ignore[attr-defined]


def readme_commands() -> list[str]:
    lines = re.findall(r"^    (saccade .*?)(?:  +.*)?$", README, flags=re.MULTILINE)
    return [line.strip() for line in lines]


def test_readme_commands_name_verbs_that_exist() -> None:
    from saccade.cli.main import VERBS

    commands = readme_commands()
    assert len(commands) >= 3
    assert {shlex.split(command)[1] for command in commands} <= set(VERBS)


@pytest.mark.slow
@pytest.mark.parametrize("command", readme_commands())
def test_readme_commands_run(command: str, tmp_path: Path) -> None:
    import shutil

    recording = ROOT / "tests" / "data" / "ros_640x480_repacked.raw"
    words = shlex.split(command)[1:]
    for word in words:
        if word.endswith(".raw"):
            shutil.copy(recording, tmp_path / word)
    done = subprocess.run(
        [sys.executable, "-m", "saccade", *words],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_links_of_the_readme_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#:]+)\)", README)
    assert not [target for target in targets if not (ROOT / target).exists()]
