from __future__ import annotations

import re
from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.formula import parse_cond, parse_expr, parse_fact, parse_index
from catalog.latex import symbol
from catalog.latex_method import typeset
from catalog.naming import canonical, same
from catalog.notation import method_latex, to_latex, to_text
from catalog.registry import all_methods, load
from catalog.symbols import (
    TRUE,
    Add,
    And,
    Big,
    Call,
    Cos,
    Div,
    Dot,
    Equal,
    IApp,
    IndexSet,
    IVar,
    Iverson,
    Mask,
    Mul,
    Norm,
    Num,
    Or,
    Pow,
    SetRef,
    Size,
    SqNorm,
    Sym,
    fresh,
    map_node,
    walk,
)
from tests.catalog_scope import FREE, SCOPE

N, C, SIDE = (SCOPE.sets[name] for name in ("n", "C", "side"))
D = IndexSet("d")

# ------------------------------------------------------------------ text, pinned

EXACT = [
    "1 + 2*a",
    "a - b",
    "-a",
    "-2*a",
    "a - 2*b",
    "-a*b",
    "a*(-b)",
    "(-1*a)*b",
    "a/b/tau",
    "a/(b/tau)",
    "a*b/tau",
    "(a + b)*tau",
    "a^2",
    "(-2)^a",
    "a^-1",
    "a^(-a)",
    "a^(1/2)",
    "2^(a^2)",
    "(a^2)^2",
    "1/2*a",
    "z[i].z[j]/tau",
    "(2*z[i]).(z[i] - z[j])",
    "|z[i] - z[j]|^2",
    "|z[i]|^3",
    "(|z[i]|^2)^a",
    "cos(z[i], w[y[i]])",
    "sum[k] s[i,k]",
    "sum[k != i] s[i,k] + 1",
    "a*sum[k] -s[i,k]",
    "(sum[k] s[i,k])*a",
    "a/sum[k] s[i,k]",
    "sum[k in P(i) : k != j] 1",
    "sum[k, l : k != l] s[k,l]",
    "mean[k] (s[i,k] + 1)",
    "max[k not in P(i)] s[i,k]",
    "sum[k : knn[i,k] or k = i] 1",
    "[not knn[i,j] and i != j]",
    "[i = j and (knn[i,j] or knn[j,i])]",
    "[true]",
    "size(P(pos[i]))",
    "size[k : knn[i,k]]",
    "size[k, l]",
    "n",
    "d",
    "sim(i,pos[j])",
    "sum[t] [t = image]",
    "log(a)",
    "(a + b) + 1",
    "a + (b + 1)",
    "a*(b*tau)",
    "-(a/b)",
    "-(a + b)",
    "(a/sum[k] s[i,k])/b",
    "max(a, b)",
    "a + -1*2*b",
    "sum[j2 != j] s[j,j2]",
    "-a/b",
]


@pytest.mark.parametrize("formula", EXACT)
def test_canonical_text_is_printed_as_it_was_read(formula):
    assert to_text(parse_expr(formula, SCOPE, free=FREE)) == formula


def test_letters_are_kept_and_clashes_are_numbered():
    inner = parse_expr("sum[k] s[i,k]", SCOPE, free=FREE)
    k = IVar("k", N)
    assert to_text(map_node(inner, {FREE["i"]: k})) == "sum[k2] s[k,k2]"
    assert to_text(parse_expr("sum[k] sum[k] s[k,k]", SCOPE)) == "sum[k] sum[k2] s[k2,k2]"
    assert to_text(IVar("j'17", N)) == "j" and to_text(inner, {FREE["i"]: "l"}) == "sum[k] s[l,k]"


def test_other_nodes_have_texts():
    assert (
        to_text(parse_cond("not (i = j and j in P(i))", SCOPE, free=FREE))
        == "i != j or j not in P(i)"
    )
    assert to_text(parse_index("pos[pos[i]]", SCOPE, free=FREE)) == "pos[pos[i]]"
    assert to_text(parse_fact("size(P(i)) > 0", SCOPE)) == "size(P(i)) > 0"


# ------------------------------------------------------------------ text, for all trees

LETTERS = {N: "ijkl", C: "c", SIDE: "t"}


@st.composite
def indices(draw, env, over):
    known = [v for v in env if v.set == over]
    if over == SIDE:
        known += [IApp("image", (), SIDE), IApp("words", (), SIDE)]
    if over == N and known and draw(st.booleans()):
        return IApp("pos", (draw(st.sampled_from(known)),), N)
    if over == C and (not known or draw(st.booleans())):
        return IApp("y", (draw(indices(env, N)),), C)
    return draw(st.sampled_from(known)) if known else IApp("anchor", (), N)


