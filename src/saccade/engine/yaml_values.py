"""A YAML node and the type it must have -> a value, or an error with file, line and field.

Unknown field 'v_treshold' in smoke.yaml:7 (model). Did you mean 'v_threshold' (float, default 1.0)?
"""

from __future__ import annotations

import dataclasses
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, NoReturn, cast, get_args, get_origin

import yaml

from saccade.engine.field_types import (
    default_of,
    describe,
    field_hints,
    is_union,
    type_name,
    union_members,
)
from saccade.errors import ConfigError, did_you_mean, listing

__all__ = ["Place", "parse_value"]

_TAG = "tag:yaml.org,2002:"


@dataclasses.dataclass(frozen=True)
class Place:
    """Where in which file a value stands.

    Args:
        source: File name.
        fields: Names of the enclosing fields.
    """

    source: str
    fields: tuple[str, ...] = ()

    def inside(self, name: str) -> Place:
        """Return the place of a field of this value."""
        return Place(self.source, (*self.fields, name))

    def at(self, node: Any) -> str:
        """Return ``"file:line (model.neuron)"``."""
        where = f" ({'.'.join(self.fields)})" if self.fields else ""
        return f"{self.source}:{node.start_mark.line + 1 if node.start_mark else 1}{where}"


def parse_value(node: Any, hint: Any, place: Place, base: Any = None) -> Any:
    """Read a node as a type.

    Args:
        node: YAML node.
        hint: Type of the field.
        place: Where it stands, for messages.
        base: Value whose fields fill those that a mapping leaves out.

    Raises:
        ConfigError: The node is something else.
    """
    if not str(node.tag).startswith(_TAG) or str(node.tag).startswith(_TAG + "python"):
        raise ConfigError(f"Tag {node.tag!r} in {place.at(node)}.", "Expected plain YAML.")
    if is_union(hint):
        return _union(node, hint, place, base)
    if dataclasses.is_dataclass(hint):
        return _dataclass(node, cast("type[Any]", hint), place, base)
    origin = get_origin(hint) or hint
    if origin is Literal:
        return _literal(node, hint, place)
    if origin in (tuple, list):
        return _sequence(node, hint, place)
    if origin is dict:
        return _mapping(node, hint, place)
    reader = _SCALARS.get(origin)
    if reader is None:
        raise ConfigError(f"A configuration cannot hold {type_name(hint)} ({place.at(node)}).")
    if not isinstance(node, yaml.ScalarNode):
        _refuse(node, hint, place)
    try:
        return reader(node)
    except ValueError:
        _refuse(node, hint, place)


def _dataclass(node: Any, cls: type[Any], place: Place, base: Any) -> Any:
    values: dict[str, Any] = {}
    hints = field_hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls) if field.init}
    for key, child in _items(node, cls, place):
        name = str(key.value)
        if name not in fields:
            raise _unknown_field(name, key, cls, fields, place)
        start = _start(fields[name], base)
        values[name] = parse_value(child, hints[name], place.inside(name), start)
    missing = [
        name
        for name, field in fields.items()
        if name not in values and base is None and default_of(field) is dataclasses.MISSING
    ]
    if missing:
        kinds = [f"{name} ({type_name(hints[name])})" for name in missing]
        raise ConfigError(f"Missing in {place.at(node)}: {listing(kinds)}.")
    try:
        return cls(**values) if base is None else dataclasses.replace(base, **values)
    except ConfigError as error:
        raise ConfigError(f"{place.at(node)}: {error.what}", error.expected, error.fix) from error


def _start(field: dataclasses.Field[Any], base: Any) -> Any:
    """The nested configuration that a mapping may change in part."""
    value = getattr(base, field.name) if base is not None else default_of(field)
    return value if dataclasses.is_dataclass(value) and not isinstance(value, type) else None


def _unknown_field(
    name: str, key: Any, cls: type[Any], fields: dict[str, Any], place: Place
) -> ConfigError:
    what = f"Unknown field {name!r} in {place.at(key)}."
    hint = did_you_mean(name, fields)
    if not hint:
        return ConfigError(what, f"Fields: {listing(fields, most=12)}.")
    close = hint.split("'")[1]
    return ConfigError(what, fix=f"Did you mean {close!r} ({describe(cls, close)})?")


def _items(node: Any, hint: Any, place: Place) -> list[tuple[Any, Any]]:
    if not isinstance(node, yaml.MappingNode):
        _refuse(node, hint, place)
    pairs = cast("list[tuple[Any, Any]]", node.value)
    seen: set[str] = set()
    for key, _ in pairs:
        if not isinstance(key, yaml.ScalarNode):
            raise ConfigError(f"A key in {place.at(key)} is not a word.")
        if key.value in seen:
            raise ConfigError(f"Field {key.value!r} stands twice, again in {place.at(key)}.")
        seen.add(key.value)
    return pairs


