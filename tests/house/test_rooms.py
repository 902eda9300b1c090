"""The house rules that can be counted: file sizes, room names, lookup tables, who prints."""

import ast
import importlib
from pathlib import Path

import pytest

import saccade
from saccade.events.io.formats import FORMATS, get_format
from saccade.represent import REPRESENTATIONS
from saccade.tasks import TASKS

SOURCE = Path(saccade.__file__).parent
FILES = sorted(SOURCE.rglob("*.py"))

LONG_FILES: dict[str, str] = {}
"""Files over 400 lines, each with its reason. Empty is how it should stay."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_file_has_at_most_400_lines(path: Path) -> None:
    name = str(path.relative_to(SOURCE))
    lines = len(path.read_text().splitlines())
    assert lines <= 400 or name in LONG_FILES, f"{name} has {lines} lines"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))
def test_functions_stay_short_enough_to_read(path: Path) -> None:
    long = [
        f"{node.name}: {_code_lines(node)}"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and _code_lines(node) > 60
    ]
    assert not long, f"{path.name}: functions over 60 lines without their docstring: {long}"


def _code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    body = node.body[1:] if ast.get_docstring(node) else node.body
    return (node.end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_no_room_without_a_subject() -> None:
    forbidden = {"utils", "common", "helpers", "misc", "core", "shared"}
    names = {part for path in FILES for part in path.relative_to(SOURCE).with_suffix("").parts}
    assert not names & forbidden


def test_no_room_is_empty() -> None:
    rooms = {path for path in SOURCE.rglob("*") if path.is_dir() and path.name != "__pycache__"}
    empty = [room.name for room in rooms if not any(room.rglob("*.[py]*"))]
    assert not empty


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_record_imports_and_knows_its_name(name: str) -> None:
    assert get_format(name).name == name


@pytest.mark.parametrize("name", REPRESENTATIONS)
def test_every_representation_imports(name: str) -> None:
    module, _, attribute = REPRESENTATIONS[name].partition(":")
    assert callable(getattr(importlib.import_module(module), attribute))


@pytest.mark.parametrize("name", TASKS)
def test_every_task_answers_its_verbs(name: str) -> None:
    entry = TASKS[name]
    task = importlib.import_module(entry.task)
    for verb, config in importlib.import_module(entry.config).VERBS.items():
        assert callable(getattr(task, verb))
        assert config.__doc__


@pytest.mark.parametrize("name", TASKS)
def test_every_task_room_has_the_same_files(name: str) -> None:
    room = SOURCE / "tasks" / name
    expected = {"README.md", "task.py", "config.py", "data.py", "model.py", "recipes"}
    assert expected <= {path.name for path in room.iterdir()}
    assert (room / "recipes" / "smoke.yaml").exists()


def test_rooms_of_tasks_do_not_know_each_other() -> None:
    for name in TASKS:
        others = [other for other in TASKS if other != name]
        for path in (SOURCE / "tasks" / name).rglob("*.py"):
            text = path.read_text()
            assert not [other for other in others if f"tasks.{other} " in text]


def test_no_machine_path_in_the_repository() -> None:
    import re

    pattern = re.compile(r"(^|[^A-Za-z0-9_.])/(work|root|tmp|home)/[A-Za-z0-9]")
    found = [
        f"{path.relative_to(SOURCE)}:{number}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found
