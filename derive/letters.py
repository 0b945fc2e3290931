"""The letters of bound variables, and which of them say by themselves what set they range over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, count

from derive.terms import BINDERS, INDEX, Domain, Term, domain

POOL = "ijklmabcuvw"


def plain(v: Term) -> str:
    """The letter of a variable, without the number that makes it unique."""
    return str(v.data[0]).split("'")[0]


def numbered(base: str) -> Iterator[str]:
    """The names j, j2, j3, ..."""
    return chain((base,), (f"{base}{n}" for n in count(2)))


def below(roots: Iterable[Term]) -> Iterator[Term]:
    """Terms and all their sub-terms, each once."""
    seen, todo = set[Term](), list(roots)
    while todo:
        t = todo.pop()
        if t not in seen:
            seen.add(t)
            todo += t.args
            yield t


def names_below(roots: Iterable[Term]) -> set[str]:
    """The names of all symbols and elements in terms, which no letter may look like."""
    found = set[str]()
    for t in below(roots):
        if t.op in ("app", "mask", "fn"):
            found.add(t.data[0])
        over = t.data if t.op in BINDERS else domain(t) if t.op in INDEX else ""
        found.update(over[1] if isinstance(over, tuple) else ())
    return found


def named(free: Iterable[Term], taken: set[str]) -> dict[Term, str]:
    """Each free variable with its letter, numbered where two share one; `taken` grows by them."""
    names: dict[Term, str] = {}
    used: set[str] = set()
    for v in sorted(free, key=lambda v: (plain(v), str(v.data))):
        names[v] = next(name for name in numbered(plain(v)) if name not in used)
        used.add(names[v])
    taken |= used
    return names


def fresh(taken: Iterable[str]) -> str:
    """A letter that is not taken."""
    used = set(taken)
    candidates = chain(POOL, *(numbered(x) for x in POOL[:1]))
    return next(x for x in candidates if x not in used)


def untyped(vs: Sequence[Term], bodies: Iterable[Term]) -> list[Term]:
    """The variables of `vs` whose set the bodies do not show.

    A symbol shows the sets of its arguments, and a comparison with an element, a function or a
    variable whose set is known shows the set of both sides. Variables other than `vs` are known.
    """
    bodies = list(bodies)
    links = {v: set(compared(v, bodies)) for v in vs}
    known, out = set[Term](), list[Term]()
    for v in vs:
        grown = True
        while grown:
            new = {w for w in vs if w not in known and shown(links[w], vs, known)}
            known |= new
            grown = bool(new)
        if v not in known:
            out.append(v)
            known.add(v)
    return out


def shown(partners: set[Term | None], vs: Sequence[Term], known: set[Term]) -> bool:
    """Whether one of the partners of a variable says what its set is."""
    return any(p is None or p.op != "v" or p not in vs or p in known for p in partners)


def compared(v: Term, bodies: Iterable[Term]) -> Iterator[Term | None]:
    """What v is compared with, and None where it is the argument of a symbol."""
    for t in below(b for b in bodies if v in b.free):
        if t.op in ("app", "mask", "fn") and v in t.args:
            yield None
        elif t.op in ("eq", "ne") and v in t.args:
            other = t.args[t.args[0] is v]
            if other is not v and other.op != "b":
                yield other


def set_name(d: Domain) -> str:
    """The name of an index set."""
    return d if isinstance(d, str) else d[0]
