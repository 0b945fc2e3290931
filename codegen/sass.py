"""What a compiled kernel is made of, read from its machine code: no GPU is needed to look.

The listings are those of `nvdisasm` and of `cuobjdump -res-usage`, which Triton carries.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

OPCODE = re.compile(r"^\s*(?:/\*[0-9a-f]+\*/\s+)?(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*?);")
LABEL = re.compile(r"^\s*(\.L_\w+):")
TARGET = re.compile(r"\((\.L_\w+)\)")
TENSOR_CORE = ("HGMMA", "HMMA", "DMMA", "IMMA", "QGMMA", "UTCHMMA")
SPILL = ("STL", "LDL")


@dataclass(frozen=True)
class Figures:
    """Figures of one kernel.

    `registers` per thread, `stack` bytes per thread, `spills` the instructions that move registers
    to memory and back, `shared` bytes per program, `tensor_cores` how often which product occurs,
    `exponentials` how often each thread takes an exponential in the loop that takes most of them.
    """

    registers: int
    stack: int
    spills: int
    shared: int
    tensor_cores: dict[str, int]
    exponentials: int

    def exponentials_per_pair(self, rows: int, columns: int, warps: int) -> float:
        """Exponentials for each pair of a tile."""
        return self.exponentials * 32 * warps / (rows * columns)


def figures(listing: str, usage: str, shared: int) -> Figures:
    """Read the listing of a kernel and its resources. Raises ValueError where they are not such."""
    found = re.search(r"REG:(\d+) STACK:(\d+)", usage)
    lines = list(instructions(listing))
    if found is None or not lines:
        raise ValueError("this is no listing of a kernel with its resources")
    names = [name for _, name, _ in lines]
    cores = [n for n in names if n.startswith(TENSOR_CORE)]
    return Figures(
        registers=int(found[1]),
        stack=int(found[2]),
        spills=sum(n.split(".")[0] in SPILL for n in names),
        shared=shared,
        tensor_cores={n: cores.count(n) for n in dict.fromkeys(cores)},
        exponentials=max(
            (sum(n == "MUFU.EX2" for n in names[a:b]) for a, b in loops(listing)), default=0
        ),
    )


def instructions(listing: str) -> list[tuple[int, str, str]]:
    """The instructions of a listing: line, name with its suffixes, operands."""
    found = []
    for number, line in enumerate(listing.splitlines()):
        if match := OPCODE.match(line):
            found.append((number, match[1], match[2]))
    return found


def loops(listing: str) -> list[tuple[int, int]]:
    """The first and last instruction of everything that is jumped back over, by position."""
    lines = listing.splitlines()
    labels = {m[1]: n for n, line in enumerate(lines) if (m := LABEL.match(line))}
    code = instructions(listing)
    found = []
    for position, (number, name, operands) in enumerate(code):
        match = TARGET.search(operands) if name.startswith("BRA") else None
        if match and labels.get(match[1], number) < number:
            start = next(k for k, (n, _, _) in enumerate(code) if n > labels[match[1]])
            found.append((start, position + 1))
    return found
