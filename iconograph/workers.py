"""Sharing work among processes, so that an interrupt reaches the one that the user started only."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from multiprocessing import active_children, get_context
from queue import SimpleQueue
from typing import TypeVar

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(
    work: Callable[[Item], Done],
    items: Sequence[Item],
    jobs: int = 1,
    step: Callable[[], object] = lambda: None,
) -> list[Done]:
    """`work` of every item, in order, by `jobs` processes of which this is one.

    `step` is called once for every item that is done, perhaps in another thread. The others begin
    at the front and this process at the end, where it takes what none of them has taken: they need
    a while to start, so the longest items stand best at the front. `work` is a function of a
    module or a `partial` of one, since the others import it. What `work` raises, or an interrupt,
    ends the other processes and is raised here.
    """
    jobs = min(jobs, len(items))
    if jobs < 2:
        return [_then(step, work(item)) for item in items]
    left = deque(range(len(items)))
    ended: SimpleQueue[tuple[int, Future[Done]]] = SimpleQueue()

    def begin() -> None:
        if (k := _taken(left.popleft)) is not None:
            pool.submit(work, items[k]).add_done_callback(partial(end, k))

    def end(k: int, future: Future[Done]) -> None:
        ended.put((k, future))
        if future.exception() is None:
            step()
            with suppress(RuntimeError):  # the pool is being ended by an error elsewhere
                begin()

    done: dict[int, Done] = {}
    strangers = set(active_children())
    # spawned, not forked: a pool has threads, and a fork would copy the locks they hold
    with ProcessPoolExecutor(
        jobs - 1, mp_context=get_context("spawn"), initializer=leave_interrupts
    ) as pool:
        try:
            with sheltered():
                for _ in range(jobs):  # one more than there are others, so that none has to wait
                    begin()
            while (ours := _taken(left.pop)) is not None:
                done[ours] = _then(step, work(items[ours]))
            while len(done) < len(items):
                k, future = ended.get()
                done[k] = future.result()
        except BaseException:  # an interrupt or a bug: nobody waits for the others
            left.clear()
            for child in set(active_children()) - strangers:
                child.terminate()
            raise
    return [done[k] for k in range(len(items))]


def _taken(take: Callable[[], int]) -> int | None:
    """What is taken from either end, None where nothing is left: one step, so no two get it."""
    with suppress(IndexError):
        return take()
    return None


def _then(step: Callable[[], object], done: Done) -> Done:
    step()
    return done


def leave_interrupts() -> None:
    """In a worker: an interrupt is for the process that the user started."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


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
