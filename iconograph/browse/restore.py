"""Frozen data from the JSON that it was kept as, by the types that its fields declare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


def restored(kind: type[T], data: Any) -> T:
    """What `dataclasses.asdict` wrote for a `kind`, after a detour by JSON.

    >>> from codegen.site.plots import Curve
    >>> restored(Curve, {"label": "a", "points": [[0.0, 1.0]]})
    Curve(label='a', points=((0.0, 1.0),))

    Raises KeyError, TypeError or ValueError where the data are not those of a `kind`.
    """
    found: T = _value(kind, data)
    return found


def _value(kind: Any, data: Any) -> Any:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is tuple:
        if inside[-1] is Ellipsis:
            return tuple(_value(inside[0], x) for x in data)
        return tuple(_value(k, x) for k, x in zip(inside, data, strict=True))
    if origin is Mapping or origin is dict:
        return {key: _value(inside[1], x) for key, x in data.items()}
    if isinstance(kind, type) and is_dataclass(kind):
        hints = _hints(kind)
        return kind(**{f.name: _value(hints[f.name], data[f.name]) for f in fields(kind)})
    return data


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)
