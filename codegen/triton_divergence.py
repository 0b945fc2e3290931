"""Other divergences than KL in kernels: the summand of a pair, its derivative, what is summed."""

from __future__ import annotations

from catalog.spec import Icon
from codegen.divergence import LOG_P, LOG_Q, ORDER, P, Q, constant, passed, summand, words
from codegen.render import environment
from codegen.triton_target import Output, Sweep, TileTarget, allowed
from codegen.triton_tile import TRITON, KernelPrinter, Tile


def functions(icon: Icon) -> list[str]:
    """The source of `_summand` and of its derivative, none for KL."""
    if icon.divergence == "kl":
        return []
    found = summand(icon)
    write = KernelPrinter(TRITON, {s: str(s) for s in (P, Q, LOG_P, LOG_Q, ORDER)})
    values = {
        "value": write(found.value),
        "zero": "tl.where(q > 0, INFINITE, 0.0)" if found.full else constant(write(found.zero)),
        "slope": write(found.slope),
        "zero_slope": constant(write(found.zero_slope)),
    }
    source = environment().get_template("triton_divergence.jinja").render(
        **values,
        value_uses=words(values["value"], values["zero"]),
        slope_uses=words(values["slope"], values["zero_slope"]),
        ordered=found.ordered,
        full=found.full,
        title=f"The summand of the {found.title} divergence.",
    )  # fmt: skip
    return [source.strip()]


def summed(
    tile: Tile, target: TileTarget, icon: Icon, pair: bool, top: str
) -> tuple[Output, ...]:
    """Add the lines of what is summed over the columns of a row; the sums.

    The tile has `log_kernel` and `allowed`; `top` is the name of the log-partitions. The slopes are
    the derivatives of the summands in log q.
    """
    order = ordered(tile, icon)
    target.place(tile, "allowed")
    if pair:
        tile.inner += ["log_q = -_softplus(-log_kernel)", "log_null = -_softplus(log_kernel)"]
        both = f"_summand(p_ij, log_q{order}) + _summand(1 - p_ij, log_null{order})"
        return (Output("losses", f"tl.where(allowed, {both}, 0.0)"),)
    tile.inner.append(f"log_q = log_kernel - {tile.spread(top, 'row')}")
    return (
        Output("losses", f"tl.where(allowed, _summand(p_ij, log_q{order}), 0.0)"),
        Output("slopes", f"tl.where(allowed, _summand_slope(p_ij, log_q{order}), 0.0)"),
    )


def weighed(
    tile: Tile, target: TileTarget, icon: Icon, pair: bool, top: str
) -> list[str]:
    """Add the lines of p and q of a tile; those that leave d loss / d log_kernel in `weight`."""
    order = ordered(tile, icon)
    target.place(tile, "allowed")
    above = tile.spread("upstream", "row")
    if pair:
        tile.inner += ["log_q = -_softplus(-log_kernel)", "log_null = -_softplus(log_kernel)"]
        return [
            f"weight = _summand_slope(p_ij, log_q{order}) * tl.sigmoid(-log_kernel)",
            f"weight -= _summand_slope(1 - p_ij, log_null{order}) * tl.sigmoid(log_kernel)",
            f"weight = tl.where(allowed, weight * {above}, 0.0)",
        ]
    tile.inner.append(f"log_q = log_kernel - {tile.spread(top, 'row')}")
    slopes = tile.spread("slopes", "row")
    return [
        f"weight = _summand_slope(p_ij, log_q{order}) - tl.exp(log_q) * {slopes}",
        f"weight = tl.where(allowed, weight * {above}, 0.0)",
    ]


def ordered(tile: Tile, icon: Icon) -> str:
    """What the calls of the summand end with."""
    if order := passed(icon):
        tile.scalar("order")
    return order


def partition(tile: Tile, k: str) -> Sweep:
    """The sweep for the log-partition that q needs before anything of it is summed."""
    power = f"tl.where({allowed(tile)}, log_kernel * LOG2E, -INFINITE)"
    doc = "The log-partition of every row."
    return Sweep(f"_partition{k}", doc, tile, (Output("total", power, powers=True),))
