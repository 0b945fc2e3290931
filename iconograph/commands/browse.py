"""`iconograph browse`: the catalog as a site of pages."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer


def browse(
    out: Annotated[
        str | None, typer.Option("--out", metavar="PATH", help="Write the site there.")
    ] = None,
    only: Annotated[
        str | None, typer.Option(metavar="ID,ID", help="A site of these entries only.")
    ] = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0: any free one.")] = 0,
    open_it: Annotated[bool, typer.Option("--open/--no-open", help="Open a browser.")] = True,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Processes; default: one per core.")
    ] = None,
) -> None:
    """Browse the catalog: the periodic table, a page for each entry, and how they are related.

    With --out a folder of pages is written, which open from disk and need no network. Without, the
    site is kept in a cache and served on 127.0.0.1 until Ctrl-C. What was judged before is not
    judged again, so that only the first time takes long.
    """
    from iconograph.browse.build import build, check, kept, write
    from iconograph.browse.world import world
    from iconograph.commands.verify import cores
    from iconograph.console import complain

    names = [name.strip() for name in (only or "").split(",") if name.strip()]
    if only is not None and not names:
        raise typer.BadParameter("--only names no entry")
    if out is not None and not out.strip():  # a Path of nothing would be this folder
        raise typer.BadParameter("--out names no folder")
    jobs = jobs or cores()
    if out is not None:
        there = Path(out)
        check(there.absolute())  # before the work, not after it
        files = build(world(names, jobs))
        write(files, there)
        pages, size = sum(path.endswith(".html") for path in files), sum(map(len, files.values()))
        print(f"{there} written: {pages} pages, {size / 1e6:.1f} MB; open {there / 'index.html'}")
        return
    import webbrowser

    from iconograph.browse.serve import listen

    with listen(kept(names, jobs), port) as running:
        address = f"http://127.0.0.1:{running.server_address[1]}/"
        complain(f"the site is at {address} until Ctrl-C")
        if open_it:
            webbrowser.open(address)
        with suppress(KeyboardInterrupt):  # which is how a server is ended
            running.serve_forever()
