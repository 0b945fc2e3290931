"""`iconograph show`: what the catalog says about one method."""

from __future__ import annotations

from typing import Annotated

import typer

from iconograph.console import show_facts, show_json


def show(
    method: Annotated[str, typer.Argument(metavar="METHOD", help="Id, alias or method file.")],
    latex: Annotated[
        bool, typer.Option("--latex", help="Print formulas as LaTeX; with --derivation, that.")
    ] = False,
    derivation: Annotated[
        bool, typer.Option("--derivation", help="Print the proof as a chain of equations.")
    ] = False,
    proof: Annotated[
        bool, typer.Option("--proof", help="Print the proof as the checker sees it, step by step.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show one method.

    Its pair (p, q), the published formula, the claim, the hypotheses and the conventions.
    """
    from iconograph import api

    if sum((derivation, proof, as_json)) > 1 or (latex and (proof or as_json)):
        raise typer.BadParameter("choose one of --derivation, --proof, --latex and --json")
    loss = api.load(method)
    if derivation:
        chain = loss.derivation()
        print(chain.latex if latex else chain)
    elif latex:
        for title, formulas in loss.typeset():
            print(f"% {title}", *formulas, sep="\n")
    elif as_json:
        show_json("show", loss.to_json())
    elif proof:
        print(api.verify(loss).proof_text)
    else:
        show_facts(loss.facts())
