"""`iconograph verify`: is what a method's file claims true?"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from iconograph.commands.code import refuse_others, verify_code
from iconograph.commands.errata import show_errata
from iconograph.commands.mutants import show_mutants
from iconograph.console import Exit, complain, progress, show, show_facts, show_json
from iconograph.report import Row, mark, row, row_facts, status, summary
from iconograph.workers import each

if TYPE_CHECKING:
    from rich.table import Table

    from catalog.errors import InputError
    from catalog.spec import Method

Texts = list[str] | None
MOST = 8  # processes unless more are asked for: each takes about 100 MB


def verify(
    context: typer.Context,
    targets: Annotated[
        Texts,
        typer.Argument(
            metavar="[TARGET]...", help="Ids, aliases or method files; none: the catalog."
        ),
    ] = None,
    formula: Annotated[
        str | None,
        typer.Option("--formula", "-f", help="A formula, with --p and --q or without a pair."),
    ] = None,
    p: Annotated[
        str | None, typer.Option("--p", help="Supervisory kernel: 'one-hot target=i'.")
    ] = None,
    q: Annotated[
        str | None, typer.Option("--q", help="Learned kernel: 'logit logit=s[i,j]'.")
    ] = None,
    learned: Annotated[
        Texts, typer.Option("--learned", help="Trained symbol: 's=real[i,j]'.")
    ] = None,
    given: Annotated[Texts, typer.Option("--given", help="Fixed symbol: 'y=label[i]'.")] = None,
    define: Annotated[
        Texts, typer.Option("--define", help="Abbreviation: 'P(i)={ j : j != i }'.")
    ] = None,
    assume: Annotated[Texts, typer.Option("--assume", help="Hypothesis: 'size(P(i)) > 0'.")] = None,
    sets: Annotated[
        Texts, typer.Option("--sets", help="Index set: 'n=i j k', 'side=t:image,text'.")
    ] = None,
    scale: Annotated[str | None, typer.Option(help="published = scale * I-Con + constant.")] = None,
    constant: Annotated[str | None, typer.Option(help="See --scale.")] = None,
    anchors: Annotated[str | None, typer.Option(help="Letters that are averaged over.")] = None,
    neighbours: Annotated[
        str | None, typer.Option(help="Allowed neighbours: 'j != i', 'j'.")
    ] = None,
    normalise: Annotated[str | None, typer.Option(help="row, joint, pair, row-and-column.")] = None,
    weights: Annotated[str | None, typer.Option(help="Anchor weights: 'f[i]'.")] = None,
    save: Annotated[
        Path | None, typer.Option(help="Write the pasted formula as a method file.", readable=False)
    ] = None,
    certificates: Annotated[
        Path | None,
        typer.Option(help="Folder that receives ID.json for every proof.", readable=False),
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Write the page that lists the entries.", readable=False),
    ] = None,
    errata: Annotated[
        bool, typer.Option(help="Judge the false statements of the literature, and what holds.")
    ] = False,
    mutants: Annotated[
        int | None, typer.Option(min=1, help="Judge this many planted errors instead.")
    ] = None,
    code: Annotated[
        str | None,
        typer.Option(metavar="WHERE:NAME", help="A torch callable: 'my_module:MyLoss', 'f.py:f'."),
    ] = None,
    against: Annotated[
        str | None, typer.Option(help="Method that --code is compared with; none: recognise it.")
    ] = None,
    call: Annotated[
        str | None, typer.Option(help="What --code takes: 'two-views', 'embeddings-labels', ...")
    ] = None,
    input: Annotated[
        Texts, typer.Option("--input", help="Argument of --code: 'z=real[n,d]', 'label[n]'.")
    ] = None,
    with_: Annotated[
        Texts, typer.Option("--with", help="Option of --code: 'temperature=0.1'.")
    ] = None,
    result: Annotated[
        str | None, typer.Option(help="Which of the things that --code returns: '0', 'loss'.")
    ] = None,
    python: Annotated[
        str | None, typer.Option(help="Interpreter that runs --code; default: this one.")
    ] = None,
    time_limit: Annotated[
        float, typer.Option(min=0.1, help="Seconds for each question to --code.")
    ] = 60.0,
    memory_limit: Annotated[float, typer.Option(min=0.5, help="Memory of --code in GiB.")] = 8.0,
    world: Annotated[
        int | None, typer.Option(help="Run --code under this many ranks, too.")
    ] = None,
    single: Annotated[
        bool, typer.Option("--single", help="Give --code float32, where it takes no float64.")
    ] = False,
    seed: Annotated[int, typer.Option(help="Seed of --mutants, and of inputs of --code.")] = 0,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: one per core.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Judge claims: proved, refuted with a witness, or unknown.

    A pasted formula, or a file without [p] and [q], is recognised: its pair is sought and proved.
    With a pair of yours: verify -f 'mean[i] -log(exp(s[i,i]) / sum[j] exp(s[i,j]))' --learned
    's=real[i,j]' --neighbours j --p 'one-hot target=i' --q 'logit logit=s[i,j]'

    Code: verify --code my_module:MyLoss --against supcon; docs/howto/code.md says what it may take.

    Each target gets its verdict, whatever is wrong with another. The exit status is the most severe
    one: 2 before 1 before 3 before 0.
    """
    refuse_others(context, code)
    if code is not None:
        return verify_code(
            code, against=against, call=call, inputs=input or [], options=with_ or [],
            result=result, python=python, time_limit=time_limit, memory_limit=memory_limit,
            world=world, single=single, seed=seed, as_json=as_json,
        )  # fmt: skip
    if mutants is not None:
        _no_others("--mutants", targets=targets, formula=formula)
        return show_mutants(mutants, seed, jobs or cores(), as_json)
    if errata:
        _no_others(
            "--errata", targets=targets, formula=formula, page=page, certificates=certificates
        )
        return show_errata(jobs, as_json)
    if certificates is not None:
        _make_folder(certificates)
    pasting = {
        "p": p, "q": q, "learned": learned, "given": given, "define": define, "assume": assume,
        "sets": sets, "scale": scale, "constant": constant, "anchors": anchors,
        "neighbours": neighbours, "normalise": normalise, "weights": weights, "save": save,
    }  # fmt: skip
    if formula is None:
        if used := [f"--{name}" for name, value in pasting.items() if value]:
            raise typer.BadParameter(f"{', '.join(used)} describe a formula given with -f")
        if bare := _bare(targets or []):
            _no_others("a file without [p] and [q]", page=page)
            if len(bare) < len(targets or []):
                raise typer.BadParameter("files without [p] and [q] are recognised on their own")
            raise typer.Exit(_recognised(bare, None, certificates, as_json))
        rows, errors = judged(targets or [], jobs)
    else:
        _no_others("-f", targets=targets)
        if not learned:
            raise typer.BadParameter("-f needs at least one --learned, such as 's=real[i,j]'")
        if p is None and q is None:
            _no_others("-f without --p and --q", scale=scale, constant=constant, anchors=anchors,
                       neighbours=neighbours, normalise=normalise, weights=weights)  # fmt: skip
            named = {"learned": learned, "given": given, "define": define, "assume": assume,
                     "sets": sets}  # fmt: skip
            kept = {k: v for k, v in named.items() if v}
            text = _text(formula, {"name": save.stem if save else "pasted", **kept})
            one = [(text, "the pasted formula")]
            raise typer.Exit(_recognised(one, save, certificates, as_json))
        if p is None or q is None:
            raise typer.BadParameter("-f needs both --p and --q, or neither: then they are sought")
        given_options = {k: v for k, v in pasting.items() if v is not None and k != "save"}
        rows, errors = [_pasted(formula, given_options, save)], []
    for error in errors:
        complain(str(error))
    for r in rows:
        if certificates is not None and r.certificate:
            _write_certificate(r, certificates)
    if page is not None:
        _write_page(rows, page)
    if as_json:
        results = [r.to_json() for r in rows]
        wrong = [str(error) for error in errors]
        show_json("verify", {"results": results, "errors": wrong, "summary": summary(rows)})
    elif rows or not errors:
        _print(rows)
    raise typer.Exit(Exit.BAD_INPUT if errors else status(rows))


