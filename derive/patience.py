"""Time for a search, in seconds of the processor: a busy machine finds what an idle one does.

The rules refuse after a deadline of the clock on the wall. It is set anew whenever a search takes
its next step, by how much time is left and how much slower than the processor the clock has been.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import monotonic, process_time

from derive.terms import deadline

SLOWEST = 10.0  # times that a clock may be slower before the machine is taken to hang


@dataclass
class Patience:
    """Seconds of the processor that a search may still take; `outer` is a deadline around it."""

    left: float
    outer: float
    wall: float
    used: float

    def spent(self) -> bool:
        """Whether the time is used up; otherwise the deadline is set anew."""
        used = process_time() - self.used
        gone = monotonic() - self.wall
        slower = min(max(gone / used, 1.0), SLOWEST) if used > 0.1 else 2.0
        rest = self.left - used
        deadline[0] = min(self.outer, monotonic() + max(rest, 0.0) * slower)
        return rest <= 0

    def at_most(self, seconds: float) -> None:
        """End after `seconds` more, unless that is later than before."""
        self.left = min(self.left, process_time() - self.used + seconds)
        self.spent()


@contextmanager
def patience(seconds: float) -> Iterator[Patience]:
    """Rules refuse after about `seconds` more of the processor."""
    before = deadline[0]
    found = Patience(seconds, before, monotonic(), process_time())
    found.spent()
    try:
        yield found
    finally:
        deadline[0] = before
