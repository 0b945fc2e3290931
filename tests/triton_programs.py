"""Emitted Triton programs as modules."""

from __future__ import annotations

from functools import cache
from types import ModuleType

from catalog.registry import load
from codegen.emit import emit
from codegen.execute import interpreted


@cache
def text(name: str) -> str:
    """The Triton source of a method."""
    return emit(load(name), "triton")


@cache
def made(name: str) -> ModuleType:
    """The program of a method."""
    return interpreted(text(name))
