"""Run every comparison of the record again, and write what was found.

    python examples/audit/regenerate.py build/audit              # all, and the page
    python examples/audit/regenerate.py build/audit open-clip    # some, by id
    python examples/audit/regenerate.py build/audit --check      # compare, write nothing
    python examples/audit/regenerate.py build/audit --programs   # only the programs to copy
    python examples/audit/regenerate.py --page                   # only the page, from the record

The folder is the one that build.py filled. Of a record, the head is kept as people wrote it, and
all below the mark is written anew, in one step: a run that is interrupted leaves no half of a file.
Exit status: 0 all ran (with --check: and nothing differs), 1 something did not.
"""

from __future__ import annotations

import argparse
import datetime
import re
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE)]

from build import is_built, python_of  # noqa: E402
from reproduce import facts, found, reproducer  # noqa: E402
from written import head_of, record  # noqa: E402

from catalog.errors import InputError  # noqa: E402
from catalog.implementations import implementations_dir, parse_implementation  # noqa: E402
from iconograph.files import write  # noqa: E402

PAGE = ROOT / "docs" / "implementations.md"
LOOSE = re.compile(r"\d[\d.]*e-\d+")  # rounding errors differ between machines


def one(path: Path, python: Path, programs: bool) -> str:
    """The text of a record, made anew; with `programs` the judgement is that of the record.

    Raises reproduce.Failed.
    """
    text = path.read_text(encoding="utf-8")
    head = head_of(text)
    given = tomllib.loads(head)
    doc = tomllib.loads(text)
    if programs:
        answer = recorded(doc)
        known = {k: doc[k] for k in ("version", "file", "python", "torch", "date")}
    else:
        answer = found(given, python)
        known = {**facts(given, python), "date": datetime.date.today()}
    tables: dict[str, Mapping[str, Any]] = {"found": {
        "relation": answer["kind"], "up_to": answer["up_to"], "differs": answer["conventions"],
        "words": answer["words"], "inputs": answer["evidence"]["inputs"],
        "error": answer["evidence"]["error"], "parameters": answer["parameters"],
    }}  # fmt: skip
    if witness := answer["witness"]:
        tables["witness"] = {k: witness[k] for k in ("theirs", "what")}
        tables["witness"]["published"] = witness["ours"]
        tables["witness.input"] = witness["inputs"]
    tables["reproducer"] = reproducer(given, answer, python)
    return record(head, known, tables)


def recorded(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The judgement that a record holds, as `verify --code --json` prints it."""
    told = doc["found"]
    witness = doc.get("witness")
    return {
        "kind": told["relation"], "up_to": told["up_to"], "conventions": told["differs"],
        "words": told["words"], "parameters": told.get("parameters", {}),
        "evidence": {"inputs": told["inputs"], "error": told["error"]},
        "witness": witness and {
            "theirs": witness["theirs"], "ours": witness["published"], "what": witness["what"],
            "inputs": witness["input"],
        },
    }  # fmt: skip


def compared(text: str) -> dict[str, Any]:
    """What two runs of a record must agree in: all but the day and rounding."""
    doc = tomllib.loads(text)
    doc.pop("date", None)
    doc.get("found", {}).pop("error", None)
    return {k: LOOSE.sub("", repr(rounded(v))) for k, v in doc.items()}


def rounded(value: Any) -> Any:
    """A value with its floats to eight digits."""
    if isinstance(value, float):
        return f"{value:.8g}"
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, list) else value


def changes(old: str, new: str) -> list[str]:
    """The keys in which two texts of a record differ."""
    a, b = compared(old), compared(new)
    return sorted(k for k in {*a, *b} if a.get(k) != b.get(k))


def run(paths: list[Path], folder: Path, check: bool, programs: bool) -> int:
    """Run the comparisons of these records; the number of those that failed or differ."""
    wrong = 0
    for place, path in enumerate(paths, 1):
        start = time.monotonic()
        old = path.read_text(encoding="utf-8")
        environment = tomllib.loads(head_of(old))["environment"]
        if not is_built(folder, environment):
            print(f"{path.stem}: the environment {environment} is not built, see build.py")
            wrong += 1
            continue
        try:
            new = one(path, python_of(folder, environment), programs)
            relation = parse_implementation(new, path.name, path.stem).relation
        except Exception as error:  # one comparison that fails stops no other
            print(f"{path.stem}: {type(error).__name__}: {error}", flush=True)
            wrong += 1
            continue
        differ = changes(old, new)
        said = f"{relation}, changed: {', '.join(differ)}" if differ else f"{relation}, as recorded"
        print(f"{place}/{len(paths)} {path.stem}: {said} ({time.monotonic() - start:.0f} s)",
              flush=True)  # fmt: skip
        if differ and check:
            wrong += 1
        elif differ:
            write(path, new, force=True)
    return wrong


def write_page(check: bool) -> int:
    """Write docs/implementations.md from the record; with `check`, 1 where it differs."""
    from catalog.implementations import implementations
    from iconograph.implementations import page

    try:
        text = page(implementations())
    except InputError as error:
        print(f"no page: {error}", file=sys.stderr)
        return 1
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    if not check:
        write(PAGE, text, force=True)
    print(f"{PAGE.name}: {'differs from the record' if check else 'written'}")
    return int(check)


def main() -> int:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, help="the environments, see build.py")
    parser.add_argument("ids", nargs="*", help="records; default: all")
    parser.add_argument("--check", action="store_true", help="compare only")
    parser.add_argument("--programs", action="store_true", help="judge nothing anew")
    parser.add_argument("--page", action="store_true", help="write the page from the record only")
    given = parser.parse_args()
    if given.page:
        return write_page(given.check)
    if given.folder is None:
        parser.error("name the folder of the environments, or --page")
    paths = sorted(implementations_dir().glob("*.toml"))
    if strange := sorted(set(given.ids) - {p.stem for p in paths}):
        parser.error(f"there is no record {', '.join(strange)} in {implementations_dir().name}")
    chosen = [p for p in paths if not given.ids or p.stem in given.ids]
    wrong = run(chosen, given.folder.resolve(), given.check, given.programs)
    if wrong:
        print(f"{wrong} of {len(chosen)} failed or differ", file=sys.stderr)
        return 1
    return write_page(given.check)


if __name__ == "__main__":
    sys.exit(main())
