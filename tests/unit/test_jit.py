"""The cache of compiled kernels follows every source file they may depend on."""

import importlib.util
import os
from pathlib import Path
from types import ModuleType

import pytest

from saccade import jit

CALLEE = """
from saccade.jit import kernel

@kernel
def step(x):
    return x + {add}
"""
CALLER = """
from callee import step
from saccade.jit import kernel

@kernel
def twice(x):
    return step(step(x))
"""


def load(path: Path) -> ModuleType:
    import sys

    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def test_changing_a_called_kernel_changes_its_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    (tmp_path / "caller.py").write_text(CALLER)
    for number, add in enumerate((1, 10)):
        (tmp_path / "callee.py").write_text(CALLEE.format(add=add))
        os.utime(tmp_path / "callee.py", ns=(number * 10**9, number * 10**9))
        importlib.invalidate_caches()
        jit.sources.cache_clear()
        load(tmp_path / "callee.py")
        assert load(tmp_path / "caller.py").twice(0) == 2 * add


def test_an_unchanged_kernel_is_taken_from_the_cache(tmp_path: Path) -> None:
    (tmp_path / "callee.py").write_text(CALLEE.format(add=1))
    for hits in (0, 1):
        jit.sources.cache_clear()
        step = load(tmp_path / "callee.py").step
        assert step(1) == 2
        assert sum(step.stats.cache_hits.values()) == hits


def test_kernels_of_the_package_are_cached_by_room() -> None:
    from saccade.events.survey import _count_pixels

    room = Path(jit.__file__).parent / "events"
    assert _count_pixels._cache._cache_file._source_stamp == jit.sources(room)
