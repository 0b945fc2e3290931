"""`iconograph browse`: what it refuses, what it keeps, and what it serves."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from catalog.errors import InputError
from iconograph.browse import build, cache
from iconograph.browse.serve import listen
from iconograph.cli import app


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICONOGRAPH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "secret").write_text("mine")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "index.html").write_text("<p>here")
    with listen(tmp_path / "site") as running:
        thread = threading.Thread(target=running.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{running.server_address[1]}"
        running.shutdown()
        thread.join()


def test_the_site_is_served_and_nothing_beside_it(address: str) -> None:
    with urlopen(f"{address}/") as answer:
        assert answer.read() == b"<p>here" and answer.headers["Cache-Control"] == "no-cache"
    for wrong in ("/../secret", "/%2e%2e/secret", "/nobody.html"):
        with pytest.raises(HTTPError, match="404"):
            urlopen(f"{address}{wrong}")


def test_a_port_that_is_taken_is_said(tmp_path: Path) -> None:
    with listen(tmp_path) as first, pytest.raises(InputError, match=r"port .* cannot be used"):
        listen(tmp_path, first.server_address[1])


def test_a_folder_of_something_else_is_refused_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("this comes too late")

    monkeypatch.setattr("iconograph.browse.world.world", work)
    (tmp_path / "thesis.tex").write_text("x")
    done = CliRunner().invoke(app, ["browse", "--out", str(tmp_path)])
    assert done.exit_code == 2 and "no site of iconograph" in done.output
    done = CliRunner().invoke(app, ["browse", "--out", str(tmp_path / "new")])
    assert done.exit_code == 70 and "too late" in done.output


def test_a_place_that_cannot_be_written_is_found_before_the_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(out: Path) -> str:
        done = CliRunner().invoke(app, ["browse", "--out", str(out)])
        assert "too late" not in done.output and done.exit_code == 2, done.output
        return done.output

    def work(*_: object) -> None:
        raise AssertionError("this comes too late")

    def read_only(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("iconograph.browse.world.world", work)
    monkeypatch.setattr(build, "world", work)
    (tmp_path / "file").write_text("")
    (tmp_path / "nowhere").symlink_to(tmp_path / "gone")
    for out in ("file/site", "file/deep/site", "nowhere/site", "n" * 250, "n" * 300):
        assert "cannot be" in said(tmp_path / out)
    (tmp_path / "cache").write_text("")
    done = CliRunner().invoke(app, ["browse", "--no-open"])
    assert done.exit_code == 2 and "cannot be written: not a directory" in done.output
    assert not (tmp_path / "gone").exists() and (tmp_path / "file").read_text() == ""
    with monkeypatch.context() as here:
        here.setattr("os.path.ismount", lambda _: True)
        assert "mount point" in said(tmp_path / "site")
    monkeypatch.setattr("tempfile.mkdtemp", read_only)
    assert "cannot be written: read-only file system" in said(tmp_path / "site")


@pytest.mark.parametrize("option", ["--only", "--out"])
@pytest.mark.parametrize("nothing", ["", " "])
def test_an_option_that_names_nothing_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, option: str, nothing: str
) -> None:
    def work(*_: object) -> None:
        raise AssertionError("this comes too late")

    monkeypatch.setattr("iconograph.browse.world.world", work)
    monkeypatch.setattr(build, "world", work)
    done = CliRunner().invoke(app, ["browse", "--no-open", option, nothing])
    assert done.exit_code == 2 and f"{option} names no" in done.output


def test_an_unknown_entry_is_named() -> None:
    done = CliRunner().invoke(app, ["browse", "--only", "supcom", "--no-open"])
    assert done.exit_code == 2 and 'did you mean "supcon"?' in done.output


def test_a_site_that_was_built_is_not_built_again(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[str] = []

    def made(found: str) -> dict[str, bytes]:
        built.append(found)
        return {"index.html": found.encode()}

    monkeypatch.setattr(build, "world", lambda names, jobs: ",".join(names))
    monkeypatch.setattr(build, "build", made)
    first = build.kept(["a"], 1)
    assert build.kept(["a"], 1) == first and built == ["a"]
    others = [build.kept([name], 1) for name in "bcd"]
    assert built == ["a", "b", "c", "d"]
    assert not first.exists() and all(p.is_dir() for p in others)


def test_what_is_kept_is_by_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cache.key("a", "b") == cache.key("a", "b") != cache.key("ab", "")
    name = cache.key("a")
    assert cache.read(name) is None
    cache.write(name, {"x": [1, 2]})
    assert cache.read(name) == {"x": [1, 2]}
    cache.place(name).write_bytes(b"damaged")
    assert cache.read(name) is None
    monkeypatch.setattr(cache, "vocabulary", lambda: "other kernels")
    assert cache.key("a") != name
    monkeypatch.setenv("ICONOGRAPH_CACHE", str(tmp_path / "file" / "below"))
    (tmp_path / "file").write_text("")
    cache.write(name, {"x": 1})  # nowhere to write to costs time and nothing else
    assert cache.read(name) is None


def test_a_change_of_the_code_makes_all_of_it_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "site" / "b.py").write_text("1")
    assert [p.name for p in cache.sources(tmp_path)] == ["a.py"]  # no verdict depends on pages
    before = cache.program()
    cache.program.cache_clear()
    monkeypatch.setattr(cache, "library", lambda name: f"{name} 0")
    assert cache.program() != before
    cache.program.cache_clear()
