"""Formulas as MathML: read back they are the formulas of the catalog, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from xml.etree import ElementTree

import pytest

from catalog import registry
from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.files import read_text, read_toml
from catalog.formula import Scope, parse_expr, parse_fact
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.latex import letter, symbol, to_latex
from catalog.latex_boxes import read
from catalog.load import Reader
from catalog.mathml import mathml, to_mathml, typeset_mathml
from catalog.naming import canonical, name_all, primed, sorted_free, substitute
from catalog.naming import letter as plain_letter
from catalog.pair import renewed
from catalog.spec import Method
from catalog.symbols import Expr, Fact, IVar, walk
from tests.catalog_scope import FREE, SCOPE, make_scope
from tests.mathml_reader import Unreadable, read_back, shape

CORE = {
    "math", "mrow", "mi", "mn", "mo", "mtext", "mspace", "mfrac", "msqrt", "msub", "msup",
    "msubsup", "munder", "mtable", "mtr", "mtd",
}  # fmt: skip
EVERY = 4  # what is slow to read back is tried on one entry of four
Names = Mapping[IVar, str]


@cache
def entry(path: str) -> tuple[Method, Scope]:
    """An entry, and the scope of its formulas."""
    text = read_text(path)
    reader = Reader(read_toml(text, path), path, text)
    method = reader.method()
    return method, replace(reader.scope(), pair=method.icon.blocks)


def entries() -> list[tuple[Method, Scope]]:
    return [entry(str(item.path)) for item in registry.everything().values()]


def same(a: Expr, b: Expr) -> bool:
    return shape(canonical(a)) == shape(canonical(b))


def same_fact(a: Fact, b: Fact) -> bool:
    def unnamed(fact: Fact) -> tuple[Expr, str, Expr]:
        free = {v for side in (fact.left, fact.right) for v in sorted_free(side)}
        order = sorted(free, key=lambda v: (plain_letter(v), v.name))
        fact = substitute(fact, {v: IVar(f"free{k}", v.set) for k, v in enumerate(order)})
        return shape(canonical(fact.left)), fact.relation, shape(canonical(fact.right))

    return unnamed(a) == unnamed(b)


def faithful(node: Expr | Fact, scope: Scope, names: Names | None = None, shown: str = "") -> bool:
    """Whether `shown`, by default the node's MathML, reads as the node. Raises Unreadable."""
    shown = shown or to_mathml(node, names)
    if isinstance(node, Fact):
        return same_fact(parse_fact(read_back(shown, scope), scope), node)
    letters = {plain.replace("'", "90"): v for v, plain in (names or {}).items()}
    # kernels bind letters of their own
    bound = {v for n in walk(node) for v in getattr(n, "vars", ())}
    scope = replace(scope, letters={plain_letter(v): v.set for v in bound} | dict(scope.letters))
    return same(parse_expr(read_back(shown, scope, tuple(letters)), scope, free=letters), node)


# ------------------------------------------------------------------ every formula of the catalog


def test_every_published_formula_reads_back() -> None:
    published = [(m, scope) for m, scope in entries() if m.published_text]
    assert len(published) > 290
    for method, scope in published:
        assert faithful(method.published, scope), method.id


def parts(method: Method) -> Iterator[tuple[Expr | Fact, Names | None]]:
    """The other formulas of an entry, with names for the letters that are free in them."""
    claim = method.claim
    for side in (claim.scale, claim.constant, claim.below, claim.above):
        if side is not None:
            yield side, None
    for fact in (*method.assumes, *method.statements, *method.steps):
        yield fact, None
    for block in method.icon.blocks:
        names = name_all((*block.anchors, *block.neighbours), {}, frozenset(), primed)
        for side in (block.weight, renewed(block.p), block.kernel):
            yield side, names


def test_claims_kernels_and_hypotheses_read_back() -> None:
    for method, scope in entries()[::EVERY]:
        for node, names in parts(method):
            assert faithful(node, scope, names), method.id


def test_all_that_is_typeset_is_mathml_core() -> None:
    some = [method for method, _ in entries()[1::EVERY]]
    shown = [line for method in some for _, lines in typeset_mathml(method) for line in lines]
    shown += [mathml(k.latex) for k in (*P_KERNELS.values(), *Q_KERNELS.values())]
    shown += [mathml(d.latex) for d in DIVERGENCES.values()]
    assert len(shown) > 1000
    for text in shown:
        root = ElementTree.fromstring(text)
        assert {e.tag for e in root.iter()} <= CORE
        assert root.attrib["alttext"].strip()


def test_bars_are_read_as_what_they_are() -> None:
    def bars(latex: str) -> str:
        return "".join(e.text or "" for e in ElementTree.fromstring(mathml(latex)).iter("mo"))

    assert bars(DIVERGENCES["tv"].latex) == "|−|" and bars(r"|p - q| / |N|") == "|−|/||"
    assert bars(r"p_{j|i} \,\|\, \|x\|") == "∣∥‖‖"


# ------------------------------------------------------------------ planted errors

PLANTED = ("supcon", "t-sne", "dpo", "siglip", "umap", "arcface", "neural-ndcg", "apo-zero-tv")


