"""The pages of docs/: what they show happens, what they name exists, and they build."""

from __future__ import annotations

import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog.divergences import DIVERGENCES
from derive.theorem import AXIOMS, RULES
from tests.sessions import differences, environment, run_blocks
from tests.test_house_floors import TRUSTED

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
RUN = ["index.md", "api.md", "questions.md", *(p for f in ("tutorials", "howto") for p in sorted(
    str(path.relative_to(DOCS)) for path in (DOCS / f).glob("*.md")))]  # fmt: skip
NEEDS_TORCH = {"tutorials/generate.md", "howto/code.md"}
TEXTS = ["README.md", "CONTRIBUTING.md", "examples/README.md", "examples/audit/README.md",
         "benchmarks/README.md"]  # fmt: skip
WORDS = {
    13: "thirteen", 14: "fourteen", 15: "fifteen", 17: "seventeen", 18: "eighteen", 19: "nineteen",
    28: "twenty-eight", 29: "twenty-nine", 30: "thirty", 31: "thirty-one",
}  # fmt: skip


def empty(folder: Path) -> Path:
    folder.mkdir()
    return folder


# ------------------------------------------------------------------ what they show happens


@pytest.mark.parametrize("page", RUN)
def test_what_a_page_shows_happens(page: str, tmp_path: Path) -> None:
    if page in NEEDS_TORCH:
        pytest.importorskip("torch")
    wrong = differences((DOCS / page).read_text(), empty(tmp_path / "page"))
    assert not wrong, "\n\n".join(wrong)


SMALL = """
```toml
# a.toml
x = 1
```

```console
$ cat a.toml
# a.toml
x = 1
$ iconograph cite supcon | head -1
@inproceedings{...,
$ false; echo $?
1
```

```python
from pathlib import Path
text = Path("a.toml").read_text()
```

```python
>>> text.splitlines()[1]
'x = 1'
```
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("$ cat a.toml\n# a.toml\nx = 1", "$ cat a.toml\n# a.toml\nx = 2"),
        ("@inproceedings", "@article"),
        ("cite supcon |", "cite supkon |"),
        ("$?\n1", "$?\n0"),
        ("'x = 1'", "'x = 2'"),
        ("read_text()", "read()"),
        ("x = 1\n```\n\n```console", "x = 3\n```\n\n```console"),
    ],
)
def test_a_planted_difference_is_found(right: str, wrong: str, tmp_path: Path) -> None:
    assert SMALL.count(right) == 1
    assert differences(SMALL.replace(right, wrong), empty(tmp_path / "wrong"))


def test_a_page_without_one_passes(tmp_path: Path) -> None:
    assert differences(SMALL, empty(tmp_path / "page")) == []


def test_blocks_share_their_names(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_blocks(["a = 1", ">>> a + 1\n2\n>>> b = 3", "assert b == 3"]) == 0
    assert run_blocks(["a = 1", ">>> a + 1\n3"]) == 1
    assert "Expected:" in capsys.readouterr().out


# ------------------------------------------------------------------ what they name exists


def pages() -> list[Path]:
    folders = DOCS, DOCS / "tutorials", DOCS / "howto"
    return [*(p for f in folders for p in sorted(f.glob("*.md"))), *(ROOT / t for t in TEXTS)]


def links(path: Path) -> Iterator[str]:
    """The files that a page links to or names in backticks, that are not there."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.S | re.M)
    for target in re.findall(r"\]\((?!https?:|#)([^)#\s]+)[^)]*\)", text):
        if not (path.parent / target).exists() and target != "../gallery/index.rst":
            yield target
    rooms = "catalog|derive|codegen|iconograph|tests|docs|examples|benchmarks"
    for name in re.findall(rf"`((?:{rooms})/[\w./-]+)`", text):
        if not (ROOT / name).exists():
            yield name


@pytest.mark.parametrize("path", pages(), ids=lambda p: str(p.relative_to(ROOT)))
def test_files_that_a_page_names_exist(path: Path) -> None:
    assert not list(links(path))


def test_a_file_that_is_not_there_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("[x](b.md) [y](a.md#z) `derive/nothing.py` `derive/prove.py`")
    assert list(links(tmp_path / "a.md")) == ["b.md", "derive/nothing.py"]


