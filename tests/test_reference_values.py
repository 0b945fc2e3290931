"""The catalog against a second transcription of every loss, and the claims against numbers.

Two transcriptions in different forms rarely share a slip: the file's formula, p, q, scale and
constant are evaluated by loops (tests/formula_value.py) and compared with the reference values.
"""

from __future__ import annotations

import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from catalog.load import load_file, load_text
from catalog.pair import divergence
from catalog.spec import Method
from catalog.symbols import Sym
from tests import reference_values as reference
from tests.formula_value import valuation
from tests.reference.tools import Data

METHODS = Path(__file__).parents[1] / "catalog" / "methods"
ERRATA = METHODS.with_name("errata")  # those about a pair may have a reference, all have a test
FILES = sorted(METHODS.glob("*.toml"))
FILES += [p for p in sorted(ERRATA.glob("*.toml")) if p.stem in reference.NEGATIVES]
BOUNDED = ("limit", "bound", "expansion")  # see test_reference_bounds.py
SIZES = (4, 7, 12)
TOLERANCE = 1e-12
BENT = 1e-4  # three points of a loss that does not reduce are at least this far from a line


@cache
def load(method: str) -> Method:
    return load_file(next(p for p in FILES if p.stem == method))


IDS = [p.stem for p in FILES if load(p.stem).claim.relation not in BOUNDED]


def draw(method: str, seed: int, n: int) -> Data:
    return reference.sample(method, np.random.default_rng(seed), n)


def close(a: float, b: float, *parts: float) -> bool:
    """Equality relative to the largest of the numbers that entered."""
    return abs(a - b) <= TOLERANCE * max(abs(a), abs(b), *(abs(x) for x in parts), 1e-300)


def bend(method: str, n: int) -> float:
    """How far three points (I-Con, published) of one problem are from a line, 0 if affine."""
    data = draw(method, 0, n)
    learned = reference.NEGATIVES.get(method) or tuple(
        name for name, d in load(method).declarations.items() if d.learned
    )
    points = []
    for seed in (1, 2, 3):
        other = draw(method, seed, n)
        moved = {**data, **{name: other[name] for name in learned}}
        points.append((reference.icon(method, moved), reference.published(method, moved)))
    (x0, y0), (x1, y1), (x2, y2) = points
    a, b = (x1 - x0, y1 - y0), (x2 - x0, y2 - y0)
    return abs(a[0] * b[1] - a[1] * b[0]) / (np.hypot(*a) * np.hypot(*b))


def test_every_method_of_the_catalog_has_a_reference() -> None:
    assert set(IDS) == set(reference.CLAIMS) | set(reference.NEGATIVES)
    assert len(IDS) >= 32


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("method", reference.CLAIMS)
def test_claim_holds_in_the_reference(method: str, n: int) -> None:
    data = draw(method, n, n)
    scale, constant = reference.CLAIMS[method](data)
    published, image = reference.published(method, data), scale * reference.icon(method, data)
    assert scale > 0
    assert close(published, image + constant, image, constant)


@pytest.mark.parametrize("method", reference.NEGATIVES)
def test_no_affine_relation_fits_a_negative(method: str) -> None:
    assert bend(method, 7) > BENT


@pytest.mark.parametrize("method", ["simclr", "t-sne", "supcon"])
def test_the_affine_test_passes_what_reduces(method: str) -> None:
    assert bend(method, 7) < 1e-10


@pytest.mark.parametrize("method", IDS)
def test_the_file_says_what_the_reference_says(method: str) -> None:
    spec = load(method)
    for n in (4, 7):
        data = draw(method, 10 + n, n)
        value = valuation(spec, data)
        false = [fact.text for fact in spec.assumes if not value.true(fact)]
        assert not false, f"the sample breaks: {false}"
        assert close(value(spec.published), reference.published(method, data))
        assert close(value(divergence(spec.icon)), reference.icon(method, data), 1e-2)
        if method in reference.CLAIMS:
            scale, constant = reference.CLAIMS[method](data)
            assert close(value(spec.claim.scale), scale)
            assert close(value(spec.claim.constant), constant, 1e-2)


@pytest.mark.parametrize("method", IDS)
def test_negatives_are_claimed_as_negatives(method: str) -> None:
    claim = load(method).claim
    negative = claim.relation in ("does-not-reduce", "false-as-stated")
    assert negative == (method in reference.NEGATIVES)
    assert negative == bool(claim.correction)


