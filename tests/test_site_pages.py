"""The site of a few entries: well-formed, whole, the same twice, and safe from what names say."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from catalog.errors import InputError
from codegen.site.pages import Page
from codegen.site.render import Broken, environment, render
from iconograph.browse import build
from iconograph.browse.world import World, brief, world
from tests.site_checks import dead_links, malformed, read, remote

ROOT = Path(__file__).parent.parent
FEW = ("supcon", "simclr", "t-sne", "nerv", "triplet-supcon-limit", "jensen")

pytestmark = pytest.mark.xdist_group("site")


@pytest.fixture(scope="module")
def site(few: World) -> dict[str, bytes]:
    return build.build(few)


def pages(site: dict[str, bytes]) -> dict[str, str]:
    return {path: data.decode() for path, data in site.items() if path.endswith(".html")}


def test_pages_are_well_formed(site: dict[str, bytes]) -> None:
    found = {path: wrong for path, text in pages(site).items() if (wrong := malformed(text))}
    assert not found
    assert {f"methods/{name}.html" for name in FEW} <= set(site)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("</h1>", "", "closes"),
        ("<h1", '<p id="main"></p><h1', "stands 2 times"),
        ('scope="col"', "", "no scope"),
        ("</main>", "<p><ul></ul></p></main>", "stands in <p>"),
        ('aria-labelledby="', 'aria-labelledby="nobody ', "nothing has the id"),
        ("<body>", '<body onload="x()">', "script in onload"),
    ],
)
def test_a_planted_fault_of_form_is_noticed(
    site: dict[str, bytes], old: str, new: str, said: str
) -> None:
    home = site["index.html"].decode()
    assert old in home
    assert any(said in wrong for wrong in malformed(home.replace(old, new, 1)))


def test_links_lead_somewhere(site: dict[str, bytes]) -> None:
    assert not list(dead_links(site))
    assert not remote(site)


def test_a_planted_dead_link_is_noticed(site: dict[str, bytes]) -> None:
    home = site["index.html"]
    for wrong in (b'href="methods/nobody.html"', b'href="az.html#nowhere"', b'href="http://x.y/"'):
        planted = home.replace(b'href="methods/supcon.html"', wrong, 1)
        assert planted != home
        assert list(dead_links({**site, "index.html": planted}))
    away = b'<script src="https://cdn.example/x.js">'
    assert remote({"a.html": away}) and remote({"a.js": b"fetch('x')"})


def test_a_link_to_a_page_that_is_not_there_is_an_error() -> None:
    broken = Page("a.html", "az.html.jinja", "a", {"letters": ()})
    with pytest.raises(Broken, match=r"index\.html, which is not there"):
        render([broken])
    with pytest.raises(Broken, match="two files"):
        render([Page("assets/site.css", "az.html.jinja", "a", {"letters": ()}),
                Page("index.html", "az.html.jinja", "a", {"letters": ()})])  # fmt: skip


NASTY = '<script>alert(1)</script>"&\' {{ 1 + 1 }}'


def test_what_a_name_says_is_text(few: World) -> None:
    m = replace(
        few.methods["supcon"], name=NASTY, summary=NASTY, aliases=(NASTY,),
        published_text=NASTY, conventions={NASTY: NASTY}, assumes=tuple(
            replace(f, text=NASTY) for f in few.methods["supcon"].assumes
        ),
    )  # fmt: skip
    known = few.entries["supcon"]
    known = replace(known, row=replace(known.row, name=NASTY, statement=NASTY))
    nasty = replace(
        few, methods={**few.methods, "supcon": m}, entries={**few.entries, "supcon": known},
        briefs={**few.briefs, "supcon": brief(m, known, NASTY)},
    )  # fmt: skip
    site = build.build(nasty)
    for path, text in pages(site).items():
        assert not malformed(text), path
        assert "alert(1)" not in "".join(read(text).scripts)
    for path in ("index.html", "az.html", "methods/supcon.html"):
        assert NASTY in "".join(read(site[path].decode()).text), path
        assert "<script>alert" not in site[path].decode()


def test_a_page_that_does_not_escape_is_noticed() -> None:
    text = environment().overlay(autoescape=False).from_string("<p>{{ x }}").render(x=NASTY)
    assert "<script>alert" in text and any("alert(1)" in s for s in read(text).scripts)


def test_the_same_bytes_twice_and_from_the_command_line(
    site: dict[str, bytes], few: World, tmp_path: Path
) -> None:
    assert build.build(world(FEW)) == site  # from what the cache holds
    out = tmp_path / "deep" / "site"
    env = {**os.environ, "PYTHONHASHSEED": "7", "ICONOGRAPH_CACHE": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-m", "iconograph", "browse", "--out", str(out), "--only", ",".join(FEW),
         "--jobs", "1"],
        cwd=ROOT, env=env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    there = {p.relative_to(out).as_posix(): p.read_bytes() for p in out.rglob("*") if p.is_file()}
    assert there == {**site, build.MARK: build.mark(site)}
    assert str(tmp_path).encode() not in b"".join(there.values())
    assert str(ROOT).encode() not in b"".join(there.values())


def heavy(site: dict[str, bytes]) -> dict[str, int]:
    """Pages of more than 60 kB gzipped, and what is too much of one entry for a site of 15 MB."""
    sizes = {p: len(gzip.compress(t.encode())) for p, t in pages(site).items()}
    found = {p: n for p, n in sizes.items() if n > 60_000}
    for name in FEW:
        size = sum(len(data) for p, data in site.items() if Path(p).stem == name)
        found |= {name: size} if size > 70_000 else {}
    return found


def test_budgets(site: dict[str, bytes]) -> None:
    assert not heavy(site)
    page = "methods/supcon.html"
    assert list(heavy({**site, page: site[page] + b" " * 40_000})) == ["supcon"]
    noise = "".join(random.Random(1).choices("0123456789abcdef", k=130_000))
    assert list(heavy({**site, "index.html": noise.encode()})) == ["index.html"]
    code = [path for path in site if path.startswith("assets/") and path.endswith(".js")]
    scripts = b"".join(site[path] for path in code)
    assert 0 < len(gzip.compress(scripts)) < 25_000


# ---------------------------------------------------------------------- the folder


def test_a_site_is_written_over_a_site_only(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build.write({"a/b.html": b"1"}, out)
    build.write({"c.html": b"2"}, out)
    assert sorted(p.name for p in out.iterdir()) == ["c.html", build.MARK]
    assert [p.name for p in tmp_path.iterdir()] == ["site"], "nothing is left beside it"


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="no site of iconograph; name an empty or a new one"):
        build.write({}, tmp_path)
    with pytest.raises(InputError, match="this is no folder"):
        build.write({}, tmp_path / "thesis.tex")
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize(
    ("added", "said"),
    [
        (["mine.txt"], "mine.txt"),
        ([".git/HEAD", "CNAME", "mine.txt"], ".git/, CNAME, mine.txt"),
        (["a/own.html", "b", "c", "d", "e"], "a/own.html, b, c and 2 more"),
    ],
)
def test_what_a_site_did_not_write_is_not_lost(
    tmp_path: Path, added: list[str], said: str
) -> None:
    out = tmp_path / "site"
    build.write({"a/b.html": b"1", "index.html": b"1"}, out)
    for name in added:
        build.put(out / name, b"years of work")
    before = {p: p.read_bytes() for p in out.rglob("*") if p.is_file()}
    with pytest.raises(InputError) as refused:
        build.write({"index.html": b"2"}, out)
    assert f"did not write: {said};" in str(refused.value)
    assert {p: p.read_bytes() for p in out.rglob("*") if p.is_file()} == before
    assert [p.name for p in tmp_path.iterdir()] == ["site"]


@pytest.mark.parametrize("mark", [b"", b"[]", b"{}", b'{"files": 3}', b"\xff", b'{"files": [3]}'])
def test_without_a_list_of_its_files_a_site_is_not_replaced(tmp_path: Path, mark: bytes) -> None:
    out = tmp_path / "site"
    build.write({"index.html": b"1"}, out)
    (out / build.MARK).write_bytes(mark)
    with pytest.raises(InputError, match=r"did not write: index\.html;"):
        build.write({"index.html": b"2"}, out)
    assert (out / "index.html").read_bytes() == b"1"


def test_a_link_in_a_site_is_foreign(tmp_path: Path) -> None:
    out = tmp_path / "site"
    build.write({"a/b.html": b"1"}, out)
    (out / "a").rename(tmp_path / "elsewhere")
    (out / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match="did not write: a/;"):
        build.write({"a/b.html": b"2"}, out)


def test_a_site_comes_back_where_its_place_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    build.write({"old.html": b"1"}, out)
    rename = os.rename

    def once(source: Path, target: Path) -> None:
        if source.name == "new":
            raise OSError(16, "Device or resource busy")
        rename(source, target)

    monkeypatch.setattr(os, "rename", once)
    with pytest.raises(InputError, match="cannot be written: device or resource busy"):
        build.write({"new.html": b"2"}, out)
    assert (out / "old.html").read_bytes() == b"1"


def test_an_unfinished_site_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "site"
    build.write({"old.html": b"1"}, out)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="cannot be written: no space left"):
        build.write({"new.html": b"2"}, out)
    monkeypatch.undo()
    assert (out / "old.html").read_bytes() == b"1"
    assert [p.name for p in tmp_path.iterdir()] == ["site"]
