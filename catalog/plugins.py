"""Plug-ins: other people's packages that add methods and kernels to the catalog.

A package names a `Plugin` as an entry point of the group "iconograph.catalog". What is wrong with a
plug-in is said in one sentence by `problems()` and does no other harm: a plug-in that cannot be
read is left out whole, and so is one whose kernel has the name of another, for its methods would
then mean something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from catalog.errors import InputError, clipped
from catalog.kernels import P_KERNELS, Q_KERNELS, PKernel, QKernel, register

GROUP = "iconograph.catalog"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*\Z")


@dataclass(frozen=True)
class Plugin:
    """What a package adds to the catalog.

    `methods` is a folder of method files, `references` a BibTeX file with what they cite, `kernels`
    are supervisory and learned kernels in the formula language, as in `catalog/kernels.py`.
    """

    methods: Path | None = None
    references: Path | None = None
    kernels: tuple[PKernel | QKernel, ...] = ()


@dataclass(frozen=True)
class Installed:
    """A plug-in that was read: the name of its entry point, of its package, and what it adds."""

    name: str
    package: str
    plugin: Plugin


_problems: dict[str, None] = {}
_registered: list[PKernel | QKernel] = []


def problems() -> tuple[str, ...]:
    """What was wrong with the plug-ins looked at so far, a sentence each. Looks at none itself."""
    return tuple(_problems)


def report(plugin: str, what: str) -> None:
    """Remember what is wrong with a plug-in."""
    _problems[clipped(f"plug-in {plugin!r}: {what}")] = None


@cache
def installed() -> tuple[Installed, ...]:
    """Every plug-in of this environment that can be read, by name; their kernels are registered.

    The first call runs the code of the plug-ins.
    """
    return tuple(found for point in _points() if (found := _read(point)) is not None)


def forget() -> None:
    """Take the kernels of plug-ins out again, so that all is read anew."""
    installed.cache_clear()
    _problems.clear()
    while _registered:
        kernel = _registered.pop()
        (P_KERNELS if isinstance(kernel, PKernel) else Q_KERNELS).pop(kernel.name)


def _points() -> Iterator[EntryPoint]:
    """The entry points of the group, each once, in a fixed order."""
    seen = set()
    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        if (point.name, point.value) not in seen:
            seen.add((point.name, point.value))
            yield point


def _read(point: EntryPoint) -> Installed | None:
    package = point.dist.name if point.dist else ""
    try:
        plugin = point.load()
    # a plug-in is other people's code, and may raise anything or try to end the process
    except (Exception, SystemExit) as error:
        report(point.name, f"it was left out, {point.value} fails: {_said(error)}")
        return None
    if not isinstance(plugin, Plugin):
        report(point.name, f"it was left out, {point.value} is no iconograph.plugin.Plugin")
        return None
    if wrong := _first_wrong(plugin):
        report(point.name, f"it was left out, {wrong}")
        return None
    for kernel in plugin.kernels:
        register(kernel)
        _registered.append(kernel)
    return Installed(point.name, package, plugin)


def _said(error: BaseException) -> str:
    text = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
    return " ".join(text.split())


def _first_wrong(plugin: Plugin) -> str:
    """What is wrong with a plug-in as a whole, "" if nothing is."""
    if plugin.methods is not None and not Path(plugin.methods).is_dir():
        return f"there is no folder {plugin.methods}"
    if plugin.references is not None and not Path(plugin.references).is_file():
        return f"there is no file {plugin.references}"
    taken: set[tuple[bool, str]] = {(True, n) for n in P_KERNELS} | {(False, n) for n in Q_KERNELS}
    for kernel in plugin.kernels:
        if not isinstance(kernel, PKernel | QKernel):
            return f"{kernel!r} is no kernel"
        if not NAME.match(kernel.name):
            return f"a kernel cannot be called {kernel.name!r}"
        key = (isinstance(kernel, PKernel), kernel.name)
        if key in taken:
            return f"a kernel named {kernel.name!r} exists already"
        taken.add(key)
        if wrong := _template_wrong(kernel):
            return f"the kernel {kernel.name!r} {wrong}"
    return ""


def _template_wrong(kernel: PKernel | QKernel) -> str:
    from lark import UnexpectedInput

    from catalog.formula import grammar

    if isinstance(kernel, PKernel):
        if kernel.base and kernel.base not in P_KERNELS:
            return f"has an unknown base {kernel.base!r}"
        texts = {"template": (kernel.template, "cond" if kernel.form == "set" else "expr")}
    else:
        parts = ("score", "kernel", "log_kernel")
        texts = {part: (getattr(kernel, part), "expr") for part in parts}
    for part, (text, start) in texts.items():
        try:
            grammar().parse(text, start=start)
        except UnexpectedInput:
            return f"has a {part} that is no formula: {text!r}"
    return ""