def in_set(element, anchor):
    """j in P(i), as the parser makes it."""
    labels = Equal(IApp("y", (element,), C), IApp("y", (anchor,), C))
    cond = And((Equal(element, anchor, True), labels))
    return SetRef(element, "P", (anchor,), cond)


@st.composite
def conds(draw, env, depth=2):
    kind = draw(st.integers(0, 5 if depth else 2))
    if kind <= 1:
        over = draw(st.sampled_from([N, C, SIDE]))
        return Equal(draw(indices(env, over)), draw(indices(env, over)), draw(st.booleans()))
    if kind == 2:
        args = (draw(indices(env, N)), draw(indices(env, N)))
        return Mask("knn", args, draw(st.booleans()))
    if kind == 3:
        return in_set(draw(indices(env, N)), draw(indices(env, N)))
    if kind == 4 and draw(st.booleans()):
        return TRUE
    parts = tuple(draw(st.lists(conds(env, depth - 1), min_size=2, max_size=3)))
    return And(parts) if kind == 4 else Or(parts)


@st.composite
def vectors(draw, env, depth):
    kind = draw(st.integers(0, 4 if depth else 0))
    if kind == 1:
        return Add((draw(vectors(env, depth - 1)), draw(vectors(env, depth - 1))))
    if kind == 2:
        return Mul((draw(scalars(env, depth - 1)), draw(vectors(env, depth - 1))))
    if kind == 3:
        return Div(draw(vectors(env, depth - 1)), draw(scalars(env, depth - 1, number=False)))
    if kind == 4:
        v = fresh(IVar(draw(st.sampled_from("ijkl")), N))
        return Big("mean", (v,), TRUE, draw(vectors((*env, v), depth - 1)))
    over = draw(st.sampled_from([("z", N), ("w", C)]))
    return Sym(over[0], (draw(indices(env, over[1])),), "vector", D, True)


@st.composite
def scalars(draw, env=(), depth=4, number=True):
    """Any tree that the parser can make (it folds a quotient of two numbers, and |u|^2)."""
    sub = scalars(env, depth - 1)
    kind = draw(st.integers(0, 13 if depth else 1))
    if kind == 0 and number:
        top, bottom = draw(st.integers(-5, 5)), draw(st.integers(1, 3))
        return Num(Fraction(top, bottom))
    if kind == 2:
        return Add(tuple(draw(st.lists(sub, min_size=2, max_size=4))))
    if kind == 3:
        return Mul(tuple(draw(st.lists(sub, min_size=2, max_size=4))))
    if kind == 4:
        top = draw(sub)
        return Div(
            top, draw(scalars(env, depth - 1, number=not isinstance(top, Num)).filter(not_zero))
        )
    if kind == 5:
        base = draw(sub.filter(lambda e: not isinstance(e, Norm)))
        return Pow(base, draw(sub.filter(small)))
    if kind == 6:
        return Call(draw(st.sampled_from(["log", "relu", "sg"])), (draw(sub),))
    if kind == 7:
        return Call("max", (draw(sub), draw(sub)))
    if kind in (8, 9):
        cls = draw(st.sampled_from([Dot, Cos, SqNorm, Norm]))
        parts = [draw(vectors(env, depth - 1)) for _ in range(2 if cls in (Dot, Cos) else 1)]
        return cls(*parts)
    if kind == 10:
        return Iverson(draw(conds(env)))
    if kind in (11, 12):
        over = draw(st.lists(st.sampled_from([N, N, C, SIDE]), min_size=1, max_size=2))
        bound = tuple(
            fresh(IVar(letter, o))
            for letter, o in zip(("i", "j"), over, strict=False)
            if o == N or letter == "i"
        )
        bound = tuple(
            fresh(IVar(LETTERS[v.set][0] if v.set != N else v.name[0], v.set)) for v in bound
        )
        inner = (*env, *bound)
        cond = draw(
            st.one_of(
                st.just(TRUE),
                conds(inner),
                st.builds(in_set, st.just(bound[0]), indices(env, N))
                if bound[0].set == N
                else st.just(TRUE),
            )
        )
        if kind == 12:
            return Size(bound, cond)
        op = draw(st.sampled_from(["sum", "mean", "max", "min"]))
        return Big(op, bound, cond, draw(scalars(inner, depth - 1)))
    if depth and draw(st.booleans()):
        return Sym("s", (draw(indices(env, N)), draw(indices(env, N))), "real")
    return draw(
        st.sampled_from([Sym("a"), Sym("b", (), "real", None, True), Sym("tau", (), "positive")])
    )


def not_zero(expr):
    return expr != Num(Fraction(0))


def small(expr):
    return not any(
        isinstance(expr, kind) for kind in (Add, Mul, Pow)
    )  # constants may get too large


