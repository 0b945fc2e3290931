"""`iconograph generate`: write a program that computes a loss."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iconograph.console import complain

if TYPE_CHECKING:
    from catalog.spec import Method

Texts = list[str] | None
NAMING = ("Equals", "Same pair", "Case of")
"""What the terminal is told of a new loss; its program says the rest."""


def generate(
    method: Annotated[
        str | None,
        typer.Argument(metavar="METHOD", help="Id, alias or method file; or --p and --q."),
    ] = None,
    p: Annotated[
        str | None, typer.Option("--p", help="Supervisory kernel of a new loss: 'same-label'.")
    ] = None,
    q: Annotated[
        str | None, typer.Option("--q", help="Learned kernel of a new loss: 'student-t dof=2'.")
    ] = None,
    divergence: Annotated[
        str | None, typer.Option(help="What compares p and q: kl, jsd, tv, ... (default kl).")
    ] = None,
    order: Annotated[
        str | None, typer.Option(help="Order of alpha, cressie-read or tsallis: 1/2.")
    ] = None,
    normalise: Annotated[
        str | None,
        typer.Option(help="Of a new loss: row, joint, row-and-column, pair (default row)."),
    ] = None,
    neighbours: Annotated[
        str | None, typer.Option(help="Of a new loss: others, classes (default others).")
    ] = None,
    learned: Annotated[
        Texts, typer.Option("--learned", help="Trained symbol of a new loss: 'z=vector[i]'.")
    ] = None,
    given: Annotated[
        Texts, typer.Option("--given", help="Fixed symbol of a new loss: 'y=label[i]'.")
    ] = None,
    assume: Annotated[
        Texts, typer.Option("--assume", help="Hypothesis of a new loss: 'n > 2'.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Id of a new loss, names the functions.")] = None,
    target: Annotated[
        str, typer.Option("--target", "-t", help="torch, cpu, triton, distributed or numpy.")
    ] = "torch",
    columns: Annotated[
        str | None,
        typer.Option(
            help="Distributed: gather all columns (default: one collective, even shares of work), "
            "or pass them round a ring (memory of a few ranks' columns)."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="File to write; stdout without it.", readable=False),
    ] = None,
    adapter: Annotated[
        str | None,
        typer.Option(help="Add a class for pytorch-metric-learning, two-view or clip trainers."),
    ] = None,
    judge: Annotated[
        bool, typer.Option("--judge/--no-judge", help="Verify the claim, and say so in the code.")
    ] = True,
    unverified: Annotated[
        bool, typer.Option("--unverified", help="Write it though the claim does not hold.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a file that iconograph did not write.")
    ] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Run the program, and say how exact it is.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the --report as JSON.")] = False,
) -> None:
    """Write a program that computes a loss.

    It needs the target's library and nothing of iconograph. The claim is verified first, each time,
    which takes about half a second, and some more for a new loss; --no-judge leaves that out. Where
    it is refuted (exit status 1) or undecided (3) nothing is written, unless --unverified is given.

    A new loss needs no file: generate --p same-label --q student-t --divergence jsd. With a METHOD,
    --divergence compares the pair of that method in another way than its paper does. The program
    says which losses of the catalog the new one equals or is a case of, and what is proved of it.

    With --report the program is run on hard data (tau = 0.01, scores of 1e4, duplicates, rows
    without positives, scores of -inf, one point, empty classes) in float64, float32, bfloat16 and
    float16, and its value and gradient are compared with fifty digits of the formula. An error
    beyond the bound that is printed beside it is OUTSIDE, and the exit status is 1.
    """
    from iconograph import api
    from iconograph.display import GENERATED
    from iconograph.files import FORCE, write

    new = {
        "--normalise": normalise, "--neighbours": neighbours, "--learned": learned,
        "--given": given, "--assume": assume, "--name": name,
    }  # fmt: skip
    if method is not None and (p is not None or q is not None):
        raise typer.BadParameter("METHOD names a loss, --p and --q put one together: give one")
    if method is None and (p is None or q is None):
        lacking = "--q" if p is not None else "--p"
        both = f"{lacking} is missing" if p is not None or q is not None else "name a METHOD"
        raise typer.BadParameter(f"{both}; a new loss needs both --p and --q")
    if method is not None and (used := [option for option, value in new.items() if value]):
        raise typer.BadParameter(f"{', '.join(used)} describe a new loss, given by --p and --q")
    if as_json and not report:
        raise typer.BadParameter("--json is for --report; a program is no JSON")
    if order is not None and divergence is None:
        raise typer.BadParameter("--order is that of a --divergence, and there is none")
    spec: str | Method
    if method is None:
        from iconograph.composition import compose

        assert p is not None and q is not None
        spec = compose(
            p, q, divergence=divergence or "kl", order=order, normalise=normalise,
            neighbours=neighbours, learned=learned or (), given=given or (), assume=assume or (),
            name=name,
        )  # fmt: skip
    elif divergence is not None:
        from iconograph.composition import recompared
        from iconograph.find import resolve

        spec = recompared(resolve(method), divergence, order)
    else:
        spec = method
    try:
        code = api.generate(
            spec, target=target, columns=columns, judge=judge, unverified=unverified,
            adapter=adapter,
        )  # fmt: skip
    except api.NotAsClaimed as error:
        complain(str(error))
        raise typer.Exit(error.status) from None
    if out is None and not report:
        sys.stdout.write(code)
    elif out is not None:
        write(out, code, over=GENERATED, force=force, hint=FORCE)
        print(f"{out} written: {code.brief}", file=sys.stderr if as_json else sys.stdout)
        for word, said in code.known:
            if word in NAMING and not as_json:
                print(f"{word} {said}")
    if report:
        from iconograph.find import resolve
        from iconograph.numerics import reported

        found = reported(resolve(spec), target, code)
        found.show_json() if as_json else found.show()
        raise typer.Exit(found.status)
