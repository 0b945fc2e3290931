"""The page of an entry, in a fixed order: what it is, what is proved of it, its code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from catalog import registry
from catalog.divergences import DIVERGENCES
from catalog.errors import InputError
from catalog.implementations import implementations_of
from catalog.kernels import P_KERNELS, Q_KERNELS
from catalog.notation import to_text
from catalog.spec import Method
from catalog.works import work_of
from codegen.emit import target_names
from codegen.site import addresses
from codegen.site.pages import Brief, File, Formula, Page
from codegen.site.picture import picture
from codegen.site.plots import drawing
from derive.derivation import LAWS
from derive.theorem import RULES
from iconograph.browse import bundle, formulas, relatives
from iconograph.browse.entries import Entry
from iconograph.browse.net import net
from iconograph.browse.pages import numerics
from iconograph.browse.pages.rules import counted
from iconograph.browse.witness import counterexample
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

    `chain` are equations with the laws between them, each with its address; `steps` the last
    ones of the checker, of `count` that lead to the theorem; `all` counts those of the certificate,
    which show besides that every formula has a value; `rules` how often each rule is used there.
    """

    chain: tuple[tuple[Formula, tuple[tuple[str, str], ...]], ...]
    steps: tuple[Step, ...]
    count: int
    all: int
    rules: tuple[tuple[str, int], ...]


NEAR = 6
"""Neighbours in the picture of a page; the graph's own page draws more."""

SHORT, SHORTER = 8, 3
"""Steps of a proof that are listed: the last ones, since the first are about signs and counts, and
fewer where there is a chain of equations. The certificate has all of them."""

WIDE = 120
"""Letters of a step; a longer one is cut, and whole in the bundle."""


def pages(world: World) -> Iterable[Page | File]:
    """A page for every entry, and the archive of their files."""
    edges, graph = relatives.around(world), net(world)
    for m in world.methods.values():
        known, found = world.entries[m.id], formulas.sections(m)
        content: dict[str, object] = {
            "method": m, "brief": world.briefs[m.id], "known": known, "row": known.row,
            "f": found, "cards": cards(m, found), "comparison": comparison(m),
            "proof": proof(known), "witness": counterexample(known.row),
            "groups": relatives.groups(world, m.id, edges[m.id]),
            "kin": relatives.kin(world, m.id, edges[m.id]),
            "pic": picture(graph, m.id, NEAR) if graph.around[m.id] else None,
            "corrected": relatives.corrected(world, m),
            "long": len(m.published_text) > 60 or len(to_text(m.claim.constant)) > 40
            or m.claim.below is not None or m.claim.above is not None,
            "holds": holds(world, m), "bibtex": cited(m),
            "archive": bundle.ARCHIVE, "names": bundle.words(known),
            "programs": programs(m, known), "targets": target_names(),
            "drawings": tuple(map(drawing, known.plots)),
            "real": implementations_of(m.id),
            "numerics": numerics.said(known.numerics) if known.numerics else "",
            "work": work_of(m.cite),
            "used": relatives.used(world, edges[m.id], m.id),
        }  # fmt: skip
        content["parts"] = parts(content)
        yield Page(
            addresses.method(m.id), "method.html.jinja", m.name, content,
            scripts=("code.js",) if known.programs else (),
        )  # fmt: skip
    works = dict.fromkeys(filter(None, map(cited, world.methods.values())))
    yield bundle.archive(world, "\n\n".join(works) + "\n")


def cards(method: Method, found: formulas.Sections) -> tuple[Card, ...]:
    """The cards of p and q; a theorem may have none."""
    icon = method.icon
    if not icon.blocks:
        return ()
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
    rules = counted(known.row.certificate)
    lines = formulas.spelt((c.latex, c.text) for c in known.chain)
    return Proof(
        tuple(
            (line, tuple((law, place(law)) for law in c.laws))
            for line, c in zip(lines, known.chain, strict=True)
        ),
        tuple(map(shortened, known.steps[-(SHORTER if known.chain else SHORT) :])),
        len(known.steps),
        rules.total(),
        tuple(sorted((name, n) for (_, name), n in rules.items())),
    )  # fmt: skip


def place(law: str) -> str:
    """The address of a law of a chain, "" for a hypothesis and for what is no single rule."""
    name = next((name for name, words in LAWS.items() if words == law), "")
    if not name:
        return addresses.rule("rule", "lincomb") if law.startswith("linearity") else ""
    return addresses.rule("rule" if name in RULES else "axiom", name)


def shortened(step: Step) -> Step:
    """A step that fits a line or two."""
    if len(step.said) <= WIDE:
        return step
    half = WIDE // 2
    return Step(f"{step.said[:half]} … {step.said[-half:]}", step.rule, step.axiom, step.uses)


PARTS = (
    ("pair", "Pair", "cards"), ("formula", "Formula", "f"), ("hypotheses", "Hypotheses", "f"),
    ("proof", "Proof", "proof"), ("witness", "Witness", "witness"),
    ("relations", "Relations", "pic"), ("code", "Code", "programs"), ("real", "Libraries", "real"),
    ("numerics", "Numerics", "numerics"), ("plots", "Plots", "drawings"), ("cite", "Cite", "f"),
)  # fmt: skip
"""Sections with what they are called at the top, and the content without which they are absent."""


def parts(content: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """The sections of a page, for the list at its top."""
    return tuple((id, title) for id, title, needs in PARTS if content[needs])


OPEN = ("torch",)
"""The programs that stand on the page; with all of them the site would be twice as large."""


def programs(method: Method, known: Entry) -> tuple[tuple[str, str, str], ...]:
    """The programs on the page: target, name of the file, text."""
    return tuple(
        (t, bundle.program(method.id, t), known.programs[t]) for t in OPEN if t in known.programs
    )


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
