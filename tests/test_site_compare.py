"""Comparing any two: what the page's files say is what `iconograph.compare` finds of the pair."""

from __future__ import annotations

import gzip
import json
import random
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlencode

import pytest

from codegen.site.render import inline_json
from iconograph.browse.pages import compare
from iconograph.browse.sides import Forms, Row, rows
from iconograph.browse.world import World
from iconograph.compare import SHARED, aspects, cheapest
from tests.site_checks import malformed, read
from tests.site_worlds import judged, rendered, unproved

pytestmark = pytest.mark.xdist_group("site")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Marked = tuple[str, str, str, str]


@pytest.fixture(name="whole")
def whole_catalog() -> World:
    return unproved()


@pytest.fixture(scope="module")
def site() -> dict[str, bytes]:
    return rendered(unproved(), compare.pages(unproved()))


def side(site: dict[str, bytes], name: str) -> dict[str, list[list[object]]]:
    """What the file of an entry hands to the script."""
    text = site[f"compare/{name}.js"].decode()
    called = re.fullmatch(r"iconograph\.side\.apply\(null,(.*)\);\n", text)
    assert called is not None
    given, data = json.loads(called[1])
    assert given == name
    return data


def set_beside(a: list[list[object]], b: list[list[object]]) -> list[Marked]:
    """Two sides as the script sets them: keys of both, marked by text and form."""
    left, right = ({str(row[0]): [*row, 0, ""] for row in rows} for rows in (a, b))
    out = []
    for key in {**left, **right}:
        x, y = left.get(key), right.get(key)
        texts = [str(row[1]) if row else "-" for row in (x, y)]
        same = texts[0] == texts[1]
        alike = x and y and x[2] and x[2] == y[2]
        out.append((key.partition(" ")[2], *texts, "" if same else "≈" if alike else "≠"))
    return sorted(out)


def wanted(whole: World, a: str, b: str) -> list[Marked]:
    found = aspects(whole.methods[a], whole.methods[b])
    return sorted((x.key.strip(), x.left, x.right, x.mark) for x in found if x.key != "name")


def some(whole: World, count: int) -> list[tuple[str, str]]:
    rng = random.Random(3)
    paired = sorted(m.id for m in whole.methods.values() if m.icon.blocks)
    return [("simclr", "infonce"), ("t-sne", "sne"), ("supcon", "supcon"),
            *((rng.choice(paired), rng.choice(paired)) for _ in range(count))]  # fmt: skip


def test_rows_and_marks_are_those_of_the_command(whole: World, site: dict[str, bytes]) -> None:
    marks = ""
    for a, b in some(whole, 60):
        found = set_beside(side(site, a)["rows"], side(site, b)["rows"])
        assert found == wanted(whole, a, b), (a, b)
        marks += "".join(row[3] for row in found)
    assert set(marks) == {"≈", "≠"}


def test_forms_that_are_not_told_apart_are_noticed(
    whole: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Forms, "number", lambda self, of: int(of is not None))

    def data(name: str) -> list[list[object]]:
        return [[r.key, r.text, r.form] for r in rows(whole.methods[name], Forms())]

    pairs = some(whole, 20)
    assert any(set_beside(data(a), data(b)) != wanted(whole, a, b) for a, b in pairs)


def test_the_page_fits_and_is_well_formed(whole: World, site: dict[str, bytes]) -> None:
    text = site["compare.html"].decode()
    assert not malformed(text)
    assert len(gzip.compress(text.encode())) < 60_000
    known = json.loads("".join(read(text).data))
    assert set(known["entries"]) == set(whole.methods)
    assert len(known["edges"]) > 150 and sum(
        len(data) for path, data in site.items() if path.startswith("compare/")
    ) < 2_000_000


NASTY = "</script><img src=x onerror=alert(1)> & <!--"


def test_what_names_say_ends_no_script() -> None:
    said = inline_json(json.dumps(NASTY))
    assert "<" not in said and json.loads(said) == NASTY
    row = Row("p labels", NASTY)
    text = compare.script("a", (row,), [NASTY]).decode()
    assert json.loads(text[text.index("[") : -3])[1]["rows"][0][1] == NASTY


def test_docstrings_and_the_hash_are_left_out_and_no_other_text() -> None:
    assert compare.undocumented('"""One.\n\nTwo."""\n\nx = """Three."""\n') == 'x = """Three."""\n'
    assert compare.undocumented("x = 1\n") == "x = 1\n"
    text = 'CERTIFICATE = "0"\n\nx = 1\n\ndef f():\n    """Says."""\n    return "Four."\n'
    assert compare.undocumented(text) == 'x = 1\n\ndef f():\n    return "Four."\n'


def test_lines_of_programs_do_not_take_the_place_of_the_graph() -> None:
    few = judged("infonce", "simclr", "moco")
    code = {"numpy": "x = 1\n\n\ndef f(): pass\n"}
    entries = {name: replace(e, programs=code) for name, e in few.entries.items()}
    made = rendered(few, compare.pages(replace(few, entries=entries)))
    known = json.loads("".join(read(made["compare.html"].decode()).data))
    assert known["shared"] == list(SHARED) and "def f(): pass" in known["lines"]


# ---------------------------------------------------------------------- in a browser


class Shown(HTMLParser):
    """The texts of the path and of the rows, as a browser shows them."""

    def __init__(self) -> None:
        super().__init__()
        self.path: list[str] = []
        self.signs: list[str] = []
        self.differs = self.within = 0
        self.ready = ""
        self.alert = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        classes = (found.get("class") or "").split()
        self.ready = found.get("data-ready") or self.ready
        self.alert |= found.get("role") == "alert"
        if tag == "ol":
            self.within = "path" in classes
        if tag == "li" and self.within:
            self.path.append("")
        if tag == "tr" and ("other" in classes or "alike" in classes):
            self.signs.append(classes[0])
        self.differs += "differs" in classes or tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        if tag == "ol":
            self.within = 0

    def handle_data(self, data: str) -> None:
        if self.within and self.path:
            self.path[-1] += data


def visit(folder: Path, profile: Path, **query: str) -> Shown:
    """The page after its script, opened from disk."""
    assert CHROMIUM is not None
    page = (folder / "compare.html").as_uri() + "?" + urlencode(query)
    done = subprocess.run(
        [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
         "--disable-background-networking", f"--user-data-dir={profile}",
         "--virtual-time-budget=5000", "--dump-dom", page],
        capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    shown = Shown()
    shown.feed(done.stdout)
    return shown


@pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium")
def test_a_browser_shows_the_same(whole: World, site: dict[str, bytes], tmp_path: Path) -> None:
    for path, data in site.items():
        (tmp_path / "site" / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "site" / path).write_bytes(data)
    for a, b in (("supcon", "simclr"), ("t-sne", "infonce"), ("dino", "dpo")):
        shown = visit(tmp_path / "site", tmp_path / "profile", a=a, b=b)
        path = cheapest(whole.graph, a, b)
        assert shown.ready == f"{a} {b}"
        assert [" ".join(line.split()) for line in shown.path[: len(path)]] == [
            f"{e.sentence} {'follows from the pairs' if e.status == 'computed' else e.status}"
            for e in path
        ]
        marks = [row[3] for row in wanted(whole, a, b)]
        assert shown.signs.count("other") == marks.count("≠") and len(shown.signs) == len(marks)
        assert shown.differs > 3
    for query, alert in (({"a": "supcon", "b": "nobody"}, True), ({"a": "supcon"}, False)):
        shown = visit(tmp_path / "site", tmp_path / "profile", **query)
        assert not shown.ready and shown.alert == alert


