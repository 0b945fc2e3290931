"""Losses as people paste them, from papers that the catalog does not have: what is said of each.

    python -m benchmarks.pasted [PART OF A NAME ...]

`pasted.toml` has the formulas, with what is expected: a pair, or a witness that there is none.
Seconds are those of the processor.
"""

from __future__ import annotations

import statistics
import sys
import time
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

from iconograph.inline import method_text
from iconograph.recognise import Recognised, recognise


def pasted() -> dict[str, dict[str, Any]]:
    """The formulas with their declarations, by name."""
    return tomllib.loads(Path(__file__).with_name("pasted.toml").read_text())


def outcome(entry: dict[str, Any]) -> tuple[str, str]:
    """What is said of a formula: pair, witness or unknown; and more words."""
    said = {k: v for k, v in entry.items() if k not in ("formula", "expect")}
    found = recognise(method_text(entry["formula"], **said))
    if isinstance(found, Recognised):
        return "pair", found.kind
    if found.refuted is not None:
        return "witness", found.refuted.text
    return "unknown", "; ".join(found.why)


def main() -> None:
    """Print what is said of each formula, and the counts."""
    parts = sys.argv[1:]
    counts, seconds = Counter[str](), []
    for name, entry in pasted().items():
        if parts and not any(p in name for p in parts):
            continue
        start = time.process_time()
        found, words = outcome(entry)
        seconds.append(time.process_time() - start)
        counts[found] += 1
        mark = "" if found == entry["expect"] else f"  (expected: {entry['expect']})"
        print(f"{found:8} {seconds[-1]:6.2f}  {name}: {words[:70]}{mark}")
    print(f"{counts.total()} formulas:", ", ".join(f"{n} {k}" for k, n in sorted(counts.items())))
    print(f"seconds: median {statistics.median(seconds):.2f}, most {max(seconds):.2f}")


if __name__ == "__main__":
    main()