def run(targets: list[str], jobs: int | None = None) -> list[Row]:
    """The verdicts on `targets` (all methods of the catalog where empty), in order.

    Raises:
        InputError: a target is no method, or its claim cannot be judged.
    """
    rows, errors = judged(targets, jobs)
    for error in errors:
        raise error
    return rows


def judged(targets: list[str], jobs: int | None = None) -> tuple[list[Row], list[InputError]]:
    """The verdicts on `targets` as `run` gives them, and what is wrong with the others."""
    from catalog.errors import InputError
    from iconograph.find import resolve

    found: list[Method | InputError] = []
    for target in targets:
        try:
            found.append(resolve(target))
        except InputError as error:
            found.append(error)
    methods = [m for m in found if not isinstance(m, InputError)]
    answers = iter(answered(methods if targets else entries(), jobs))
    every = [f if isinstance(f, InputError) else next(answers) for f in found] or list(answers)
    return (
        [a for a in every if not isinstance(a, InputError)],
        [a for a in every if isinstance(a, InputError)],
    )


def entries() -> Sequence[Method | str]:
    """Every method of the catalog and of plug-ins, by id: those of the catalog as ids alone.

    Who judges an entry reads it: the other processes need not wait until this one has read all.
    """
    from catalog import registry
    from iconograph.find import catalog_methods

    known = registry.everything()
    return catalog_methods() if any(e.origin for e in known.values()) else list(known)


