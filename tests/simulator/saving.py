# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state of the world as one JSON file, and back: quick enough for 100,000 devices."""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import types
import typing
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .devices import Device
from .state import State

Maker = Callable[[Any], Any]


@functools.cache
def maker(kind: Any) -> Maker | None:
    """What makes a thing of this kind out of what was saved of it; None where that is the thing itself.

    kind is a dataclass or one of the generic types used above."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        return optional(maker(next(one for one in arguments if one is not types.NoneType)))
    if origin is list:
        return of_list(maker(arguments[0]))
    if origin is dict:
        return of_dict(maker(arguments[1]))
    if kind is Device:
        return Device.unpacked
    return of_dataclass(kind) if dataclasses.is_dataclass(kind) else None


def optional(inner: Maker | None) -> Maker | None:
    return inner and (lambda data: None if data is None else inner(data))


def of_list(inner: Maker | None) -> Maker | None:
    return inner and (lambda data: [inner(one) for one in data])


def of_dict(inner: Maker | None) -> Maker | None:
    return inner and (lambda data: {key: inner(value) for key, value in data.items()})


def of_dataclass(kind: Any) -> Maker:
    makers = {name: made for name, hint in typing.get_type_hints(kind).items() if (made := maker(hint))}

    def make(data: dict[str, Any]) -> Any:
        return kind(**{name: makers[name](value) if name in makers else value for name, value in data.items()})

    return make


@functools.cache
def usual_values(kind: Any) -> tuple[tuple[str, Any], ...]:
    """The names that are saved, and the value of each that need not be."""

    def usual(each: dataclasses.Field[Any]) -> Any:
        if each.default_factory is not dataclasses.MISSING:
            return each.default_factory()
        return each.default

    return tuple((each.name, usual(each)) for each in dataclasses.fields(kind) if each.init)


def saved(tree: Any) -> dict[str, Any]:
    """One dataclass for JSON: what it was made with and is not as usual, without what it makes of that itself."""
    if isinstance(tree, Device):
        return tree.packed()
    every = ((name, getattr(tree, name), usual) for name, usual in usual_values(tree.__class__))
    return {name: value for name, value, usual in every if value is not usual and value != usual}


def load(folder: Path) -> State:
    path = folder / "state.json"
    return of_dataclass(State)(json.loads(path.read_text())) if path.exists() else State()


def save(folder: Path, state: State) -> None:
    path, new = folder / "state.json", folder / "state.json.new"
    new.write_text(json.dumps(state, default=saved))
    os.replace(new, path)