@settings(max_examples=600, deadline=None)
@given(scalars())
def test_any_tree_is_read_back_from_its_text(tree):
    text = to_text(tree)
    assert canonical(parse_expr(text, SCOPE)) == canonical(tree), text


@settings(max_examples=200, deadline=None)
@given(conds((FREE["i"], FREE["j"]), 3))
def test_any_condition_is_read_back_from_its_text(cond):
    if cond != TRUE:
        assert parse_cond(to_text(cond), SCOPE, free=FREE) == cond


@settings(max_examples=100, deadline=None)
@given(scalars())
def test_latex_is_balanced(tree):
    text = to_latex(tree)
    assert text.count("{") == text.count("}") and text.count(r"\left") == text.count(r"\right")
    assert "'" not in to_text(tree)


def test_trees_are_compared_up_to_bound_letters_only():

    def parse(formula):
        return parse_expr(formula, SCOPE, free=FREE)

    assert same(parse("sum[k] s[i,k]"), parse("sum[l] s[i,l]"))
    assert not same(parse("sum[k] s[i,k]"), parse("sum[k] s[k,i]"))
    assert not same(parse("s[i,j]"), parse("s[j,i]"))


# ------------------------------------------------------------------ the catalog

METHODS = list(all_methods())


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.id)
def test_catalog_formulas_are_read_back(method):
    from catalog.load import Reader, read_toml

    scope = Reader(read_toml(method.text, method.path), method.path, method.text).scope()
    if method.published_text:
        assert same(parse_expr(to_text(method.published), scope), method.published)
    for block in method.icon.blocks:
        ends = {v: v.name.split("'")[0] for v in (*block.anchors, *block.neighbours)}
        free = {letter: v for v, letter in ends.items()}
        # a kernel of the vocabulary may bind a letter that the file has no use for
        nodes = (n for tree in (block.kernel, block.p) for n in walk(tree))
        own = {v.name.split("'")[0]: v.set for n in nodes for v in getattr(n, "vars", ())}
        scope = replace(scope, letters={**own, **scope.letters})
        assert same(parse_expr(to_text(block.kernel), scope, free=free), block.kernel)
        assert same(parse_expr(to_text(block.p), scope, free=free), block.p)


@pytest.mark.parametrize("method", METHODS, ids=lambda m: m.id)
def test_catalog_latex_is_complete(method):
    shown = method_latex(method)
    texts = [*shown.p, *shown.q, shown.published, shown.claim]
    assert len(shown.p) == len(shown.q) == len(method.icon.blocks)
    assert shown.claim and bool(shown.published) == (not method.statements)
    sections = typeset(method)
    assert all(lines for _, lines in sections)
    for text in (*texts, *(line for _, lines in sections for line in lines)):
        assert malformed(text) == ""
    assert undefined(sections) == set()
    said = [title.partition(": ")[2] for title, _ in sections]
    for fact in (*method.assumes, *method.steps):
        assert fact.text in said


COMMANDS = re.compile(
    "left|right|text|q?quad|t?frac|sqrt|operatorname|sum|max|min|log|exp|cos|le|ge|ne|in|notin|cdot|"
    "[lr][vV]ert|dots|mathbb|infty|mid|begin|end|to"
)


def malformed(text):
    """What is wrong with a formula, as far as that can be told without TeX."""
    bare = re.sub(r"\\[{}|\\]", "", text)
    depth = 0
    for char in bare:
        depth += (char == "{") - (char == "}")
        if depth < 0:
            return "a brace that closes nothing"
    if depth or len(re.findall(r"\\left\b", bare)) != len(re.findall(r"\\right\b", bare)):
        return "a bracket that is not closed"
    if len(re.findall(r"\\begin\b", bare)) != len(re.findall(r"\\end\b", bare)):
        return "an environment that is not closed"
    if re.search(r"'\d|[%#&$~]|[_^]\{\}|_\{[^{}]*\}_|[^\x20-\x7e]", bare):
        return "what TeX does not read"
    return ""


def letters(text):
    """The symbols in a formula."""
    bare = re.sub(r"\\text\{.*?\}|\\operatorname\*?\{\w+\}|\{gathered\}|\\mathbb\{R\}", " ", text)
    return {t for t in re.findall(r"\\math\w+\{\w+\}|\\[A-Za-z]+|[A-Za-z]", bare)
            if not COMMANDS.fullmatch(t.removeprefix("\\"))}  # fmt: skip


def undefined(sections):
    """The symbols of the formulas that no line introduces."""
    known = {r"\mathcal{L}", "f"} if any(t.startswith("published") for t, _ in sections) else set()
    for title, lines in sections:
        if title == "symbols":
            known |= set().union(*map(letters, lines))
        elif title in ("definitions", "p", "q", "D"):
            known |= set().union(*(letters(line.partition("=")[0]) for line in lines))
        elif title == "claim":
            known |= letters(lines[0].partition("for all constants")[2])
    used = [line for title, lines in sections if title != "signs" for line in lines]
    return set().union(*map(letters, used)) - known


