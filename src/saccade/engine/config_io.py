"""Configuration dataclasses to YAML and back, checked field by field against their types.

    decay: 0.5               model: {v_threshold: 0.8}  ->  Config(decay=0.5, model=Model(0.8))

Fields are int, float, bool, str, Path, None, Literal, tuples, lists, dicts with str keys, other
dataclasses and unions of these; a union of dataclasses is told apart by a ``kind`` key with the
class name. The parser looks at the text of each value and the type of its field, so ``1e-3`` is a
float and ``no`` a string where the field says so. Nothing in the file is ever executed.
"""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import yaml

from saccade.engine.field_types import (
    field_hints,
    is_union,
    type_name,
    union_members,
)
from saccade.engine.yaml_values import Place, parse_value
from saccade.errors import ConfigError, MissingFileError, listing
from saccade.files import write_atomically

__all__ = ["from_yaml", "load_config", "save_config", "to_plain", "to_yaml"]

ConfigT = TypeVar("ConfigT")


def to_plain(value: Any) -> Any:
    """Return a configuration (or any nest of values) as dicts, lists, numbers, text and None.

    Examples:
        >>> from saccade.events.types import SensorSize
        >>> to_plain({"size": SensorSize(260, 346), "files": (Path("a.raw"),)})
        {'size': {'height': 260, 'width': 346}, 'files': ['a.raw']}
    """
    if isinstance(value, type):
        return value.__name__
    if dataclasses.is_dataclass(value):
        hints = field_hints(type(value))
        return {
            field.name: _tagged(getattr(value, field.name), hints[field.name])
            for field in dataclasses.fields(value)
            if field.init
        }
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, (list, tuple)):
        return [to_plain(item) for item in cast("list[Any]", value)]
    if isinstance(value, Path):
        return value.as_posix()
    if isinstance(value, (np.ndarray, np.generic)):
        return cast(Any, value).tolist()
    return value


def to_yaml(config: Any) -> str:
    """Return every field of a configuration as YAML, in the order of the class.

    Examples:
        >>> from saccade.events.types import SensorSize
        >>> print(to_yaml(SensorSize(260, 346)), end="")
        height: 260
        width: 346
    """
    return yaml.safe_dump(
        to_plain(config), sort_keys=False, allow_unicode=True, default_flow_style=False, width=100
    )


def save_config(config: Any, path: str | Path) -> Path:
    """Write a configuration as a YAML file, whole or not at all."""
    return write_atomically(Path(path), to_yaml(config).encode())


def load_config(
    cls: type[ConfigT], path: str | Path, *, base: ConfigT | None = None, section: str = ""
) -> ConfigT:
    """Read a YAML file into a configuration.

    Args:
        cls: The dataclass.
        path: The file.
        base: Values of the fields that the file leaves out; the class's defaults without it.
        section: Key of the file under which the configuration stands; the whole file without.

    Raises:
        MissingFileError: There is no such file.
        ConfigError: A field is unknown, missing or of another type, or the file is not YAML; the
            message names file, line and field.
    """
    try:
        text = Path(path).read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise MissingFileError(f"No such file: {path} (looked in {Path.cwd()}).") from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"Cannot read {path}: {error}.") from error
    return from_yaml(cls, text, source=str(path), base=base, section=section)


def from_yaml(
    cls: type[ConfigT],
    text: str,
    *,
    source: str = "<text>",
    base: ConfigT | None = None,
    section: str = "",
) -> ConfigT:
    """Read YAML text into a configuration; see `load_config`.

    Args:
        cls: The dataclass.
        text: YAML.
        source: Name of the text in messages.
        base: Values of the fields that the text leaves out.
        section: Key under which the configuration stands; the whole text without.

    Examples:
        >>> from saccade.events.types import SensorSize
        >>> from_yaml(SensorSize, "height: 260\\nwidth: 346")
        SensorSize(height=260, width=346)
    """
    try:
        node = cast(Any, yaml).compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{source}:{line} is not YAML: {error.problem}.") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{source} is not YAML: {error}.") from error
    if section:
        node = _section(node, section, source)
    if node is None:
        node = yaml.MappingNode("tag:yaml.org,2002:map", [])
    return cast(ConfigT, parse_value(node, cls, Place(source), base))


def _section(node: Any, name: str, source: str) -> Any:
    """Return the node under a key of a mapping."""
    pairs: list[Any] = cast(Any, node).value if isinstance(node, yaml.MappingNode) else []
    found: dict[str, Any] = {str(key.value): value for key, value in pairs}
    if name not in found:
        raise ConfigError(
            f"{source} has no section {name!r}.", f"It has {listing(found) or 'none'}."
        )
    return found[name]


def _tagged(value: Any, hint: Any) -> Any:
    """Add the ``kind`` that tells the dataclasses of a union apart."""
    plain = to_plain(value)
    if isinstance(value, float) and not math.isfinite(value):
        return value
    if is_union(hint) and dataclasses.is_dataclass(value):
        alternatives = [
            member for member in union_members(hint) if dataclasses.is_dataclass(member)
        ]
        if len(alternatives) > 1:
            return {"kind": type_name(type(value)), **plain}
    return plain
