"""A site on the loopback interface, by the standard library's server."""

from __future__ import annotations

from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from catalog.errors import InputError
from iconograph.files import reason


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing; a browser asks anew each time, as the site may be another."""

    def log_message(self, *_: object) -> None:
        """Nothing: a terminal is not a log."""

    def end_headers(self) -> None:
        """Ask browsers to come back."""
        self.send_header("Cache-Control", "no-cache")
        super().end_headers()


def listen(site: Path, port: int = 0) -> ThreadingHTTPServer:
    """A server of a folder on 127.0.0.1; port 0 is any that is free. Raises InputError."""
    try:
        return ThreadingHTTPServer(("127.0.0.1", port), partial(Quiet, directory=str(site)))
    except OSError as error:
        raise InputError(
            f"port {port} cannot be used: {reason(error)}", hint="--port 0 takes a free one"
        ) from None
