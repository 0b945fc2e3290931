"""Texts of a method file are quoted in programs, and never become part of them."""

from __future__ import annotations

import ast
import keyword
from dataclasses import fields, replace

import pytest

from catalog.registry import load
from catalog.spec import Method
from codegen.emit import emit
from codegen.plain import plain, plain_method

HOSTILE = [
    '"""; import os; os.system("touch PWN"); """',
    '"""\nimport os\n"""',
    "\\",
    'a \\"""\nimport os\n"""',
    '""""""',
    '"',
    "one\r\nimport os\x0b\x0c\u2028import os\x00\x1b[0m",
    "\\N{no such name} \\x \\u12 {{ 1 }} {% if %}",
    "\udc80 alone",
]


def poisoned(method: Method, text: str) -> Method:
    """The method with every text that a file can hold replaced."""
    return replace(
        method,
        name=text,
        field=text,
        cite=text,
        aliases=(text,),
        summary=text,
        declarations={k: replace(d, text=text) for k, d in method.declarations.items()},
        assumes=tuple(replace(f, text=text) for f in method.assumes),
        published_text=text,
        source=replace(method.source, where=text, note=text),
        claim=replace(method.claim, scale_text=text, constant_text=text, correction=text),
        conventions={text: text},
        path=text,
        text=method.text,
    )


def skeleton(text: str) -> list[str]:
    """The program without its docstrings."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module) and node.body:
            first = node.body[0]
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body[0] = ast.Pass()
    return ast.unparse(tree).splitlines()


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize("name", ["supcon", "t-sne", "siglip"])
@pytest.mark.parametrize("text", HOSTILE)
def test_no_text_changes_the_program(name: str, text: str, target: str) -> None:
    source = emit(poisoned(load(name), text), target, verdict=text)
    assert skeleton(source) == skeleton(emit(load(name), target))
    tree = ast.parse(source)
    modules = [a.name for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names]
    assert "os" not in modules
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            assert node.name.isidentifier() and not keyword.iskeyword(node.name)


def test_a_certificate_and_an_id_are_no_program_either() -> None:
    method = replace(load("simclr"), id='x"""\nimport os')
    source = emit(method, "torch", certificate_hash=HOSTILE[0])
    assert not [n for n in ast.walk(ast.parse(source)) if getattr(n, "name", "") == "os"]
    assert "def x____import_os_loss(" in source


def test_every_text_of_a_method_is_made_plain() -> None:
    bad = HOSTILE[0]
    made = plain_method(poisoned(load("supcon"), bad))
    rest = replace(made, text="")
    texts = {f.name for f in fields(rest) if '"""' in str(getattr(rest, f.name))}
    assert texts == set()


def test_plain_keeps_what_is_harmless() -> None:
    assert plain("Eq. 2, \u03c4 > 0") == "Eq. 2, \u03c4 > 0"
    assert plain("a\n  b\t c") == "a b c"
    assert ast.literal_eval(f'"""{plain(chr(92) + "tau")}."""') == "\\tau."


def test_a_text_that_is_not_made_plain_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("codegen.emit.plain_method", lambda m: m)
    source = emit(replace(load("supcon"), name=HOSTILE[0]), "torch")
    tree = ast.parse(source)
    assert [n for n in ast.walk(tree) if isinstance(n, ast.Import) and n.names[0].name == "os"]
