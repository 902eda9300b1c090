"""What ``import saccade`` and ``saccade --help`` may load."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "numba", "h5py", "matplotlib", "scipy", "aedat")


def loaded_after(code: str) -> set[str]:
    report = f"print('\\n'.join(set({HEAVY!r}) & set(sys.modules)), file=sys.stderr)"
    script = f"import sys\n{code}\n{report}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split()) & set(HEAVY)


@pytest.mark.parametrize(
    "code",
    [
        "import saccade",
        "from saccade import Events, SensorSize",
        "import saccade.contracts, saccade.errors, saccade.optional",
        "from saccade.cli.main import main; main(['--help'])",
        "from saccade.cli.main import main; main([])",
        "from saccade.cli.main import main; main(['--version'])",
        "from saccade.cli.main import main; main(['inof'])",
    ],
)
def test_loads_nothing_heavy(code: str) -> None:
    assert loaded_after(code) == set()


@pytest.mark.parametrize("verb", ["predict place", "retrieve place"])
def test_help_of_a_task_verb_loads_no_torch(verb: str) -> None:
    code = f"""
from saccade.cli.main import main
try:
    main({verb.split()!r} + ['--help'])
except SystemExit:
    pass
"""
    assert "torch" not in loaded_after(code)


@pytest.mark.parametrize(
    "module", ["saccade.events", "saccade.events.io", "saccade.retrieval", "saccade.traverses"]
)
def test_lower_floors_never_load_torch(module: str) -> None:
    code = f"""
import importlib, pkgutil
package = importlib.import_module({module!r})
for found in pkgutil.walk_packages(package.__path__, {module!r} + '.'):
    importlib.import_module(found.name)
"""
    assert "torch" not in loaded_after(code)
