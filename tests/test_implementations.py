"""The record of real implementations: what a file must say, and what the page says of it."""

from __future__ import annotations

import math
import re
import runpy
import sys
from pathlib import Path

import pytest

from catalog.errors import InputError
from catalog.implementations import (
    flat,
    implementations,
    implementations_of,
    parse_implementation,
    same,
)
from catalog.registry import ids
from iconograph.implementations import line, page

ROOT = Path(__file__).resolve().parents[1]
AUDIT = ROOT / "examples" / "audit"
GOOD = """\
library = "lightly"
function = "lightly.loss.NTXentLoss"
environment = "vision"
code = "vision.py:NTXentLoss"
call = "two-views"
options = { temperature = 0.1 }
against = "simclr"
source = "https://github.com/lightly-ai/lightly"
note = \"\"\"Two
lines.\"\"\"
version = "1.6.0"
file = "lightly/loss/ntx_ent_loss.py:18"
date = 2026-11-23
python = "3.11.7"
torch = "2.13.0"
[found]
relation = "different"
differs = ["the sum"]
words = "It differs."
inputs = 12
error = 1e-15
parameters = { tau = 0.1 }
[witness]
theirs = 2.0
published = 1.0
what = "the value"
input = { z1 = [[1.0, 0.0]], z2 = [[0.5, 1]] }
[reproducer]
code = '''
print(2.0)
'''
prints = "2.0"
"""


def test_a_good_file_is_read() -> None:
    found = parse_implementation(GOOD, "a.toml", "a")
    assert (found.id, found.version, found.against) == ("a", "1.6.0", "simclr")
    assert found.options == {"temperature": 0.1} and found.parameters == {"tau": 0.1}
    assert found.note == "Two lines." and found.error == 1e-15
    assert found.witness and found.witness.input["z2"] == [[0.5, 1]]
    assert found.reproducer == "print(2.0)\n" and str(found.date) == "2026-11-23"


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ('library = "lightly"', "", r"library is missing"),
        ('library = "lightly"', "library = 3", r"1:11: library must be a string"),
        ('call = "two-views"', 'cal = "two-views"', r"5:1: unknown key 'cal'; did you mean"),
        ("words =", "word =", r"unknown key 'word' in \[found\]; did you mean \"words\""),
        ('against = "simclr"', 'against = "simclrr"', r"7:11: no method is 'simclrr'; did"),
        ("vision.py:NTXentLoss", "NTXentLoss", r"code = 'NTXentLoss' does not say .*module:name"),
        ("https://github", "http://github", r"source = .* the https address"),
        ("lightly.loss.NTXentLoss", "lightly loss", r"function = .*a dotted path"),
        ('relation = "different"', 'relation = "other"', r"cannot be 'other'; one of: equal"),
        ('relation = "different"', 'relation = "equal"', r"the relation 'equal' has no differs"),
        ('relation = "different"\ndiffers = ["the sum"]', 'relation = "equal-up-to"',
         r"says up to what"),
        ('relation = "different"\ndiffers = ["the sum"]', 'relation = "equal"\nup_to = ["x"]',
         r"'equal' has no up_to"),
        ('relation = "different"\ndiffers = ["the sum"]\nwords = "It differs."\ninputs = 12',
         'relation = "equal"\nwords = "x"\ninputs = 0', r"needs inputs and the error"),
        ("theirs = 2.0", "theirs = 1.0000000000001", r"two values of the witness are the same"),
        ("theirs = 2.0", "", r"\[witness\] needs theirs"),
        ("published = 1.0", "published = inf", r"a witness is made of finite numbers"),
        ("z2 = [[0.5, 1]]", 'z2 = [["a", 1]]', r"a witness is made of finite numbers"),
        ("date = 2026-11-23", 'date = "yesterday"', r"date: "),
        ("It differs.", "It \\u001b[31mdiffers.", r"a control character is in the text"),
        ("[found]", "[found", r"this is not TOML"),
    ],
)  # fmt: skip
def test_a_bad_file_is_refused_in_a_sentence(right: str, wrong: str, said: str) -> None:
    assert GOOD.count(right) == 1
    with pytest.raises(InputError, match=said) as error:
        parse_implementation(GOOD.replace(right, wrong), "a.toml", "a")
    assert str(error.value).startswith("a.toml")


