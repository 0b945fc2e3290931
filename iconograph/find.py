"""From what a person names a method by to the method."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, TypeAlias

from catalog import registry
from catalog.spec import Method

if TYPE_CHECKING:
    from iconograph.display import Loss

Named: TypeAlias = "str | os.PathLike[str] | Method | Loss"
"""An id, an alias, the path of a method file, or a method."""


def resolve(method: Named) -> Method:
    """The `Method` that `method` names.

    A text that ends in .toml or holds a slash is taken for a path, any other for an id or alias.

    Raises:
        InputError: there is no such method, or its file is wrong.
    """
    if isinstance(method, Method):
        return method
    if not isinstance(method, str | os.PathLike):
        return method.method
    path = os.fspath(method)
    if isinstance(method, str) and not (path.endswith(".toml") or "/" in path or os.sep in path):
        return registry.load(path)
    from catalog import plugins
    from catalog.load import load_file

    plugins.installed()  # a file of one's own may use their kernels
    return load_file(path)


def catalog_methods() -> tuple[Method, ...]:
    """Every method of the catalog and of plug-ins, by id."""
    return tuple(registry.all_methods())
