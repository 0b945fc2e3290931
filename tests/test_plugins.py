"""Plug-ins: an installed package adds methods and kernels; a broken one costs a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from catalog import plugins, registry
from catalog.errors import InputError
from catalog.kernels import Q_KERNELS

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples" / "plugin-example"
SOURCE = EXAMPLE / "iconograph_plugin_example"
METHOD = (SOURCE / "methods" / "quartic-sne.toml").read_text()
PLAIN = METHOD.replace('kernel = "quartic"', 'kernel = "gaussian"')


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip installed the example."""
    folder = tmp_path_factory.mktemp("plugin")
    source, target = folder / "source", folder / "target"
    shutil.copytree(EXAMPLE, source, ignore=shutil.ignore_patterns("__pycache__"))
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
         "--no-index", "--no-compile", "--target", str(target), str(source)],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    return target


def call(target: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """The command line, or some code, in a process that has the packages of `target`."""
    program = ["-c", code] if code else ["-m", "iconograph", *arguments]
    return subprocess.run(
        [sys.executable, *program], cwd=target.parent,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(target)])},
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def methods(done: subprocess.CompletedProcess[str]) -> list[str]:
    assert done.returncode == 0, done.stderr
    return [m["id"] for m in json.loads(done.stdout)["methods"]]


# ------------------------------------------------------------------ the example


def test_an_installed_plugin_adds_its_method(installed: Path) -> None:
    done = call(installed, "table", "--no-judge", "--json")
    with_it = methods(done)
    assert "quartic-sne" in with_it and done.stderr == ""
    without = methods(call(installed.parent, "table", "--no-judge", "--json"))
    assert set(with_it) - set(without) == {"quartic-sne"}
    assert with_it == sorted(with_it)


def test_table_and_graph_show_where_a_method_comes_from(installed: Path) -> None:
    text = call(installed, "table").stdout
    assert "quartic-sne +" in text and "Fourth power" in text and "from a plug-in" in text
    document = json.loads(call(installed, "graph", "--no-prove", "--json").stdout)
    origins = {n["id"]: n["origin"] for n in document["nodes"]}
    assert origins["quartic-sne"] == "example" and origins["sne"] == ""
    ends = ("quartic-sne", "sne")
    kinds = {e["kind"] for e in document["edges"] if (e["source"], e["target"]) == ends}
    assert kinds == {"same-p", "differs-in-one-kernel"}


def test_its_method_is_found_by_alias_and_cited_from_its_own_references(installed: Path) -> None:
    assert '"quartic-sne"' in call(installed, "show", "Quartic Map", "--json").stdout
    assert "example2026quartic" in call(installed, "cite", "quartic-sne").stdout
    done = call(installed, "show", "quartic-sen")
    assert done.returncode == 2 and 'did you mean "quartic-sne"?' in done.stderr
    done = call(installed.parent, "show", "quartic-sne")
    assert done.returncode == 2 and "there is no method 'quartic-sne'" in done.stderr


def test_a_file_of_ones_own_may_use_its_kernel(installed: Path) -> None:
    mine = installed.parent / "mine.toml"
    mine.write_text(METHOD.replace('"quartic-sne"', '"mine"'))
    assert call(installed, "show", "mine.toml").returncode == 0
    done = call(installed.parent, "show", str(mine))
    assert done.returncode == 2 and "unknown kernel 'quartic'" in done.stderr


def test_an_exact_id_of_the_catalog_asks_no_plugin(installed: Path) -> None:
    code = (
        "import sys; from catalog import registry; registry.load('supcon')\n"
        "registry.load('SupConLoss')\n{}"
        "print('catalog.plugins' in sys.modules, 'iconograph_plugin_example' in sys.modules)"
    )
    assert call(installed, code=code.format("")).stdout == "False False\n"
    assert call(installed, code=code.format("registry.ids()\n")).stdout == "True True\n"


# ------------------------------------------------------------------ broken ones


def test_the_site_of_one_entry_has_its_kernels(installed: Path, tmp_path: Path) -> None:
    done = call(installed, "browse", "--only", "infonce", "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert "quartic" in (tmp_path / "out" / "kernels.html").read_text()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder on the path in which packages can be put together by hand."""
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    registry.clear()
    before = set(sys.modules)
    yield folder
    registry.clear()
    for name in set(sys.modules) - before:
        if name.startswith("broken_"):
            del sys.modules[name]
    assert "quartic" not in Q_KERNELS


def package(site: Path, name: str, code: str, **files: str) -> Path:
    """A package with an entry point `plugin`, and method files by id."""
    folder = site / f"broken_{name}"
    (folder / "methods").mkdir(parents=True)
    (folder / "__init__.py").write_text(
        f"from pathlib import Path\nHERE = Path(__file__).parent\n{code}\n"
    )
    for stem, text in files.items():
        (folder / "methods" / f"{stem.replace('_', '-')}.toml").write_text(text)
    info = site / f"broken_{name}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: broken-{name}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[iconograph.catalog]\n{name} = broken_{name}:plugin\n")
    return folder


