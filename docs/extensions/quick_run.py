"""The arguments that the gallery gives an example: its quick form, which leaves docs/ alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class QuickRun:
    """What sphinx-gallery calls for the arguments of a script; named, so that it can be stored."""

    def __repr__(self) -> str:
        return "QuickRun()"

    def __call__(self, conf: Mapping[str, Any], variables: Mapping[str, Any]) -> list[str]:
        """See above."""
        return ["--quick"]
