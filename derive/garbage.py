"""How often Python looks for garbage while a claim is judged: terms live on, so seldom among them.

Terms and what is known of them outlive the verdict. A full collection walks through all of them and
frees nothing: a tenth of the time went there. Young objects are still looked at, and what lives
when the verdict is there is not looked at again.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

NEVER = 1_000_000  # collections of the second generation before one of the third


@contextmanager
def young_only() -> Iterator[None]:
    """No full collections meanwhile; also a decorator."""
    before = gc.get_threshold()
    gc.set_threshold(*before[:2], NEVER)
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(*before)
