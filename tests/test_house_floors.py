"""Imports point down only, the trusted base stays small and alone, and `verify` needs no torch."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ("catalog", "derive", "codegen", "iconograph")
TRUSTED = ("derive/terms.py", "derive/theorem.py", "derive/replay.py")
TRUSTED_LINES = 400
MEANING = "derive/claims.py"  # trusted too: what a claim says, and no rule of reasoning
MEANING_LINES = 130
DYNAMIC = ("import_module", "__import__")


def imports(source: str, package: str) -> Iterator[str]:
    """Every module that `source` imports, with relative imports made absolute in `package`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".")[: len(package.split(".")) - (node.level - 1)]
            base = ".".join([*(parts if node.level else []), *filter(None, [node.module])])
            yield base
            yield from (f"{base}.{alias.name}" for alias in node.names)
        elif (
            isinstance(node, ast.Call)
            and getattr(node.func, "attr", getattr(node.func, "id", "")) in DYNAMIC
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)


def upward(source: str, package: str) -> list[str]:
    """The imports of `source`, a file of `package`, that reach a floor above its own."""
    above = FLOORS[FLOORS.index(package.split(".")[0]) + 1 :]
    return [name for name in imports(source, package) if name.split(".")[0] in above]


def files() -> list[Path]:
    return sorted(path for room in FLOORS for path in (ROOT / room).rglob("*.py"))


def test_imports_point_down_only() -> None:
    found = {
        str(path.relative_to(ROOT)): bad
        for path in files()
        if (bad := upward(path.read_text(), ".".join(path.relative_to(ROOT).parent.parts)))
    }
    assert not found, f"imports that point up: {found}"
    assert {path.relative_to(ROOT).parts[0] for path in files()} == set(FLOORS)


@pytest.mark.parametrize(
    ("package", "source"),
    [
        ("catalog", "import derive.theorem"),
        ("catalog", "def f():\n    from codegen import emit"),
        ("derive", "from iconograph.cli import main"),
        ("codegen.targets", "if True:\n    import iconograph"),
        ("derive", "import importlib\nimportlib.import_module('codegen.emit')"),
    ],
)
def test_a_planted_upward_import_is_caught(package: str, source: str) -> None:
    assert upward(source, package)


@pytest.mark.parametrize(
    ("package", "source"),
    [("derive", "from catalog.symbols import Sym"), ("codegen.targets", "from ..render import x")],
)
def test_an_import_of_a_floor_below_is_allowed(package: str, source: str) -> None:
    assert not upward(source, package)


def strangers(source: str) -> list[str]:
    """What a file of the trusted base imports besides the standard library and the trusted base."""
    own = {path.removesuffix(".py").replace("/", ".") for path in TRUSTED}
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # `from derive import terms` names the module in the alias
            names = (
                [f"derive.{alias.name}" for alias in node.names]
                if node.module == "derive"
                else ["." if node.level else str(node.module)]
            )
        else:
            continue
        found += [name for name in names if name not in own]
    return [name for name in found if name.split(".")[0] not in sys.stdlib_module_names]


@pytest.mark.parametrize("path", [*TRUSTED, MEANING])
def test_the_trusted_base_imports_the_standard_library_and_itself(path: str) -> None:
    assert strangers((ROOT / path).read_text()) == []


@pytest.mark.parametrize(
    "source",
    [
        "import sympy",
        "from derive import prove",
        "from derive.bridge import x",
        "from catalog.spec import Method",
        "from . import prove",
        "def f():\n    import flint",
    ],
)
def test_a_planted_stranger_in_the_trusted_base_is_caught(source: str) -> None:
    assert strangers(source)


def weight(source: str) -> int:
    return sum(1 for line in source.splitlines() if line.strip())


def test_the_trusted_base_is_small() -> None:
    lines = {path: weight((ROOT / path).read_text()) for path in TRUSTED}
    assert 0 < sum(lines.values()) <= TRUSTED_LINES, lines
    assert 0 < weight((ROOT / MEANING).read_text()) <= MEANING_LINES
    assert weight("a\n\n  \nb\n") == 2


def test_every_room_is_a_regular_package() -> None:
    # a namespace package would lose to any regular package of that name anywhere on the path
    missing = [
        str(folder.relative_to(ROOT))
        for folder in {path.parent for path in files()}
        if not (folder / "__init__.py").exists()
    ]
    assert not missing, f"folders without __init__.py: {missing}"


PROBE = """
import sys
from iconograph.cli import main
try:
    main({arguments!r})
except SystemExit as stop:
    assert not stop.code, stop.code
{planted}
print(sorted(set(m.split(".")[0] for m in sys.modules) & set({heavy!r})))
"""


def loaded(arguments: list[str], heavy: list[str], planted: str = "") -> str:
    """Which of the `heavy` modules a process holds after it ran the command line."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE.format(arguments=arguments, heavy=heavy, planted=planted)],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


@pytest.mark.parametrize("command", ["verify infonce", "show infonce", "table --no-judge"])
def test_reading_and_proving_import_no_torch(command: str) -> None:
    assert loaded(command.split(), ["torch"]) == "[]"


def test_the_torch_probe_can_fail() -> None:
    pytest.importorskip("torch")
    assert loaded(["verify", "infonce"], ["torch"], planted="import torch") == "['torch']"


def test_help_imports_nothing_heavy() -> None:
    heavy = ["sympy", "torch", "lark", "flint", "numpy", "networkx", "pydantic", "jinja2"]
    assert loaded(["--help"], heavy) == "[]"
    assert loaded(["--help"], heavy, planted="import lark") == "['lark']"


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = "import sys, iconograph; print({'sympy', 'torch', 'lark', 'typer'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "set()"
