"""Search: the sign of a logarithm, from that of its argument less one."""

from __future__ import annotations

from derive.poly import build, poly
from derive.signs import Signs
from derive.steps import ONE, ZERO
from derive.terms import Term
from derive.theorem import MINUS, Theorem, inv


class LogSigns(Signs):
    """What the search for signs knows of log 2, log n and log(1 + x)."""

    def of_logarithm(self, kind: str, t: Term) -> Theorem | None:
        """Log u > 0 from u > 1, log u >= 0 from u >= 1.

        log u >= 1 - 1/u, the tangent of the logarithm at 1/u, and 1 - 1/u = (u - 1)/u. Numbers and
        parameters only: of data it leads elsewhere in the search for equations.
        """
        u = t.args[0]
        if has_data(u):
            return None
        gap = build(poly(u - ONE, None, self.dims))
        more = self.sign(kind, gap)
        above = self.pos(u) if more else None
        if more is None or above is None:
            return None
        turned = self.axiom("pos_inv", u, ZERO, above)
        over = turned if kind == "pos" else self.axiom("nn_pos", inv(u), ZERO, turned)
        share = self.axiom(f"{kind}_mul", gap, inv(u), more, over)
        tangent = self.axiom("log_tangent", inv(u), ZERO, turned)
        whole = self.axiom(f"{kind}_add", share.concl[1], tangent.concl[1], share, tangent)
        uses = (
            (ONE, (), self.axiom("mul_inv", u, ZERO, above)),
            (MINUS, (), self.axiom("log_inv", u)),
        )
        return self.do("transport", whole, self.do("lincomb", whole.concl[1], t, uses))


def has_data(t: Term) -> bool:
    """Whether a term has an array in it."""
    return (t.op == "app" and bool(t.args)) or any(map(has_data, t.args))
