"""A scope with one name of every kind, for the tests of formulas and their notation."""

from __future__ import annotations

from catalog.declare import declare, define_all, read_sets
from catalog.errors import Place
from catalog.params import Text
from catalog.symbols import IVar


def text(value):
    return Text(value, Place.of(value))


def make_scope(sets, learned=(), given=(), define=()):
    """A scope from the texts of a file's tables."""
    scope = read_sets(
        {n: (text(v), ()) if isinstance(v, str) else (text(v[0]), v[1]) for n, v in sets}
    )
    for table, is_learned in ((learned, True), (given, False)):
        for name, kind in table:
            scope = declare(scope, name, text(name), text(kind), learned=is_learned)
    return define_all(scope, {head: (text(head), text(body)) for head, body in define})


SCOPE = make_scope(
    [("n", "i j k l"), ("C", "c"), ("side", ("t", ("image", "words")))],
    learned=[("z", "vector[i]"), ("w", "vector[c]"), ("b", "real")],
    given=[
        ("y", "label[i] in C"),
        ("pos", "index[i] in n"),
        ("knn", "mask[i,j]"),
        ("tau", "positive"),
        ("s", "real[i,j]"),
        ("x", "vector(m)[i]"),
        ("a", "real"),
        ("anchor", "index in n"),
    ],
    define=[
        ("P(i)", "{ j : j != i and y[j] = y[i] }"),
        ("sim(i,j)", "z[i].z[j]/tau"),
        ("two", "2"),
        ("mid", "mean[j] z[j]"),
        ("Q(i)", "{ k in P(i) : knn[i,k] }"),
    ],
)
N, C = SCOPE.sets["n"], SCOPE.sets["C"]
ANCHOR, NEIGHBOUR = IVar("i", N), IVar("j", N)
FREE = {"i": ANCHOR, "j": NEIGHBOUR}
