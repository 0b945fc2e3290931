from __future__ import annotations

import subprocess
import sys

import pytest

from catalog import registry
from catalog.errors import InputError

TEXT = """\
id = "{id}"
name = "{id}"
field = "language"
year = 2024
cite = "none"
aliases = {aliases}
[learned]
s = "real[i,j]"
[p]
kernel = "one-hot"
target = "i"
[q]
kernel = "logit"
logit = "s"
[icon]
neighbours = "j"
[published]
formula = "mean[i] -log(exp(s[i,i]) / sum[j] exp(s[i,j]))"
[claim]
relation = "exact"
"""


@pytest.fixture
def folder(tmp_path):
    """A folder of two methods; what the registry remembers is forgotten afterwards."""
    write(tmp_path, "one", ["First"])
    write(tmp_path, "two", ["Second", "two"])
    yield tmp_path
    registry.clear()


def write(folder, name, aliases=(), text=TEXT):
    aliases = "[" + ", ".join(f'"{a}"' for a in aliases) + "]"
    (folder / f"{name}.toml").write_text(text.format(id=name, aliases=aliases))


def test_the_catalog_is_found():
    assert {"supcon", "clip", "t-sne", "siglip", "dpo"} <= set(registry.ids())
    assert list(registry.ids()) == sorted(registry.ids())
    assert [m.id for m in registry.all_methods()] == list(registry.ids())
    folders = registry.folders(registry.methods_dir())
    assert [f.name for f in folders] == ["methods", "theorems", "errata"]
    files = [path.stem for folder in folders for path in folder.glob("*.toml")]
    assert sorted(files) == list(registry.ids())


def test_methods_are_found_by_id_and_by_alias():
    assert registry.load("supcon") is registry.load("SupConLoss") is registry.load("supconloss")
    assert registry.entry("TSNE").name == "t-SNE"


def test_a_folder_of_ones_own(folder):
    assert registry.ids(folder) == ("one", "two")
    assert registry.load("second", folder).id == "two"
    assert [m.id for m in registry.all_methods(folder)] == ["one", "two"]


def test_an_unknown_name_is_met_with_the_nearest():
    with pytest.raises(InputError) as caught:
        registry.load("subcon")
    assert str(caught.value) == "there is no method 'subcon'; did you mean \"supcon\"?"


def test_an_unknown_name_in_a_small_folder_lists_it(folder):
    with pytest.raises(InputError) as caught:
        registry.load("../etc/passwd", folder)
    said = "there is no method '../etc/passwd'; there are 2: one, two"
    assert str(caught.value) == said


def test_two_methods_may_not_share_a_name(folder):
    write(folder, "three", ["FIRST"])
    with pytest.raises(InputError) as caught:
        registry.load("x", folder)
    assert "three.toml: the alias 'FIRST' belongs to one already" in str(caught.value)


def test_an_alias_may_not_be_the_id_of_another(folder):
    write(folder, "three", ["One"])
    with pytest.raises(InputError, match="the alias 'One' belongs to one already"):
        registry.load("x", folder)


def test_a_file_is_named_by_its_id(folder):
    write(folder, "one")
    (folder / "one.toml").rename(folder / "uno.toml")
    with pytest.raises(InputError) as caught:
        registry.ids(folder)
    assert str(caught.value).endswith(
        "uno.toml: the file states the method 'one'; name the file one.toml"
    )


def test_a_broken_file_is_named(folder):
    (folder / "zzz.toml").write_text("id = \n")
    with pytest.raises(InputError, match=r"zzz.toml:1:6: this is not TOML"):
        registry.ids(folder)
    (folder / "zzz.toml").write_text('id = "zzz"\n')
    with pytest.raises(InputError, match=r"zzz.toml: name is missing"):
        registry.ids(folder)


def test_a_wrong_formula_does_not_hide_the_others(folder):
    write(folder, "bad", text=TEXT.replace("log(", "lgo("))
    assert registry.load("one", folder).id == "one"
    assert registry.ids(folder) == ("bad", "one", "two")
    with pytest.raises(InputError, match="unknown function 'lgo'"):
        registry.load("bad", folder)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(InputError, match="nowhere: there is no such folder"):
        registry.ids(tmp_path / "nowhere")


def test_a_name_cannot_leave_the_folder(folder):
    (folder / "deeper").mkdir()
    with pytest.raises(InputError, match=r"there is no method '\.\./one'"):
        registry.load("../one", folder / "deeper")
    with pytest.raises(InputError, match=r"there is no method 'deeper/\.\./one'"):
        registry.load("deeper/../one", folder)


def test_an_empty_folder_has_no_methods(tmp_path):
    assert registry.ids(tmp_path) == ()
    with pytest.raises(InputError, match="there is no method 'x'; the folder is empty"):
        registry.load("x", tmp_path)


def test_showing_one_method_reads_one_file(monkeypatch, folder):
    read = []
    original = registry.read_text
    monkeypatch.setattr(registry, "read_text", lambda path: read.append(path) or original(path))
    registry.load("one", folder)
    assert read == []  # the index was not needed
    registry.load("First", folder)
    assert len(read) == 2


def test_listing_the_catalog_imports_no_parser():
    code = (
        "import sys; from catalog import registry; registry.ids();"
        "print([m for m in ('lark', 'pydantic', 'sympy', 'torch') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"


# ------------------------------------------------------------------ references


def test_every_method_is_cited():
    for name in registry.ids():
        method = registry.load(name)
        entry = registry.bibliography(method.cite)
        assert entry.startswith("@") and entry.endswith("}") and method.cite in entry
        assert entry.count("{") == entry.count("}")


BIB = (
    "preamble\n@article{alpha2020,\n  title = {On {Nested} Braces},\n}\n\n"
    "@inproceedings{b2, x = {y}}\n"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BIB, "there is no reference 'alpha2021' in r.bib; did you mean"),
        (BIB.replace("b2", "alpha2020"), "r.bib:6: the reference 'alpha2020' stands twice"),
        ("@article{alpha2020, x = {y}", "r.bib:1: this entry is not closed; add a }"),
        ("\n@ nothing", "r.bib:2: this is not a BibTeX entry"),
    ],
)
def test_what_is_wrong_with_references(tmp_path, text, expected):
    path = tmp_path / "r.bib"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        registry.bibliography("alpha2021", path)
    assert expected in str(caught.value)


def test_an_entry_is_returned_as_written(tmp_path):
    path = tmp_path / "r.bib"
    path.write_text(BIB)
    assert registry.bibliography("b2", path) == "@inproceedings{b2, x = {y}}"
    assert registry.bibliography("alpha2020", path).endswith("{On {Nested} Braces},\n}")
