"""What a plug-in is written with: a folder of method files, references, and kernels.

A package adds to the catalog by naming a `Plugin` in its pyproject.toml,

    [project.entry-points."iconograph.catalog"]
    my-losses = "my_package:plugin"

and `examples/plugin-example` is one.
"""

from __future__ import annotations

from catalog.kernels import Param, PKernel, QKernel
from catalog.plugins import Plugin

__all__ = ["PKernel", "Param", "Plugin", "QKernel"]
