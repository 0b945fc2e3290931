"""What references say for people: authors without LaTeX, and addresses that are safe to link."""

from __future__ import annotations

import re

import pytest

from catalog import registry
from catalog.works import work, work_of
from iconograph.find import catalog_methods

CITED = sorted({m.cite for m in catalog_methods() if m.cite})


def test_every_work_has_authors_title_and_year() -> None:
    for key in CITED:
        known = work_of(key)
        assert known is not None and known.authors and known.title and known.year, key
        assert not re.search(r"[\\{}\"$]", " ".join((*known.authors, known.title, known.venue)))
    assert work_of("nobody1900nothing") is None


def test_what_has_a_number_has_an_address() -> None:
    for key in CITED:
        text, known = registry.bibliography(key), work_of(key)
        assert known is not None
        numbered = re.search(r"^\s*(doi|eprint)\s*=", text, re.M)
        assert bool(known.address) == bool(numbered), key
        assert re.fullmatch(r"(https://(doi\.org|arxiv\.org/abs)/\S+)?", known.address), key


@pytest.mark.parametrize(
    ("field", "address"),
    [
        ("doi = {10.1/a(b)<c>}", "https://doi.org/10.1/a(b)<c>"),
        ("eprint = {cs/0112017}", "https://arxiv.org/abs/cs/0112017"),
        ("eprint = {123}, archivePrefix = {HAL}", ""),
        ('eprint = {1" onclick="x}', ""),
        ("url = {https://example.org/a}", "https://example.org/a"),
        ("url = {javascript:alert(1)}", ""),
        ("year = 2020", ""),
    ],
)
def test_nothing_but_a_plain_number_becomes_an_address(field: str, address: str) -> None:
    assert work(f"@misc{{a,\n title = {{T}},\n {field},\n}}").address == address


def test_many_authors_are_said_shortly() -> None:
    def said(authors: str) -> str:
        return work(f"@misc{{a, author = {{{authors}}}, year = {{2020}}}}").said

    assert said("A, B and C, D and E, F") == "A et al., 2020"
    assert said("Ada A and Bob B") == "A and B, 2020" and said("{The Team}") == "The Team, 2020"
