"""What the reference page would stumble over, found without building it."""

import ast
import importlib
import inspect
import re
from collections import Counter
from pathlib import Path

import pytest

import saccade

ROOT = Path(__file__).parents[2]
SOURCE = Path(saccade.__file__).parent
ENTRIES = re.findall(
    r"^::: (\S+)$((?:\n    .*)*)", (ROOT / "docs" / "reference.md").read_text(), flags=re.MULTILINE
)
DESCRIBED = [name for name, options in ENTRIES if "members: false" not in options]


@pytest.mark.parametrize("path", sorted(SOURCE.rglob("*.py")), ids=lambda path: path.stem)
def test_examples_stand_under_the_heading_that_is_read_as_code(path: Path) -> None:
    # under "Example:" the page generator reads prose, and [2, 1] as a link
    docs = [
        ast.get_docstring(node) or ""
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    headed = re.compile(r"^ *Example:$", flags=re.MULTILINE)
    assert not [doc for doc in docs if headed.search(doc)], "write Examples: over doctests"


@pytest.mark.parametrize("name", DESCRIBED)
def test_prose_of_the_reference_has_no_bracket_that_reads_as_a_link(name: str) -> None:
    module = importlib.import_module(name)
    found = {
        public: _links(inspect.getdoc(getattr(module, public)) or "")
        for public in module.__all__
        if inspect.isfunction(item := getattr(module, public)) or inspect.isclass(item)
    }
    assert not {public: links for public, links in found.items() if links}


def _links(doc: str) -> list[str]:
    prose = re.sub(r"^Examples:\n(?:(?:    .*)?\n)*", "", doc + "\n", flags=re.MULTILINE)
    prose = re.sub(r"\n\n(?:    .*\n)+", "\n\n", prose)  # equations: a block of their own
    prose = re.sub(r"``.*?``|`.*?`", "", prose, flags=re.DOTALL)
    return re.findall(r"\[[^\]\n]+\]", prose)


def test_nothing_is_described_twice() -> None:
    modules = [importlib.import_module(name) for name in DESCRIBED]
    found = Counter(
        f"{item.__module__}.{item.__qualname__}"
        for module in modules
        for item in (getattr(module, public) for public in module.__all__)
        if inspect.isfunction(item) or inspect.isclass(item)
    )
    assert found
    assert not [name for name, times in found.items() if times > 1]
