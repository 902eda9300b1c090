"""Public functions and classes say what they are; examples in docstrings run."""

import doctest
import importlib
import inspect
import pkgutil

import pytest

import saccade

MODULES = [
    found.name
    for found in pkgutil.walk_packages(saccade.__path__, "saccade.")
    if found.name != "saccade.__main__" and "triton" not in found.name
]


@pytest.mark.parametrize("name", MODULES)
def test_public_names_have_docstrings(name: str) -> None:
    module = importlib.import_module(name)
    assert module.__doc__, name
    missing = [
        public
        for public in getattr(module, "__all__", [])
        if inspect.isfunction(item := getattr(module, public)) or inspect.isclass(item)
        if not item.__doc__
    ]
    assert not missing


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    module = importlib.import_module(name)
    outcome = doctest.testmod(
        module, optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE, raise_on_error=False
    )
    assert outcome.failed == 0