def answered(methods: Sequence[Method | str], jobs: int | None) -> list[Row | InputError]:
    """A verdict on each method, or why there is none."""
    by_size = sorted(range(len(methods)), key=lambda k: -size(methods[k]))
    with progress(len(methods), "verify") as step:
        done = each(attempt, [methods[k] for k in by_size], jobs or cores(), step)
    return [answer for _, answer in sorted(zip(by_size, done, strict=True), key=lambda a: a[0])]


def size(method: Method | str) -> int:
    """The bytes of a method's file, 0 where there is none: those of long proofs take longest."""
    from catalog import registry

    path = registry.everything()[method].path if isinstance(method, str) else method.path
    return os.path.getsize(path) if path and os.path.exists(path) else 0


def cores() -> int:
    """How many processes work at once unless the user says so."""
    return min(os.cpu_count() or 1, MOST)


def attempt(method: Method | str) -> Row | InputError:
    """One verdict, or what is wrong with the claim, so that the other targets get theirs."""
    from catalog.errors import InputError
    from iconograph.find import resolve

    try:
        return judge(resolve(method))
    except InputError as error:
        return error


def judge(method: Method) -> Row:
    """One verdict as plain data, which is what a worker process sends back."""
    from derive.verify import verify as derive_verify

    return row(method, derive_verify(method))


def _pasted(formula: str, options: Mapping[str, object], save: Path | None) -> Row:
    from catalog.load import load_text
    from iconograph.files import write
    from iconograph.inline import method_text

    name = "pasted" if save is None else save.stem
    text = method_text(formula, name=name, **options)  # type: ignore[arg-type]
    method = load_text(text, "the pasted formula")
    if save is not None:
        write(save, text)
    return judge(method)


def _text(formula: str, options: Mapping[str, object]) -> str:
    from iconograph.inline import method_text

    return method_text(formula, **options)  # type: ignore[arg-type]


def _bare(targets: list[str]) -> list[tuple[str, str]]:
    """The targets that are files without a pair, as texts with their paths."""
    from catalog.errors import InputError
    from catalog.files import read_text, read_toml
    from iconograph.recognise import is_bare

    found = []
    for target in targets:
        if not (target.endswith(".toml") or "/" in target or os.sep in target):
            continue
        try:
            text = read_text(target)
            if is_bare(read_toml(text, target)):
                found.append((text, target))
        except InputError:  # it is reported where files are read
            continue
    return found


def _recognised(
    texts: list[tuple[str, str]], save: Path | None, certificates: Path | None, as_json: bool
) -> int:
    from iconograph.commands.recognise import run as recognise

    return recognise(texts, save=save, certificates=certificates, as_json=as_json)


def _no_others(option: str, **others: object) -> None:
    for name, value in others.items():
        if value:
            raise typer.BadParameter(f"{option} does not go with {name}")


def _make_folder(folder: Path) -> None:
    from catalog.errors import InputError
    from iconograph.files import reason

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        message = f"this cannot be made a folder: {reason(error)}"
        raise InputError(message, path=str(folder)) from None


def _write_certificate(r: Row, folder: Path) -> None:
    from derive.certificate import FORMAT
    from iconograph.files import write

    write(folder / f"{r.id}.json", r.certificate, over=FORMAT)


def _write_page(rows: list[Row], path: Path) -> None:
    from iconograph.files import write
    from iconograph.find import resolve
    from iconograph.page import HEAD
    from iconograph.page import page as written

    write(path, written([resolve(r.id) for r in rows], rows), over=HEAD.splitlines()[0])


def _print(rows: list[Row]) -> None:
    if len(rows) == 1:
        show_facts(row_facts(rows[0]), mark(rows[0])[1])
        return
    show(_many(rows))
    for r in rows:
        if not r.ok:
            show(f"{r.id}: {r.statement}")
    show(summary(rows))


def _many(rows: list[Row]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table("verdict", "method", "claim", "level", "seconds", box=None, pad_edge=False)
    table.columns[-1].justify = "right"
    for r in rows:
        words, colour = mark(r)
        table.add_row(Text(words, colour), r.id, r.claimed, r.level, f"{r.seconds:.2f}")
    return table