def mutants(shown: str) -> Iterator[tuple[str, str]]:
    """The formula with one thing about it wrong: what, and the MathML."""
    count = len(list(ElementTree.fromstring(shown).iter()))
    for place in range(count):
        root = ElementTree.fromstring(shown)
        node = list(root.iter())[place]
        inner = list(node)
        if node.tag == "mrow" and len(inner) > 2 and inner[0].text == "(":
            node.remove(inner[0])
            node.remove(inner[-1])
            yield "no brackets", ElementTree.tostring(root, "unicode")
        elif node.tag in ("msub", "msup"):
            node.tag = {"msub": "msup", "msup": "msub"}[node.tag]
            yield "script at the other side", ElementTree.tostring(root, "unicode")
        elif node.tag in ("msubsup", "mfrac"):
            node[:] = [*inner[:-2], inner[-1], inner[-2]]
            yield "exchanged", ElementTree.tostring(root, "unicode")
        elif node.tag == "mo" and node.text in "−∈≠⋅":
            node.text = {"−": "+", "∈": "∉", "≠": "=", "⋅": ","}[node.text]
            yield "another sign", ElementTree.tostring(root, "unicode")


def test_planted_errors_are_caught() -> None:
    found: dict[str, int] = {}
    for name in PLANTED:
        method, scope = entry(str(registry.everything()[name].path))
        for what, wrong in mutants(to_mathml(method.published)):
            found[what] = found.get(what, 0) + 1
            with suppress(Unreadable, InputError):
                assert not faithful(method.published, scope, None, wrong), (method.id, what, wrong)
    assert len(found) == 4 and min(found.values()) > 10, found


def test_a_printer_without_brackets_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    node = parse_expr("(a + b)*tau", SCOPE, free=FREE)
    assert faithful(node, SCOPE)
    monkeypatch.setattr("catalog.latex.Latex.expr", lambda self, expr, need=0: self.bare(expr)[0])
    assert not faithful(node, SCOPE)


# ------------------------------------------------------------------ spelling


def test_spelling() -> None:
    node = parse_expr("sum[k != i] s[i,k]/2", SCOPE, free=FREE)
    assert to_mathml(node, block=True) == (
        '<math display="block" alttext="sum[k != i] s[i,k]/2"><munder><mo>∑</mo><mrow><mi>k</mi>'
        '<mo>≠</mo><mi>i</mi></mrow></munder><mspace width="0.17em"/><mfrac><msub>'
        "<mi>s</mi><mrow><mi>i</mi><mi>k</mi></mrow></msub><mn>2</mn></mfrac></math>"
    )
    assert mathml(r"2 \, x", "2*x") == (
        '<math alttext="2*x"><mn>2</mn><mspace width="0.17em"/><mi>x</mi></math>'
    )


@pytest.mark.parametrize(
    ("latex", "text"),
    [
        (r"\sum_{j \ne i} \frac{a + 1}{\tau} \, s_{ij}", "sum_(j ≠ i) (a + 1)/τ s_(i j)"),
        (r"p_{j'} - \log\left(x\right)^{2}", "p_(j′) − log(x)^2"),
        (r"x \in \{1, \dots, n\} \quad \text{(given)}", "x ∈ {1, … , n} (given)"),
        (r"\sqrt{2} > -1", "sqrt(2) > −1"),
    ],
)
def test_plain_text(latex: str, text: str) -> None:
    assert f'alttext="{text}"' in mathml(latex).replace("&gt;", ">")


def test_what_is_written_is_escaped() -> None:
    shown = mathml(r"\text{<script>alert(1)</script>} < \mathrm{a&b}", '"><script>')
    assert "<script" not in shown
    assert ElementTree.fromstring(shown).attrib["alttext"] == '"><script>'


@pytest.mark.parametrize(
    "latex",
    [
        r"\href{x}{y}", "a^2^3", "a_{1}_{2}", r"\left(a", r"\left(a\right]", "(a]", "a)", "{a",
        "a}", "x2", r"\mathbb{Q}", r"\frac{a}", r"\text{a \sum b}", "a $",
        r"\begin{align} a \end{align}",
    ],
)  # fmt: skip
def test_other_latex_is_refused(latex: str) -> None:
    with pytest.raises(ValueError, match="LaTeX that cannot be read"):
        read(latex)


def test_depth_is_bounded() -> None:
    with pytest.raises(ValueError, match="nested too deeply"):
        read("{" * 5000 + "}" * 5000)


# ------------------------------------------------------------------ names


def test_names_are_one_symbol() -> None:
    assert symbol("one_minus_h") == r"\mathrm{one}_{\mathrm{minus}_{h}}"
    assert symbol("a_") == r"\mathrm{a\_}" and symbol("a__b") == r"\mathrm{a\_\_b}"
    assert [letter(name) for name in ("j", "j''", "b2'", "b2")] == ["j", "j''", "b'_{2}", "b_{2}"]
    assert 'mi>b</mi><mn>2<' in mathml(letter("b2"))


def test_a_power_of_what_has_a_script_is_bracketed() -> None:
    half = parse_expr("(1/2)^a", SCOPE, free=FREE)
    assert to_latex(half) == r"\left(\frac{1}{2}\right)^{a}"
    scope = make_scope([("n", "i")], given=[("p_T", "positive[i]")])
    squares = parse_expr("sum[i] p_T[i]^2", scope)
    assert to_latex(squares).endswith(r"\left(p^{(T)}_{i}\right)^{2}")
    assert faithful(squares, scope)
