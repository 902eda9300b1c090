"""Types of configuration fields: resolve them, name them for people, find defaults."""

from __future__ import annotations

import dataclasses
import types
from pathlib import Path
from typing import Any, Literal, Union, cast, get_args, get_origin, get_type_hints

__all__ = ["default_of", "describe", "field_hints", "is_union", "type_name", "union_members"]


def field_hints(cls: type[Any]) -> dict[str, Any]:
    """Return field name -> type, with forward references resolved and Annotated stripped."""
    return get_type_hints(cls)


def is_union(hint: Any) -> bool:
    """Whether a type is ``A | B``."""
    return get_origin(hint) in (Union, types.UnionType)


def union_members(hint: Any) -> tuple[Any, ...]:
    """Return the members of ``A | B``, None as NoneType."""
    return get_args(hint)


def type_name(hint: Any) -> str:
    """Return a type as people write it.

    Examples:
        >>> type_name(float), type_name(int | None), type_name(Literal["a", "b"])
        ('float', 'int or none', "'a' or 'b'")
        >>> type_name(tuple[int, ...]), type_name(tuple[int, float])
        ('list of int', '[int, float]')
    """
    if is_union(hint):
        return " or ".join(type_name(member) for member in union_members(hint))
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(repr(choice) for choice in arguments)
    if origin is tuple and not (len(arguments) == 2 and arguments[1] is Ellipsis):
        return f"[{', '.join(type_name(item) for item in arguments)}]"
    if origin in (tuple, list):
        return f"list of {type_name(arguments[0])}"
    if origin is dict:
        return f"mapping to {type_name(arguments[1])}"
    plain = {type(None): "none", Path: "path", str: "text", bool: "true or false"}
    return plain.get(hint) or str(getattr(hint, "__name__", hint))


def default_of(field: dataclasses.Field[Any]) -> Any:
    """Return the default of a field, `dataclasses.MISSING` where it has none."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return cast(Any, field.default)


def describe(cls: type[Any], name: str) -> str:
    """Return type and default of a field: ``"float, default 1.0"``.

    Examples:
        >>> from saccade.events.types import SensorSize
        >>> describe(SensorSize, "height")
        'int, no default'
    """
    field = next(field for field in dataclasses.fields(cls) if field.name == name)
    kind, default = type_name(field_hints(cls)[name]), default_of(field)
    if default is dataclasses.MISSING:
        return f"{kind}, no default"
    if dataclasses.is_dataclass(default):
        return kind
    return f"{kind}, default {'none' if default is None else default}"