PLUGIN = "from iconograph.plugin import Plugin\nplugin = Plugin(methods=HERE / 'methods')"
WITH_KERNEL = (SOURCE / "__init__.py").read_text()


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import nothing_of_that_name", "ModuleNotFoundError: No module named"),
        ("1/0", "fails: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "fails: SystemExit: 3"),
        ("def plugin(: pass", "fails: SyntaxError"),
        ("x = 1", "fails: AttributeError"),
        ("plugin = 3", "is no iconograph.plugin.Plugin"),
        (PLUGIN.replace("'methods'", "'nowhere'"), "there is no folder"),
        (PLUGIN.replace("methods=", "references="), "there is no file"),
        (PLUGIN.replace("methods=HERE / 'methods'", "kernels=(3,)"), "3 is no kernel"),
    ],
)
def test_a_plugin_that_cannot_be_read_is_left_out(site: Path, code: str, said: str) -> None:
    package(site, "bad", code, good=PLAIN.replace("quartic-sne", "good"))
    names = registry.ids()
    assert "good" not in names and "supcon" in names
    (problem,) = plugins.problems()
    assert problem.startswith("plug-in 'bad': it was left out, ") and said in problem
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('name="quartic"', 'name="student-t"', "a kernel named 'student-t' exists already"),
        ('name="quartic"', 'name="Quartic!"', "a kernel cannot be called 'Quartic!'"),
        ("1/(1 + score^2)", "1/(1 + score^", "has a kernel that is no formula"),
    ],
)
def test_a_wrong_kernel_leaves_its_plugin_out(site: Path, old: str, new: str, said: str) -> None:
    assert old in WITH_KERNEL
    package(site, "kernel", WITH_KERNEL.replace(old, new), good=METHOD)
    (site / "broken_kernel" / "references.bib").write_text("")
    before = dict(Q_KERNELS)
    assert "quartic-sne" not in registry.ids()
    assert said in "".join(plugins.problems()) and before == Q_KERNELS


def test_two_plugins_may_not_share_a_kernel(site: Path) -> None:
    for name in ("a", "b"):
        package(site, name, WITH_KERNEL)
        (site / f"broken_{name}" / "references.bib").write_text("")
    registry.ids()
    (problem,) = plugins.problems()
    assert problem.startswith("plug-in 'b': ") and "'quartic' exists already" in problem


def test_only_what_is_wrong_of_a_plugin_is_left_out(site: Path) -> None:
    def renamed(name: str, alias: str) -> str:
        return PLAIN.replace("quartic-sne", name).replace("quartic map", alias)

    package(
        site, "some", PLUGIN,
        good=renamed("good", "good map"), supcon=renamed("supcon", "a"),
        not_toml="id = \n", misnamed=renamed("other", "b"),
        formula=renamed("formula", "c").replace("log(", "lgo("),
        alias=renamed("alias", "SupConLoss"),
    )  # fmt: skip
    found = {m.id: m for m in registry.all_methods()}
    assert {"good", "alias"} <= set(found) and "formula" not in found
    assert registry.origin(found["good"]) == "some" and registry.origin(found["supcon"]) == ""
    assert "catalog" in Path(found["supcon"].path).parts
    assert registry.load("SupConLoss").id == "supcon"
    said = sorted(plugins.problems())
    assert len(said) == 5 and all(s.startswith("plug-in 'some': ") for s in said)
    for part in (
        "supcon.toml: there is a method 'supcon' already",
        "not-toml.toml:1:6: this is not TOML",
        "the file states the method 'other'; name the file other.toml",
        "unknown function 'lgo'",
        "the alias 'SupConLoss' of alias means supcon",
    ):
        assert part in " ".join(said), part


def test_a_method_asked_for_by_name_says_what_is_wrong_with_it(site: Path) -> None:
    text = PLAIN.replace("quartic-sne", "formula").replace("log(", "lgo(")
    package(site, "asked", PLUGIN, formula=text)
    with pytest.raises(InputError, match="unknown function 'lgo'"):
        registry.load("formula")


def test_broken_references_are_reported(site: Path) -> None:
    code = "from iconograph.plugin import Plugin\nplugin = Plugin(references=HERE / 'r.bib')"
    (package(site, "bib", code) / "r.bib").write_text("@ nothing")
    with pytest.raises(InputError, match=r"there is no reference .zzz. in references\.bib"):
        registry.bibliography("zzz")
    assert "its references were left out" in "".join(plugins.problems())
    assert registry.bibliography("khosla2020supervised").startswith("@")


def test_the_commands_say_it_in_one_sentence_and_go_on(site: Path) -> None:
    package(site, "gone", "import nothing_of_that_name")
    done = call(site, "table", "--no-judge", "--json")
    assert "supcon" in methods(done)
    (line,) = done.stderr.splitlines()
    assert line.startswith("iconograph: plug-in 'gone': it was left out, ")
    done = call(site, "show", "supcon")
    assert done.returncode == 0 and done.stderr == "", "nothing of it was needed"
    done = call(site, "show", "nonsense")
    assert done.returncode == 2 and len(done.stderr.splitlines()) == 2
