"""Planted errors are refuted and never proved; a judge that would prove one is caught."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import pytest

from catalog.load import load_text
from catalog.notation import to_text
from catalog.registry import all_methods, load
from catalog.spec import Method
from catalog.symbols import TRUE, Add, Expr, Macro, Mul, Num, walk
from derive import mutate, theorem
from derive.bridge import in_terms, problem
from derive.instance import model_at
from derive.loosened import loosened
from derive.mutants import KINDS, Mutant, candidates, formula_parts, meaning, mutants, outward
from derive.mutate import REFUTED, VARIANT, WRONG, MutationReport, judge, run
from derive.mutations_pair import with_block, with_claim, with_published
from derive.mutations_sets import ONE
from derive.places import Never, places, put, rebuilt, trail
from derive.prove import Proof, prove
from derive.terms import bind, num, var
from derive.theorem import MINUS, exp, inv, log

pytestmark = pytest.mark.xdist_group("mutate")  # its report is made once, in one worker
EXACT = [m for m in all_methods() if m.claim.relation == "exact"][::4]
OF_EXACT = set(KINDS) - {"bound"}  # kinds of error that an equation can have

FEW = EXACT[::3]


@pytest.fixture(scope="module")
def report() -> MutationReport:
    return run(200, 0, methods=EXACT)


# ------------------------------------------------------------------ what the pipeline says of them


def test_no_planted_error_is_accepted(report: MutationReport) -> None:
    assert report.total.made == 200
    assert report.total.wrongly_accepted == 0, report.survivors(WRONG)


def test_nearly_every_error_has_a_witness(report: MutationReport) -> None:
    assert report.rate >= 0.98, report.survivors(mutate.OPEN)
    assert report.total.refuted > 180


def test_the_prover_is_asked_about_refuted_claims_too(report: MutationReport) -> None:
    assert 15 <= report.asked <= 20


def test_every_kind_of_error_occurs(report: MutationReport) -> None:
    assert {row.kind for row in report.rows} >= OF_EXACT


def test_every_survivor_is_explained(report: MutationReport) -> None:
    survivors = [o for o in report.outcomes if o.verdict != REFUTED]
    assert survivors, "true variants are expected among so many"
    for o in survivors:
        assert o.how and "I-Con" in o.claim, o


def test_the_rows_add_up(report: MutationReport) -> None:
    *rows, total = report.table
    assert total == ("all", *(sum(row[k] for row in rows) for k in range(1, 6)))
    for _, made, *parts in report.table:
        assert made == sum(parts)
    assert report.total.made == len(report.outcomes)


def test_the_report_as_data(report: MutationReport) -> None:
    data = report.to_json()
    assert data["total"]["made"] == 200
    assert sum(data["refuted_by"].values()) == report.total.refuted
    assert len(data["survivors"]) == 200 - report.total.refuted
    assert list(mutate.lines(report))[-1] == f"| {' | '.join(map(str, report.table[-1]))} |"


def test_the_kinds_of_witness(report: MutationReport) -> None:
    assert {"another value", "no value"} <= report.to_json()["refuted_by"].keys()


# ------------------------------------------------------------------ which mutants there are


def claim(mutant: Mutant) -> str:
    claim = mutant.method.claim
    return " ".join(map(to_text, (mutant.method.published, claim.scale, claim.constant)))


def test_a_seed_gives_the_same_mutants() -> None:
    def told(n: int, seed: int) -> list[tuple[str, ...]]:
        made = mutants(n, seed, FEW)
        return [(m.method.id, m.kind, m.where, m.change, claim(m)) for m in made]

    assert told(40, 5) == told(40, 5)
    assert told(40, 5) == told(60, 5)[:40]
    assert told(40, 5) != told(40, 6)


def test_mutants_are_spread_over_methods_and_kinds() -> None:
    made = mutants(len(EXACT) * len(OF_EXACT), 0, EXACT)
    methods, kinds = Counter(m.method.id for m in made), Counter(m.kind for m in made)
    assert set(methods) == {m.id for m in EXACT} and set(kinds) == OF_EXACT
    assert max(methods.values()) <= 2.5 * min(methods.values())
    assert len({(m.method.id, m.kind) for m in made}) > 0.7 * len(made)


def test_mutants_are_no_duplicates() -> None:
    made = mutants(300, 3, FEW)
    said = {(m.method.id, meaning(m.method)) for m in made}
    said |= {(m.id, meaning(m)) for m in FEW}
    assert len(said) == 300 + len(FEW)


def test_no_more_mutants_than_there_are() -> None:
    method = load("cross-entropy")
    made = mutants(10_000, 0, [method])
    assert 100 < len(made) < len(list(candidates(method)))


@pytest.mark.parametrize(
    ("name", "kind", "change"),
    [
        ("cross-entropy", "sign", "x[i,c] -> -x[i,c]"),
        ("cross-entropy", "factor", "x[i,c] -> n*x[i,c]"),
        ("cross-entropy", "factor", "x[i,c] -> x[i,c]/2"),
        ("cross-entropy", "index", "x[i,c] -> x[i,y[i]]"),
        ("cross-entropy", "exp", "exp(x[i,c]) -> x[i,c]"),
        ("cross-entropy", "max", "sum[c] exp(x[i,c]) -> max[c] exp(x[i,c])"),
        ("cross-entropy", "normalisation", "sum[c] exp(x[i,c]) -> sum[i2, c] exp(x[i2,c])"),
        ("cross-entropy", "normalisation", "joint for row"),
        ("cross-entropy", "direction", "KL(q || p)"),
        ("cross-entropy", "constant", "+ log(classes)"),
        ("cross-entropy", "scale", "times n"),
        ("cross-entropy", "p", "mixed with the uniform one"),
        ("infonce", "temperature", "c[i].z[j]/tau -> tau*c[i].z[j]"),
        ("infonce", "temperature", "exp(c[i].z[j]/tau) -> exp(c[i].z[j])/tau"),
        ("infonce", "score", "c[i].z[j] -> cos(c[i], z[j])"),
        ("infonce", "direction", "f(i,pos[i])/sum[j] f(i,j) -> (sum[j] f(i,j))/f(i,pos[i])"),
        ("simclr", "index", "z[pos[i]] -> z[i]"),
        ("simclr", "self pair", "true"),
        ("supcon", "condition", "y[j] = y[i] -> j != i and y[j] != y[i]"),
        ("supcon", "count", "size(P(i)) -> n"),
        ("sne", "power", "|y[i] - y[j]|^2 -> |y[i] - y[j]|"),
        ("sne", "normalisation", "joint for row"),
        ("t-sne", "normalisation", "row for joint"),
        ("t-sne", "dropped term", "pc(i,j) + pc(j,i) -> pc(i,j)"),
        ("t-simcne", "number", "(1 + |z[i] - z[k]|^2)^-1 -> (1 + |z[i] - z[k]|^2)^-2"),
        ("clip", "normalisation", "block 1 only"),
        ("clip", "mean", "-> sum[i]"),
        ("label-smoothing", "log", "log("),
        ("dcd", "weights", "->"),
        ("moco-v3", "q", "twice the kernel"),
    ],
)
def test_an_error_that_people_make_is_among_them(name: str, kind: str, change: str) -> None:
    found = [make() for k, make in candidates(load(name)) if k == kind and not fails(make)]
    assert any(change in m.change for m in found), sorted({m.change for m in found})


@pytest.mark.parametrize(
    ("left", "right", "less"),
    [
        ("log(sum[i] exp(s[i]))", "2*(max[i] s[i] + log(n))", False),  # less where that is > 0 only
        ("log(sum[i] exp(s[i]))", "max[i] s[i] + log(n + 1)", True),
        ("log(mean[i] exp(s[i]))", "max[i] s[i] + log(n)", True),
        ("log(sum[i] exp(s[i]))", "max[i] s[i]", False),
        ("log(sum[k] exp(s[k]))", "max[i] s[i] + log(n)", False),  # another way to write it
        ("log(1)", "log(n)", True),  # log-sum-exp is at least the largest score; no s is left
    ],
)
def test_a_bound_with_more_room_is_no_error(left: str, right: str, less: bool) -> None:
    was = in_terms(load_text(LOG_SUM_EXP.format(left=LSE, right=f"{MAX} + log(n)")))
    assert loosened(was, in_terms(load_text(LOG_SUM_EXP.format(left=left, right=right)))) is less


LSE, MAX = "log(sum[i] exp(s[i]))", "max[i] s[i]"
LOG_SUM_EXP = """
id = "log-sum-exp-above"
name = "Log-sum-exp from above"
field = "theory"
year = 2026
cite = "vandermaaten2008visualizing"
summary = "Log-sum-exp is at most the largest score plus log n."
[sets]
n = "i k"
[learned]
s = "real[i]"
[theorem]
"it is at most that" = "{left} <= {right}"
[claim]
relation = "theorem"
"""


def test_the_remainder_of_a_limit_is_tried_with_another_order() -> None:
    made = [make() for kind, make in candidates(load("pca")) if kind == "bound"]
    assert {m.change for m in made} >= {"one order better", "none"}
    better = next(m for m in made if m.change == "one order better")
    assert judge(better).verdict == REFUTED


def fails(make: Callable[[], Mutant]) -> bool:
    try:
        make()
    except Never:
        return True
    return False


def test_a_definition_changes_wherever_it_is_used() -> None:
    supcon = load("supcon")
    part = next(p for p in formula_parts(supcon) if p.where == "definition of P")
    place = next(p for p in places(part.tree, part.scope) if to_text(p.node) == "j != i")
    changed = part.build(put(part.tree, place.path, TRUE))
    for text in (to_text(changed.published), to_text(changed.claim.constant)):
        assert "P(i)" not in text and "y[j] = y[i]" in text
    assert to_text(supcon.published).count("P(i)") == 2


# ------------------------------------------------------------------ places


@pytest.mark.parametrize("method", EXACT, ids=lambda m: m.id)
def test_a_node_put_back_changes_nothing(method: Method) -> None:
    said = meaning(method)[0]
    for place in list(places(method.published))[::3]:
        same = put(method.published, place.path, place.node)
        assert problem(rewritten(method, same)).published is said
        assert trail(method.published, place.path, place.node)[0] == (place.node, place.node)


def rewritten(method: Method, published: object) -> Method:
    from dataclasses import replace

    return replace(method, published=published)  # type: ignore[arg-type]


def test_a_change_below_a_name_shows_the_meaning() -> None:
    infonce = load("infonce")
    assert "f(i,j)" in to_text(infonce.published)
    inside = [p for p in places(infonce.published) if to_text(p.node) == "exp(c[i].z[j]/tau)"]
    new = put(infonce.published, inside[-1].path, inside[-1].node)
    assert "f(i,j)" not in to_text(new)


def test_rebuilt_is_the_same_tree_where_nothing_changes() -> None:
    for method in EXACT:
        assert rebuilt(method.published, lambda node: None) is method.published
        bare = rebuilt(method.published, lambda n: n.body if isinstance(n, Macro) else None)
        assert problem(rewritten(method, bare)).published is problem(method).published
        if any(isinstance(n, Macro) for n in walk(method.published)):
            assert bare != method.published


# ------------------------------------------------------------------ the judge can be wrong


def one(name: str, change: str) -> Mutant:
    """The mutant of a method that says `change`."""
    made = (make() for _, make in candidates(load(name)) if not fails(make))
    return next(m for m in made if m.change == change)


SUM_FOR_QUOTIENT = "exp(x[i,y[i]])/sum[c] exp(x[i,c]) -> (sum[c] exp(x[i,c]))/exp(x[i,y[i]])"


def a_proof() -> Proof:
    found = prove(problem(load("cross-entropy")))
    assert isinstance(found, Proof)
    return found


def test_a_prover_that_accepts_everything_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    proof = a_proof()
    monkeypatch.setattr(mutate, "prove", lambda *_: proof)
    report = run(40, 2, jobs=1, blind=1)
    assert report.total.refuted == 0
    assert report.total.wrongly_accepted >= 35


def test_a_refuter_that_sees_nothing_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    # no witness and a credulous prover: the fresh models are what is left
    proof = a_proof()
    monkeypatch.setattr(mutate, "prove", lambda *_: proof)
    monkeypatch.setattr(mutate, "refutation", lambda method, claim: "")
    report = run(20, 2, jobs=1, blind=0)
    assert report.total.wrongly_accepted >= 17
    assert all(o.how.startswith("proved, but ") for o in report.survivors(WRONG))


X = theorem.X


@pytest.mark.parametrize(
    ("axiom", "conclusion", "formula"),
    [
        # the sign of log(1/x) forgotten, the sign of log(exp(x)) turned
        ("log_inv", ("eq", log(inv(X)), log(X)), "-(x[i,y[i]] + log(sum[c] exp(x[i,c])))"),
        ("log_exp", ("eq", log(exp(X)), MINUS * X), "x[i,y[i]] + log(sum[c] exp(x[i,c]))"),
    ],
)
def test_an_unsound_rule_is_caught(
    monkeypatch: pytest.MonkeyPatch, axiom: str, conclusion: theorem.Judgement, formula: str
) -> None:
    method = load("cross-entropy")
    text = method.text.replace(method.published_text, f"mean[i] ({formula})")
    mutant = Mutant(load_text(text), "sign", "published", "by hand", ())
    assert judge(mutant, ask=True).verdict == REFUTED
    monkeypatch.setitem(theorem.AXIOMS, axiom, (theorem.AXIOMS[axiom][0], conclusion))
    found = judge(mutant, ask=True)
    assert found.verdict == WRONG and found.how == "proved, and refuted: another value"
    monkeypatch.setattr(mutate, "refutation", lambda method, claim: "")
    found = judge(mutant)
    assert found.verdict == WRONG and found.how.startswith("proved, but at n = 3")


def test_sympy_alone_catches_a_wrong_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    # an error in the translation to terms deceives balls and prover alike
    mutant, truth = one("cross-entropy", SUM_FOR_QUOTIENT), problem(load("cross-entropy"))
    assert judge(mutant).verdict == REFUTED
    monkeypatch.setattr(mutate, "problem", lambda method: truth)
    found = judge(mutant)
    assert found.verdict == WRONG and "sympy" in found.how


def test_a_variant_is_explained_by_the_part_that_is_equal() -> None:
    found = judge(one("t-sne", "|y[k] - y[l]|^2 -> |y[l] - y[k]|^2"))
    assert found.verdict == VARIANT
    assert found.how == "|y[k] - y[l]|^2 = |y[l] - y[k]|^2"


def test_a_part_that_is_equal_explains_nothing_where_others_changed_too() -> None:
    # twice the kernel is the same q, but the published formula does not forget the factor
    method = load("infonce")
    changed = with_block(method, 0, replace(method.icon.blocks[0], kernel=twice(method)))
    alone = outward(method, changed)
    assert len(alone) == 2, "q and the divergence"
    assert mutate.explanation(Mutant(changed, "q", "", "", alone), problem(changed))
    both = with_published(changed, Add((method.published, ONE)))
    assert outward(method, both) == ()
    scaled = with_claim(changed, "scale", Mul((Num(Fraction(2)), method.claim.scale)))
    assert outward(method, scaled) == ()
    for mutant in (Mutant(both, "q", "", "", ()), Mutant(scaled, "q", "", "", ())):
        assert mutate.explanation(mutant, problem(mutant.method)) == ""


def twice(method: Method) -> Expr:
    return Mul((Num(Fraction(2)), method.icon.blocks[0].kernel))


def test_a_prover_that_fails_is_no_witness(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> Proof:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(mutate, "prove", broken)
    found = judge(one("cross-entropy", SUM_FOR_QUOTIENT), ask=True)
    assert found.verdict == mutate.OPEN and "ZeroDivisionError: a bug" in found.how


def test_a_definition_is_held_to_its_own_pair() -> None:
    # Its published formula is written from its pair: where one changes, the other does not follow.
    report = run(60, 1, jobs=1, methods=[load("t-supcon"), load("sne-graph-embedding")])
    assert report.total.made == 60
    assert report.total.wrongly_accepted == 0


def test_progress_and_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[int] = []
    one_process = run(10, 1, jobs=1, blind=0, progress=steps.append)
    assert len(steps) == 10
    monkeypatch.setattr(mutate, "SMALL", 0)
    assert run(10, 1, jobs=2, blind=0, progress=steps.append) == one_process
    assert len(steps) == 20


def test_a_theorem_with_models_of_one_element_only_is_confirmed_there() -> None:
    method = load("tv-below-hellinger")
    claim = problem(method)
    alone = ("eq", bind("sum", var("i", "n"), num(1)), num(1))
    claim = replace(claim, hyps=(*claim.hyps, alone), texts=(*claim.texts, "one element"))
    assert model_at(claim, 3) is None and model_at(claim, 1) is not None
    against, agreed = mutate.fresh_statements(method, claim)
    assert against == "" and agreed > 0
    turned = tuple((j[0], num(-1) * j[1] - num(1)) for j in claim.facts)
    against, _ = mutate.fresh_statements(method, replace(claim, facts=turned))
    assert against, "what is false in a model of one element is found there"
