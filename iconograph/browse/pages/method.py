"""The page of an entry, in a fixed order: what it is, what is proved of it, its code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog import registry
from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.notation import to_text
from catalog.spec import Method
from codegen.site import addresses
from codegen.site.pages import Brief, File, Formula, Page
from iconograph.browse import bundle, formulas, relatives, witnesses
from iconograph.browse.entries import Entry
from iconograph.browse.world import World
from iconograph.proof import Step


@dataclass(frozen=True)
class Card:
    """P or q: the kernel with its address, what it is, and its formula for each group of anchors.

    `params` are the parameters of the kernel as the file puts them.
    """

    letter: str
    role: str
    title: str
    address: str
    doc: str
    formulas: tuple[Formula, ...]
    params: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Proof:
    """What the page shows of a proof.

    `chain` are equations with the laws between them; `steps` those of the checker that are listed
    with their numbers, of `count` in all; `rules` how often each rule or axiom is used.
    """

    chain: tuple[tuple[Formula, tuple[str, ...]], ...]
    steps: tuple[tuple[int, Step], ...]
    count: int
    rules: tuple[tuple[str, str, int], ...]


SHORT = 60
"""Steps of a proof that are listed; of a longer one only the last of them are, since the first
ones are about signs and counts. All of them are in the bundle beside the page."""

WIDE = 160
"""Letters of a step; a longer one is cut, and whole in the bundle."""


def pages(world: World) -> Iterable[Page | File]:
    """A page for every entry, and its bundle."""
    edges = relatives.around(world)
    for m in world.methods.values():
        known = world.entries[m.id]
        content: dict[str, object] = {
            "method": m, "brief": world.briefs[m.id], "known": known, "row": known.row,
            "f": formulas.sections(m), "cards": cards(m), "comparison": comparison(m),
            "proof": proof(known), "witness": witness(known),
            "groups": relatives.groups(world, m.id, edges[m.id]),
            "kin": relatives.kin(world, m.id, edges[m.id]),
            "corrected": relatives.corrected(world, m),
            "holds": holds(world, m), "bibtex": cited(m),
            "bundle": bundle.path(m.id), "names": bundle.names(m, known),
        }  # fmt: skip
        yield Page(
            addresses.method(m.id), "method.html.jinja", m.name, content, m.summary,
            scripts=("code.js",) if known.programs else (),
        )  # fmt: skip
        yield bundle.bundle(m, known, cited(m))


def cards(method: Method) -> tuple[Card, ...]:
    """The cards of p and q; a theorem may have none."""
    icon = method.icon
    if not icon.blocks:
        return ()
    found = formulas.sections(method)
    out = []
    for letter, role, spec, lines in (
        ("p", "supervisory, fixed", icon.p, found.p), ("q", "learned", icon.q, found.q),
    ):  # fmt: skip
        kernels: Mapping[str, object] = P_KERNELS if letter == "p" else Q_KERNELS
        kernel = kernels.get(spec.name)
        out.append(Card(
            letter, role, str(getattr(kernel, "title", spec.name)),
            addresses.kernel(letter, spec.name), str(getattr(kernel, "doc", "")), lines,
            tuple((key, to_text(value)) for key, value in spec.params.items()),
        ))  # fmt: skip
    return tuple(out)


def comparison(method: Method) -> tuple[str, str, str]:
    """How p and q are compared: title, address, and the normalisation in words."""
    icon = method.icon
    kind = DIVERGENCES[icon.divergence]
    order = f" of order {to_text(icon.degree)}" if kind.ordered else ""
    return (
        f"{kind.title} divergence{order}", addresses.kernel("d", kind.name),
        NORMALISED[icon.normalise],
    )  # fmt: skip


NORMALISED = {
    "row": "a distribution for every anchor", "joint": "one distribution over all pairs",
    "pair": "two outcomes for every pair", "row-and-column": "by rows and by columns",
}  # fmt: skip


def proof(known: Entry) -> Proof | None:
    """The proof, None where there is none."""
    if not known.steps:
        return None
    numbered = list(enumerate(known.steps, 1))
    rules = Counter(("axiom", s.axiom) if s.axiom else ("rule", s.rule) for s in known.steps)
    return Proof(
        tuple((formulas.latex(c.latex, c.text), c.laws) for c in known.chain),
        tuple((n, shortened(s)) for n, s in numbered[-SHORT:]), len(numbered),
        tuple((kind, name, count) for (kind, name), count in sorted(rules.items())),
    )  # fmt: skip


def shortened(step: Step) -> Step:
    """A step that fits a line or two."""
    if len(step.said) <= WIDE:
        return step
    half = WIDE // 2
    return Step(f"{step.said[:half]} … {step.said[-half:]}", step.rule, step.axiom, step.uses)


def witness(known: Entry) -> witnesses.Shown | None:
    """The witness of a refutation."""
    data = known.row.detail.get("witness")
    return None if data is None else witnesses.shown(data)


def holds(world: World, method: Method) -> tuple[Brief, ...]:
    """The entries that prove what holds in place of a false statement."""
    names = method.erratum.holds if method.erratum else ()
    return tuple(world.briefs[n] for n in names if n in world.briefs)


def cited(method: Method) -> str:
    """The BibTeX entry, "" where there is none, as in a file of one's own."""
    try:
        return registry.bibliography(method.cite).strip()
    except InputError:
        return ""