def _union(node: Any, hint: Any, place: Place, base: Any) -> Any:
    members = union_members(hint)
    if node.tag == _TAG + "null" and types.NoneType in members:
        return None
    classes = {type_name(member): member for member in members if dataclasses.is_dataclass(member)}
    if isinstance(node, yaml.MappingNode) and classes:
        return _alternative(node, classes, hint, place, base)
    for member in sorted(members, key=_text_last):
        try:
            return parse_value(node, member, place)
        except ConfigError:
            continue
    return _refuse(node, hint, place)


def _text_last(member: Any) -> int:
    """Any scalar reads as text, and any integer as a float, so the narrow types come first."""
    order: dict[Any, int] = {bool: 0, int: 1, float: 2, Path: 8, str: 9}
    return order.get(member, 3)


def _alternative(node: Any, classes: dict[str, Any], hint: Any, place: Place, base: Any) -> Any:
    pairs = cast("list[tuple[Any, Any]]", node.value)
    kinds = [child for key, child in pairs if getattr(key, "value", None) == "kind"]
    rest = [pair for pair in pairs if getattr(pair[0], "value", None) != "kind"]
    if len(classes) == 1:
        cls = next(iter(classes.values()))
        rest = pairs
    elif kinds:
        name = str(kinds[0].value)
        if name not in classes:
            raise ConfigError(
                f"Unknown kind {name!r} in {place.at(kinds[0])}.",
                did_you_mean(name, classes) or f"Expected one of {', '.join(classes)}.",
            )
        cls = classes[name]
    elif type_name(type(base)) in classes:
        cls = classes[type_name(type(base))]
    else:
        raise ConfigError(f"Missing 'kind' in {place.at(node)}.", f"Expected {type_name(hint)}.")
    body = yaml.MappingNode(node.tag, rest, node.start_mark, node.end_mark)
    return _dataclass(body, cls, place, base if type(base) is cls else None)


def _literal(node: Any, hint: Any, place: Place) -> Any:
    for choice in get_args(hint):
        try:
            value = parse_value(node, type(choice), place)
        except ConfigError:
            continue
        if value == choice:
            return choice
    words = [str(choice) for choice in get_args(hint)]
    raise ConfigError(
        f"{_shown(node)} in {place.at(node)}.",
        f"Expected {type_name(hint)}.",
        did_you_mean(str(node.value), words) if isinstance(node, yaml.ScalarNode) else "",
    )


def _sequence(node: Any, hint: Any, place: Place) -> Any:
    if not isinstance(node, yaml.SequenceNode):
        _refuse(node, hint, place)
    children = cast("list[Any]", node.value)
    kinds = get_args(hint)
    fixed = get_origin(hint) is tuple and not (len(kinds) == 2 and kinds[1] is Ellipsis)
    if fixed and len(children) != len(kinds):
        raise ConfigError(
            f"{len(children)} values in {place.at(node)}.", f"Expected {type_name(hint)}."
        )
    each = kinds if fixed else (kinds[0],) * len(children)
    values = [parse_value(child, kind, place) for child, kind in zip(children, each, strict=True)]
    return tuple(values) if get_origin(hint) is tuple else values


def _mapping(node: Any, hint: Any, place: Place) -> dict[str, Any]:
    kind = get_args(hint)[1]
    return {
        str(key.value): parse_value(child, kind, place.inside(str(key.value)))
        for key, child in _items(node, hint, place)
    }


def _refuse(node: Any, hint: Any, place: Place) -> NoReturn:
    raise ConfigError(f"{_shown(node)} in {place.at(node)}.", f"Expected {type_name(hint)}.")


def _shown(node: Any) -> str:
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value) if node.value else "An empty value"
    return "A mapping" if isinstance(node, yaml.MappingNode) else "A list"


def _bool(node: Any) -> bool:
    if node.tag != _TAG + "bool":
        raise ValueError
    return str(node.value).lower() in ("true", "yes", "on")


def _int(node: Any) -> int:
    if node.tag != _TAG + "int":
        raise ValueError
    return int(str(node.value).replace("_", ""), 0)


def _float(node: Any) -> float:
    # YAML 1.1 reads 1e-3 as text, because it has no dot; a field that says float settles it.
    if node.tag not in (_TAG + "int", _TAG + "float", _TAG + "str") or node.style in ("'", '"'):
        raise ValueError
    text = str(node.value).replace("_", "").lower()
    return float(text.replace(".inf", "inf").replace(".nan", "nan"))


def _text(node: Any) -> str:
    if node.tag == _TAG + "null":
        raise ValueError
    return str(node.value)


_SCALARS: dict[Any, Callable[[Any], Any]] = {
    bool: _bool,
    int: _int,
    float: _float,
    str: _text,
    Path: lambda node: Path(_text(node)),
    types.NoneType: lambda node: None if node.tag == _TAG + "null" else _refuse_none(),
}


def _refuse_none() -> NoReturn:
    raise ValueError