def test_the_rules_and_axioms_are_counted() -> None:
    rules = sum(RULES[name].__module__ == "derive.theorem" for name in RULES) - ("claim" in RULES)
    said = f"{WORDS[rules]} rules and {WORDS[len(AXIOMS)]} axioms"
    assert said in (DOCS / "trust.md").read_text()
    assert f"{rules} rules, the last of which gives {len(AXIOMS)} axioms" in (
        DOCS / "howto/rule.md").read_text()  # fmt: skip


def test_the_divergences_are_counted() -> None:
    said = f"any of {WORDS[len(DIVERGENCES)]} divergences"
    for name in ("README.md", "docs/index.md", "docs/tutorials/generate.md"):
        assert said in (ROOT / name).read_text()


def test_the_lines_of_the_trusted_base_are_counted() -> None:
    lines = sum(bool(x.strip()) for p in TRUSTED for x in (ROOT / p).read_text().splitlines())
    assert f"({lines} today)" in (DOCS / "howto/rule.md").read_text()
    assert f"trusted code: non-blank lines, standard library only | {lines} |" in (
        ROOT / "README.md").read_text()  # fmt: skip


def test_the_pictures_are_those_of_today() -> None:
    draw = runpy.run_path(str(DOCS / "pictures/draw.py"))["pictures"]
    stale = [n for n, text in draw().items() if (DOCS / "pictures" / n).read_text() != text]
    assert not stale, "write them anew: python docs/pictures/draw.py"


def test_a_method_more_changes_the_picture() -> None:
    from catalog.registry import all_methods

    draw = runpy.run_path(str(DOCS / "pictures/draw.py"))["table_svg"]
    methods = list(all_methods())
    assert draw(methods[1:]) != draw(methods) == draw(methods[::-1])


# ------------------------------------------------------------------ they build


def build(source: Path, out: Path) -> subprocess.CompletedProcess[str]:
    """Build pages as the README says, warnings being errors."""
    return subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(source), str(out)],
        env=environment(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def copied(folder: Path) -> Path:
    """The pages in a folder of their own: the gallery writes beside them."""
    for name in ("docs", "examples"):
        skip = shutil.ignore_patterns("gallery", "__pycache__")
        shutil.copytree(ROOT / name, folder / name, ignore=skip)
    for name in ("README.md", "benchmarks/README.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder / "docs"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for name in ("sphinx", "furo", "myst_parser", "sphinx_gallery"):
        pytest.importorskip(name)
    folder = tmp_path_factory.mktemp("pages")
    done = build(copied(folder), folder / "out")
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.mark.xdist_group("pages")
def test_they_build_without_a_warning(built: Path) -> None:
    assert {p.stem for p in built.glob("*.html")} > {p.stem for p in DOCS.glob("*.md")}
    api = (built / "api.html").read_text()
    assert all(f'id="iconograph.{name}"' in api for name in ("verify", "generate", "compose"))
    assert "Ids, aliases or method files" in (built / "commands.html").read_text()
    assert "wrongly accepted" in (built / "figures.html").read_text()


@pytest.mark.xdist_group("pages")
def test_no_page_fetches_anything(built: Path) -> None:
    fetched = re.compile(r"<(?:script|img|iframe|link)\b[^>]*(?:src|href)=[\"']?(?:https?:)?//")
    assert not [p.name for p in built.rglob("*.html") if fetched.search(p.read_text())]
    assert fetched.search('<script async src="https://cdn.example/x.js">')


def test_a_link_to_nowhere_fails_the_build(tmp_path: Path) -> None:
    pytest.importorskip("myst_parser")
    (tmp_path / "conf.py").write_text("extensions = ['myst_parser']\nmyst_heading_anchors = 3\n")
    (tmp_path / "index.md").write_text("# Here\n\n[there](nowhere.md) [here](#nothing)\n")
    done = build(tmp_path, tmp_path / "out")
    assert done.returncode != 0 and "nowhere" in done.stderr and "nothing" in done.stderr


def test_the_help_of_no_command_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sphinx")
    monkeypatch.syspath_prepend(str(DOCS / "extensions"))
    import command_help  # type: ignore[import-not-found]

    assert "Usage: iconograph show" in command_help.help_of("show")
    with pytest.raises(ValueError, match="No such command"):
        command_help.help_of("shew")