def test_what_is_different_has_a_witness() -> None:
    start, end = GOOD.index("[witness]"), GOOD.index("[reproducer]")
    with pytest.raises(InputError, match="what is different has a witness"):
        parse_implementation(GOOD[:start] + GOOD[end:])


def test_the_library_may_have_no_number() -> None:
    found = parse_implementation(GOOD.replace("theirs = 2.0", "theirs = nan"))
    assert found.witness and math.isnan(found.witness.theirs)


def test_an_entry_stands_once(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD.replace("temperature = 0.1", "temperature = 0.2"))
    assert [i.id for i in implementations(tmp_path)] == ["a", "b"]
    (tmp_path / "b.toml").write_text(GOOD)
    implementations.cache_clear()
    with pytest.raises(InputError, match=r"b\.toml: .* against simclr stands in a\.toml already"):
        implementations(tmp_path)


def test_a_file_has_a_plain_name(tmp_path: Path) -> None:
    (tmp_path / "A b.toml").write_text(GOOD)
    with pytest.raises(InputError, match="no name for an entry"):
        implementations(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        implementations(tmp_path / "none")


# ------------------------------------------------------------------ the record itself


def test_the_record_is_large_and_sound() -> None:
    found = implementations()
    assert len({(i.library, i.function) for i in found}) >= 30
    assert len({i.library for i in found}) >= 8
    assert {i.against for i in found} <= set(ids())
    for item in found:
        assert (AUDIT / "environments" / f"{item.environment}.txt").exists(), item.id
        file, _, name = item.code.partition(":")
        if file.endswith(".py"):
            assert re.search(rf"\b{name}\b", (AUDIT / "cases" / file).read_text()), item.id
        if item.relation == "different":
            assert item.witness and not same(item.witness.theirs, item.witness.published), item.id
            assert all(map(math.isfinite, flat(item.witness.input.values()))), item.id


def test_a_version_is_the_one_that_is_pinned() -> None:
    for item in implementations():
        pins = "".join(p.read_text() for p in AUDIT.glob(f"environments/{item.environment}.*txt"))
        assert re.search(rf"^{re.escape(item.library)}=={re.escape(item.version)}\b", pins, re.M)


SAME_VALUE = ("temperature", "parameter", "normalisation", "the gradient", "dropped rows")
"""Up to these two losses have the same value, at the numbers found and at the program's input."""


def test_programs_print_what_was_found() -> None:
    numbers = 0
    for item in implementations():
        printed = [float(said.split()[-1]) for said in item.prints.splitlines()]
        if item.relation == "different" and (w := item.witness):
            assert math.isclose(printed[0], w.theirs, rel_tol=1e-6) or w.theirs != w.theirs, item.id
            if len(printed) > 1:
                assert math.isclose(printed[1], w.published, rel_tol=1e-6), item.id
            numbers += 1
        elif all(said.startswith(SAME_VALUE) for said in item.up_to):
            assert math.isclose(printed[0], printed[1], rel_tol=1e-5), item.id
            numbers += 1
    assert numbers >= 15


def test_the_page_is_that_of_the_record() -> None:
    text = page(implementations())
    assert (ROOT / "docs" / "implementations.md").read_text() == text, (
        "write it anew: python examples/audit/regenerate.py --page"
    )
    assert page(implementations()[1:]) != text


def test_no_row_of_the_table_has_more_cells_than_its_head() -> None:
    bar = re.compile(r"(?<!\\)\|")
    item = parse_implementation(GOOD.replace("the sum", "a | b"))
    for text in (page([item]), page(implementations())):
        for table in re.findall(r"(?:^\|.*\n)+", text, re.M):
            assert len({len(bar.split(row)) for row in table.splitlines()}) == 1


def test_a_line_says_version_options_and_difference() -> None:
    said = line(parse_implementation(GOOD))
    assert said == (
        "lightly 1.6.0, lightly.loss.NTXentLoss (temperature=0.1): different: the sum"
    )
    alike = GOOD.replace('"different"\ndiffers = ["the sum"]', '"equal-up-to"\nup_to = ["scale"]')
    assert line(parse_implementation(alike)).endswith(": equal up to scale")
    unknown = parse_implementation(GOOD.replace('differs = ["the sum"]', ""))
    assert line(unknown).endswith("different: no convention that is known explains it")


def test_the_entries_of_a_method() -> None:
    assert all(i.against == "simclr" for i in implementations_of("simclr"))
    assert implementations_of("simclr") and not implementations_of("no-such")


def test_commands_name_them() -> None:
    import json

    from tests.test_table import call

    shown = call("show", "simclr").stdout
    first = implementations_of("simclr")[0]
    assert line(first) in " ".join(shown.split())
    listed = json.loads(call("table", "--implementations", "--json").stdout)
    assert [i["id"] for i in listed["implementations"]] and listed["schema"].endswith("/1")
    assert {i["id"] for i in listed["implementations"]} == {i.id for i in implementations()}
    refused = call("table", "--implementations", "--list")
    assert refused.exit_code == 2


# ------------------------------------------------------------------ what writes it


@pytest.fixture(scope="module")
def scripts() -> dict[str, dict[str, object]]:
    before = list(sys.path)
    sys.path.insert(0, str(AUDIT))
    names = ("written", "regenerate", "build")
    try:
        return {n: runpy.run_path(str(AUDIT / f"{n}.py")) for n in names}
    finally:
        sys.path[:] = before
        for name in ("written", "reproduce", "build"):
            sys.modules.pop(name, None)


def test_what_is_written_is_read(scripts: dict[str, dict[str, object]]) -> None:
    import datetime

    head = GOOD[: GOOD.index("version =")]
    facts = {"version": "1.6.0", "file": "", "python": "3", "torch": "2",
             "date": datetime.date(2026, 11, 23)}  # fmt: skip
    tables = {
        "found": {"relation": "different", "words": 'a "b" \\ c', "inputs": 3, "error": None,
                  "differs": [], "parameters": {"tau": 0.1 + 0.2, "a b": 1.0}},
        "witness": {"theirs": float("nan"), "published": 1e-20, "what": "the value"},
        "witness.input": {"z": [[1.0, -2], [3e-9, 4.5]]},
        "reproducer": {"code": 'print("é")\n\nx = 1\n', "prints": "1\n2"},
    }  # fmt: skip
    text = scripts["written"]["record"](head, facts, tables)  # type: ignore[operator]
    found = parse_implementation(text)
    assert found.words == 'a "b" \\ c' and found.parameters == {"tau": 0.3, "a b": 1.0}
    assert found.witness and found.witness.input == {"z": [[1.0, -2], [3e-9, 4.5]]}
    assert found.reproducer == 'print("é")\n\nx = 1\n' and found.prints == "1\n2\n"
    assert scripts["written"]["head_of"](text) == head.rstrip() + "\n"  # type: ignore[operator]


def test_a_change_is_noticed(scripts: dict[str, dict[str, object]]) -> None:
    changes = scripts["regenerate"]["changes"]
    same_again = GOOD.replace("1e-15", "3e-16").replace("2026-11-23", "2027-01-01")
    assert changes(GOOD, same_again) == []  # type: ignore[operator]
    assert changes(GOOD, GOOD.replace("2.0", "2.1")) == ["reproducer", "witness"]  # type: ignore[operator]
    assert changes(GOOD, GOOD.replace("1.6.0", "1.6.1")) == ["version"]  # type: ignore[operator]


def test_an_environment_is_rebuilt_when_its_file_changes(
    scripts: dict[str, dict[str, object]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = scripts["build"]
    files = build["is_built"].__globals__  # type: ignore[attr-defined]
    monkeypatch.setitem(files, "FILES", tmp_path)
    (tmp_path / "a.txt").write_text("x==1\n")
    (tmp_path / "a.no-deps.txt").write_text("y==1\n")
    assert build["names"]() == ["a"]  # type: ignore[operator]
    steps = build["steps"](tmp_path, "a")  # type: ignore[operator]
    assert sum("--no-deps" in step for step in steps) == 1
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / files["STAMP"]).write_text(build["fingerprint"]("a"))  # type: ignore[operator]
    assert build["is_built"](tmp_path, "a")  # type: ignore[operator]
    (tmp_path / "a.no-deps.txt").write_text("y==2\n")
    assert not build["is_built"](tmp_path, "a")  # type: ignore[operator]
