"""Public names are a reviewed file: a name that appears or goes away must show in the diff.

After a wanted change: ``python tests/house/test_public_names.py`` rewrites the snapshot.
"""

import importlib
import json
import pkgutil
from pathlib import Path

import saccade

SNAPSHOT = Path(__file__).with_name("public_names.json")


def public_names() -> dict[str, list[str]]:
    names = {"saccade": sorted(saccade.__all__)}
    for found in pkgutil.walk_packages(saccade.__path__, "saccade."):
        if found.name.rpartition(".")[2].startswith("_"):
            continue
        module = importlib.import_module(found.name)
        names[found.name] = sorted(getattr(module, "__all__", []))
    return names


def test_public_names_are_the_reviewed_ones() -> None:
    now, before = public_names(), json.loads(SNAPSHOT.read_text())
    changed = {
        name: {"now": now.get(name), "before": before.get(name)}
        for name in now.keys() | before.keys()
        if now.get(name) != before.get(name)
    }
    assert not changed, f"rewrite the snapshot if this is meant: {json.dumps(changed, indent=1)}"


def test_every_public_name_exists() -> None:
    for module, names in public_names().items():
        for name in names:
            assert hasattr(importlib.import_module(module), name), f"{module}.{name}"


if __name__ == "__main__":
    SNAPSHOT.write_text(json.dumps(public_names(), indent=1) + "\n")