PLANTED = [
    ("simclr", "sum[k != i] exp(cos(z[i],z[k])/tau)", "sum[k] exp(cos(z[i],z[k])/tau)"),
    ("supcon", "sum[i] -1/size(P(i))", "sum[i] -1/(size(P(i)) + 1)"),
    ("siglip", "(-t*(x[i].y[j]) + b)", "(-t*(x[i].y[j]) - b)"),
    ("moco-v3", "2*tau * mean[i]", "tau * mean[i]"),
    ("t-sne", "/ (2*n)", "/ n"),
    ("harmonic", '|x[i]-w[c]|"', '|x[i]-w[c]|^2"'),
    ("triplet", "- |f[i]-g[i,neg]|^2 + alpha", "- |f[i]-g[i,neg]|^2 - alpha"),
]


@pytest.mark.parametrize(("method", "right", "wrong"), PLANTED)
def test_a_wrong_transcription_is_caught(method: str, right: str, wrong: str) -> None:
    text = (METHODS / f"{method}.toml").read_text()
    assert text.count(right) == 1
    spec = load_text(text.replace(right, wrong))
    data = draw(method, 5, 7)
    assert not close(valuation(spec, data)(spec.published), reference.published(method, data))


def test_a_wrong_kernel_is_caught() -> None:
    text = (METHODS / "t-simclr.toml").read_text()
    spec = load_text(text.replace('scale = "sqrt(tau)"', 'scale = "tau"'))
    data = draw("t-simclr", 5, 7)
    assert not close(valuation(spec, data)(divergence(spec.icon)), reference.icon("t-simclr", data))


def test_a_broken_hypothesis_is_caught() -> None:
    spec, data = load("simclr"), draw("simclr", 5, 7)
    data["pos"][0] = 0
    facts = {fact.text: valuation(spec, data).true(fact) for fact in spec.assumes}
    assert facts == {"the partner is another view": False, "no embedding is zero": True}


def bibliography() -> dict[str, str]:
    """The entries of references.bib by key."""
    text = (METHODS.parent / "references.bib").read_text()
    return {entry.split("{", 1)[1].split(",")[0]: entry for entry in text.split("\n@")[1:]}


def test_the_bibliography_is_what_the_entries_cite() -> None:
    folders = (METHODS, ERRATA, METHODS.with_name("theorems"))
    files = [path for folder in folders for path in folder.glob("*.toml")]
    assert {tomllib.loads(path.read_text())["cite"] for path in files} == set(bibliography())


@pytest.mark.parametrize("key", bibliography())
def test_an_entry_names_authors_title_year_and_venue(key: str) -> None:
    entry = bibliography()[key]
    for name in ("author", "title", "year"):
        assert f"\n  {name} " in entry
    assert any(f"\n  {venue} " in entry for venue in ("booktitle", "journal", "eprint"))
    assert entry.count("{") == entry.count("}")


KINDS = {
    "real": lambda a: np.isfinite(a).all(),
    "vector": lambda a: np.isfinite(a).all(),
    "positive": lambda a: (a > 0).all(),
    "nonnegative": lambda a: (a >= 0).all(),
    "probability": lambda a: ((a > 0) & (a < 1)).all(),
    "distribution": lambda a: (a >= 0).all() and np.allclose(a.sum(-1), 1, atol=1e-14),
}


@pytest.mark.parametrize("method", IDS)
def test_a_sample_has_the_declared_names_and_types(method: str) -> None:
    declarations, data = load(method).declarations, draw(method, 3, 7)
    assert set(data) == set(declarations)
    for name, declaration in declarations.items():
        if isinstance(declaration.form, Sym):
            assert KINDS[declaration.form.kind](data[name]), f"{name} is no {declaration.text}"


def test_a_sample_of_the_wrong_type_is_seen() -> None:
    assert not KINDS["distribution"](np.array([[0.5, 0.6]]))
    assert not KINDS["probability"](np.array(1.0))
    assert not KINDS["positive"](np.array([1.0, 0.0]))


def test_no_two_methods_share_a_name() -> None:
    names = [name.lower() for method in IDS for name in (method, *load(method).aliases)]
    assert sorted(names) == sorted(set(names))
