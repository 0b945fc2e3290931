"""What a rewriting of a monomial is, and what all rewritings share."""

from __future__ import annotations

from dataclasses import dataclass

from derive.claims import total
from derive.nested import Nested
from derive.poly import Poly, poly, times, without
from derive.terms import Domain, Monomial, Term
from derive.theorem import Theorem

Use = tuple[Term, tuple[Term, ...], Theorem]  # multiplier, variables summed over, equation


@dataclass(frozen=True)
class Rewrite:
    """What became of a monomial: the equations used and the term that equals it."""

    uses: tuple[Use, ...]
    result: Term


class Rewriter(Nested):
    """The search for signs, with the means to rewrite parts of a monomial."""

    split_ne = False
    shut: frozenset[Domain] = frozenset()

    def poly(self, t: Term, base: int | None = None) -> Poly:
        """The polynomial of t as this search sees it."""
        return poly(t, base, self.shut)

    def replace(
        self, m: Monomial, taken: tuple[Term, ...], used: list[Term], th: Theorem
    ) -> Rewrite:
        """Rewrite part of a monomial, the sum over `taken` of the product of `used`, by th."""
        vs, fs = m
        others, left = times(without(fs, used)), tuple(v for v in vs if v not in taken)
        return Rewrite(((others, left, th),), total(left, others * th.concl[2]))

    def chain(self, *ths: Theorem) -> Theorem:
        """A = d from a = b, b = c, c = d."""
        return self.ring(ths[0].concl[1], ths[-1].concl[2], *ths)
