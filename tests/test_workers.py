"""Work shared among processes: all of it is done once, in order, and what goes wrong is raised.

The work is `eval` of a text, since other processes must be able to import it.
"""

import math
import multiprocessing
import os
import time

import pytest

from iconograph.workers import each

SLOW = "__import__('time').sleep(0.5) or __import__('os').getpid()"


@pytest.mark.parametrize("jobs", [1, 3])
def test_every_item_is_done_once_and_stands_in_its_place(jobs: int) -> None:
    items = [5, 0, 3, 7, 1, 6, 2, 4]
    steps: list[int] = []
    done = each(math.factorial, items, jobs, lambda: steps.append(1))
    assert done == [math.factorial(k) for k in items] and len(steps) == len(items)
    assert each(math.factorial, [], jobs) == []


def test_this_process_takes_part() -> None:
    where = each(eval, [SLOW] * 6, 2)
    assert os.getpid() in where and len(set(where)) == 2
    assert where[-1] == os.getpid() != where[0], "from the end, where no other is at work"


@pytest.mark.parametrize("place", [0, -1], ids=["in another process", "in this one"])
def test_an_error_ends_the_others(place: int) -> None:
    items = [SLOW.replace("0.5", "30")] * 4
    items[place] = "1 // 0"
    if place == 0:
        items[-1] = SLOW  # this process is not held up
        items[-2] = "0"
    stranger = multiprocessing.get_context("spawn").Process(target=time.sleep, args=(60,))
    stranger.start()
    start = time.perf_counter()
    try:
        with pytest.raises(ZeroDivisionError):
            each(eval, items, 2)
        assert time.perf_counter() - start < 20
        assert stranger.is_alive(), "processes that it did not start are left alone"
    finally:
        stranger.terminate()
