"""Starting worker processes so that an interrupt reaches the process that the user started only."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def sheltered() -> Iterator[None]:
    """While workers start: they inherit that SIGINT is blocked; one that comes now is kept.

    A worker says itself that it leaves interrupts alone, but until it does so Ctrl-C, which goes to
    all processes in the foreground, would end it with a traceback.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    from multiprocessing import resource_tracker

    resource_tracker.ensure_running()  # starting it later would lift the block
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
