"""The sums over the rows of every column, from the tiles that sum over the columns of every row.

Programs of a GPU cannot add to one number in an order that is the same in every run, unless each
has a number of its own: rows are shared among a limited number of groups, every group keeps its
sums of all columns, and a second kernel puts the groups together.
"""

from __future__ import annotations

import re

SUMS = ("column_total", "column_peak")
"""What a group keeps of every column: the sum, and the largest power where scores have no bound."""

WORKSPACE = (
    "groups = _groups(row_count)",
    "column_total = log_partition.new_empty((groups, column_count))",
    "column_peak = column_total if bounded else torch.empty_like(column_total)",
)
"""Lines that make room for the sums of all groups."""

MERGED = (
    f"{', '.join(SUMS)}, column_log_partition, groups, column_count, "
    "BOUNDED=bounded, ACC=_accumulator(dtype)"
)
"""What the second kernel is launched with."""


def of_rows(line: str) -> bool:
    """Whether a line before the loop over columns reads numbers of the rows."""
    return re.search(r"\brow", line) is not None
