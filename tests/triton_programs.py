"""Emitted Triton programs as modules; kernels are read from their file, so each has one."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType

from catalog.registry import load
from codegen.emit import emit

FOLDER = tempfile.TemporaryDirectory()


@cache
def text(name: str) -> str:
    """The Triton source of a method."""
    return emit(load(name), "triton")


@cache
def made(name: str) -> ModuleType:
    """The program of a method."""
    return imported(text(name))


def imported(source: str) -> ModuleType:
    """A source as a module whose operators are those of no other source."""
    digest = hashlib.sha256(source.encode()).hexdigest()[:12]
    path = Path(FOLDER.name) / f"emitted_{digest}.py"
    path.write_text(source.replace('"iconograph_', f'"iconograph_{digest}_'))
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # the compiler of torch looks for globals there
    spec.loader.exec_module(module)
    return module
