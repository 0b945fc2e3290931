"""Why formulas are no I-Con losses: how many of the catalog get a certificate, and none wrongly.

    python benchmarks/unfit.py [--relation does-not-reduce] [ID ...]

Every published formula is stripped of its pair and given to `derive.unfit`. For claims that are
proved, no certificate may exclude a class of losses that the pair is in (`derive.membership`); one
that does is printed and makes the exit status 1. Every witness is looked at again. Times are
processor seconds of one process; the first one includes imports.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROVED = ("exact", "coarse")


def main() -> int:
    """Print the table; 1 where a certificate is wrong or its witness does not show it."""
    sys.path.insert(0, str(ROOT))
    from catalog import registry
    from derive.bridge import in_terms
    from derive.membership import excluded
    from derive.terms import num
    from derive.unfit import certificates
    from derive.witness import recheck

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--relation", default="does-not-reduce,limit,exact,coarse")
    args = parser.parse_args()
    relations = args.relation.split(",")
    methods = [registry.load(i) for i in args.ids or registry.ids()]
    chosen = [m for m in methods if args.ids or m.claim.relation in relations]
    seconds: dict[str, list[float]] = {}
    kinds: dict[str, Counter[str]] = {}
    wrong = 0
    for method in chosen:
        claim = in_terms(method)
        bare = replace(claim, blocks=(), scale=num(1), constant=num(0), slack=(), facts=())
        start = time.process_time()
        found = certificates(bare)
        took = time.process_time() - start
        relation = method.claim.relation
        seconds.setdefault(relation, []).append(took)
        kinds.setdefault(relation, Counter())[found[0].refutes if found else "none"] += 1
        print(f"{method.id:34} {took:6.2f} s  {', '.join(u.kind for u in found)}")
        for u in found:
            if u.witness is None or recheck(bare, u.witness):
                print(f"  the witness does not show {u.kind!r}")
                wrong += 1
            elif relation in PROVED and excluded(claim, u.witness):
                print(f"  WRONG: the pair is in the class of {u.kind!r}\n{u.witness.describe()}")
                wrong += 1
    for relation, times in seconds.items():
        print(f"\n{relation}: {len(times)} formulas, median {statistics.median(times):.2f} s, "
              f"longest {max(times):.2f} s")  # fmt: skip
        for against, count in kinds[relation].most_common():
            print(f"  {count:4}  {against}")
    print(f"\n{wrong} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
