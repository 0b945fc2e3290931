"""iconograph: a workshop for representation-learning losses on the I-Con framework.

    >>> import iconograph as ic
    >>> ic.load("supcon").name
    'Supervised contrastive learning, L_out'

Four verbs, each also a command of the command line: `load` a method, `verify` its claim,
`generate` code for it, `check` a certificate; `compose` puts a new loss together, `verify_code`
says which loss code computes. Importing this
package imports nothing heavy; a verb fetches what it needs when it is first used.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from iconograph.rooms import open_rooms

if TYPE_CHECKING:
    from iconograph.api import check, compose, generate, load, methods, verify, verify_code

__version__ = "0.1.0"
__all__ = [
    "__version__", "check", "compose", "generate", "load", "methods", "verify", "verify_code",
]  # fmt: skip

open_rooms(Path(__file__).parent)


def __getattr__(name: str) -> object:
    if name in __all__:
        from iconograph import api

        return getattr(api, name)
    raise AttributeError(
        f"module 'iconograph' has no attribute {name!r}; it has {', '.join(__all__)}"
    )


def __dir__() -> list[str]:
    return __all__
