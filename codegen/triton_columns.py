"""The sums over the rows of every column, from the tiles that sum over the columns of every row.

Programs of a GPU cannot add to one number in an order that is the same in every run, unless each
has a number of its own: rows are shared among a limited number of groups, every group keeps its
sums of all columns, and a second kernel puts the groups together.
"""

from __future__ import annotations

import re

from codegen.triton_target import Sweep


def sums_down(sweep: Sweep) -> list[str]:
    """The names of what a group keeps of every column: the sum, and the largest power."""
    return ["column_total", *(["column_peak"] if sweep.outputs[0].powers else [])]


def workspace(sweep: Sweep) -> list[str]:
    """Lines that make room for the sums of all groups."""
    lines = [
        "groups = _groups(row_count)",
        "column_total = log_partition.new_empty((groups, column_count))",
    ]
    if "column_peak" in sums_down(sweep):
        peak = "torch.empty_like(column_total)"
        # powers of bounded scores have no peak
        peak = f"column_total if bounded else {peak}" if sweep.bounded else peak
        lines.append(f"column_peak = {peak}")
    return lines


def merged(sweep: Sweep) -> str:
    """What the second kernel is launched with."""
    bound = ["BOUNDED=bounded"] if sweep.bounded else []
    given = [*sums_down(sweep), "column_log_partition", "groups", "column_count"]
    return ", ".join([*given, *bound, "ACC=_accumulator(dtype)"])


def of_rows(line: str) -> bool:
    """Whether a line before the loop over columns reads numbers of the rows."""
    return re.search(r"\brow", line) is not None