@pytest.mark.parametrize("id", ["supcon", "pinsker", "jsd-is-half-jeffreys"])
@pytest.mark.parametrize("lost", ["symbols", "definitions"])
def test_a_symbol_without_a_meaning_is_noticed(id, lost):
    sections = [s for s in typeset(load(id)) if s[0] != lost]
    if len(sections) < len(typeset(load(id))):
        assert undefined(sections)


def test_malformed_latex_is_noticed():
    wrong = (r"\frac{a}{b", r"a}{", r"\left(a", r"\begin{gathered} a", "x_{}", "x_{a}_{b}", "50%")
    assert all(map(malformed, wrong))


# ------------------------------------------------------------------ LaTeX, pinned


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("z[i].z[j]/tau", r"\frac{z_{i} \cdot z_{j}}{\tau}"),
        ("-a/b", r"-\frac{a}{b}"),
        ("a*(b + 1)", r"a \, \left(b + 1\right)"),
        ("2*3", r"2 \cdot 3"),
        ("|z[i] - z[j]|^2", r"\lVert z_{i} - z_{j} \rVert^{2}"),
        ("sum[k != i] s[i,k]", r"\sum_{k \ne i} s_{ik}"),
        ("sum[k in P(i) : k != j] -a", r"\sum_{k \in P(i),\, k \ne j} \left(-a\right)"),
        ("size(P(i))", r"\lvert P(i) \rvert"),
        ("size[k, l : k != l]", r"\lvert \{ k, l :\, k \ne l \} \rvert"),
        ("log(a)^2", r"\left(\log\left(a\right)\right)^{2}"),
        ("sqrt(a)", r"\sqrt{a}"),
        (
            "[y[i] = y[j] or knn[i,j]]",
            r"\left[y_{i} = y_{j} \text{ or } \mathrm{knn}_{ij} = 1\right]",
        ),
        ("s[i,pos[i]]", r"s_{i,\mathrm{pos}_{i}}"),
        ("1/2*a - 3", r"\frac{1}{2} \, a - 3"),
    ],
)
def test_latex_of_formulas(formula, expected):
    assert to_latex(parse_expr(formula, SCOPE, free=FREE)) == expected


def test_latex_of_names():
    assert [symbol(n) for n in ("tau", "x", "pos", "z1", "tau_s", "p_T")] == [
        r"\tau",
        "x",
        r"\mathrm{pos}",
        "z_{1}",
        r"\tau_{s}",
        "p_{T}",
    ]


def test_latex_of_a_method():
    shown = method_latex(load("supcon"))
    assert shown.q == (
        r"q_{j \mid i} = \frac{\exp\left(\frac{z_{i} \cdot z_{j}}{\tau}\right)}"
        r"{\sum_{j' \ne i} \exp\left(\frac{z_{i} \cdot z_{j'}}{\tau}\right)}",
    )
    assert shown.claim == (
        r"\mathcal{L} = n \, D(p \,\|\, q) + \sum_{i} \log\left(\lvert P(i) \rvert\right)"
    )
    assert method_latex(load("t-sne")).p[0].startswith("p_{ij} = ")
    assert method_latex(load("siglip")).q[0].startswith(r"q_{o \mid ij} = ")
    assert r"\ne a" in method_latex(load("focal")).claim


# ------------------------------------------------------------------ deep trees

DEEP = {
    "functions": "exp(" * 95 + "a" + ")" * 95,
    "quotients": "1/(" * 95 + "a" + ")" * 95,
    "signs": "-exp(" * 48 + "a" + ")" * 48,
    "signed sums": "-sum[k] " * 48 + "a",
    "signed quotients": "-a/(" * 45 + "a" + ")" * 45 + "*b",
    "products": "a*(b*(" * 48 + "a" + "))" * 48,
    "powers": "a^(" * 95 + "a" + ")" * 95,
    "conditions": "[" + "(i = i or (i != i and " * 45 + "true" + "))" * 45 + "]",
}


@pytest.mark.parametrize("name", DEEP)
def test_the_deepest_formulas_can_be_handled_from_deep_inside_a_program(name):
    tree = parse_expr(DEEP[name], SCOPE, free=FREE)

    def from_depth(frames, work):
        return work() if not frames else from_depth(frames - 1, work)

    for work in (to_text, to_latex, canonical, hash, repr, lambda t: map_node(t, {})):
        from_depth(350, lambda work=work: work(tree))
    assert same(parse_expr(to_text(tree), SCOPE, free=FREE), tree)
