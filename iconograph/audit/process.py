"""A loss in a process of its own: time and memory are limited, and nothing of it stays behind."""

from __future__ import annotations

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from catalog.errors import InputError
from iconograph.audit.probe import Theirs

CHILD = Path(__file__).with_name("child.py")
START = 120.0  # seconds for importing torch, which takes long on a busy machine
IMPORT = 120.0  # seconds for importing the code, or more where more are allowed for a question
SLICE = 0.1  # seconds after which it is looked whether the process is still there
KEPT = 4000  # characters of what the code printed that are kept
TOO_MUCH = ("MemoryError", "bad_alloc", "allocate memory", "out of memory", "Cannot allocate")


@dataclass(frozen=True)
class Settings:
    """What to run and within which limits.

    `code` is MODULE:NAME or FILE.py:NAME, looked up from `folder`; `options` are NAME=VALUE texts;
    `result` picks one of several things that are returned. `seconds` is for each question,
    `gib` the memory of the process, `python` the interpreter (default: this one), `dtype` the type
    of inputs. `world` makes it one of several ranks.
    """

    code: str
    options: tuple[str, ...] = ()
    result: str | None = None
    seconds: float = 60.0
    gib: float = 8.0
    python: str = sys.executable
    folder: str | None = None
    dtype: str = "float64"
    world: Mapping[str, Any] = field(default_factory=dict)


class Child:
    """The process, which runs from here on; use it as a context, or call `ready` and `close`.

    Closed, it and all that it started are gone. `what` says what the code is, `parameters` those of
    its call, `numbers` its options that are whole, `notes` what else is worth saying. All of it is
    known when it is ready.
    """

    what: str
    parameters: list[dict[str, Any]] | None
    numbers: list[int]
    torch: str

    def __init__(self, settings: Settings):
        self.settings = settings
        self.notes: dict[str, None] = {}
        self.printed = ""
        self.over: Theirs | None = None
        self._unread = b""
        requests, to = os.pipe()
        answers, out = os.pipe()
        said, err = os.pipe()
        try:
            self.process = subprocess.Popen(
                [settings.python, str(CHILD), json.dumps(self._told(requests, out))],
                stdin=subprocess.DEVNULL, stdout=err, stderr=err, pass_fds=(requests, out),
                cwd=settings.folder, env=_environment(), start_new_session=True,
            )  # fmt: skip
        except OSError as error:
            for fd in (to, answers, said):
                os.close(fd)
            message = f"{settings.python} cannot be run: {error.strerror}"
            raise InputError(message, hint="--python names an interpreter that has torch") from None
        finally:
            for fd in (requests, out, err):
                os.close(fd)
        self._to, self._answers, self._said = to, answers, said

    def ready(self) -> None:
        """Wait until the code is imported.

        Raises:
            InputError: there is no such code, or no torch.
            Theirs: importing it failed.
        """
        self.torch = str(self.receive(START, "importing torch")["torch"])
        found = self.receive(max(IMPORT, self.settings.seconds), "importing the code")
        self.what, self.parameters = found["what"], found["parameters"]
        self.numbers = found["numbers"]

    def _told(self, requests: int, answers: int) -> dict[str, Any]:
        s = self.settings
        fill = {"rank": 0, "world_size": 1}
        if s.world:
            fill = {"rank": s.world["rank"], "world_size": s.world["size"]}
        return {
            "code": s.code, "with": s.options, "result": s.result, "fill": fill, "world": s.world,
            "dtype": s.dtype, "memory": int(s.gib * 2**30), "parent": os.getpid(),
            "requests": requests, "answers": answers,
        }  # fmt: skip

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises:
            Theirs: the code failed, took too long or ended the process; once it has ended, every
                further question raises the same.
        """
        self.send(request)
        return dict(self.receive(self.settings.seconds, "answering")["answer"])

    def send(self, request: Mapping[str, Any]) -> None:
        """Send a request; its answer is to be received before the next one."""
        if self.over is not None:
            raise self.over
        # a process that is gone is noticed when its answer is read
        with suppress(BrokenPipeError), os.fdopen(os.dup(self._to), "wb") as pipe:
            pipe.write(json.dumps(request).encode() + b"\n")

    def receive(self, seconds: float, doing: str) -> dict[str, Any]:
        """The next line from the process, as data."""
        if self.over is not None:
            raise self.over
        if (found := self.poll(seconds)) is None:
            raise self.late(f"it was still {doing} after {seconds:g} s")
        return found

    def late(self, words: str) -> Theirs:
        """End the process, of which nothing more can be asked; the error to raise."""
        self.over = Theirs(words, self.printed)
        self.close()
        return self.over

    def poll(self, seconds: float) -> dict[str, Any] | None:
        """The next line from the process, as data; None where there is none in time."""
        if self.over is not None:
            raise self.over
        line = self._line(time.monotonic() + seconds)
        if line == "late":
            return None
        if isinstance(line, str):
            raise self.late(self._end())
        return self._understood(line)

    def _understood(self, line: bytes) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(line)
        if "bug" in found:
            raise RuntimeError(found["bug"])
        notes = [*found.get("notes", ()), *found.get("answer", {}).get("notes", ())]
        self.notes.update(dict.fromkeys(notes))
        if failed := found.get("failed"):
            message = str(failed["message"])
            if any(word in message for word in TOO_MUCH):
                limit = f"more memory than the {self.settings.gib:g} GiB it may have"
                message = f"{message}: it asked for {limit}"
            if failed["kind"] == "usage":
                raise InputError(message)
            raise Theirs(message, failed["trace"])
        return found

    def _line(self, until: float) -> bytes | str:
        """The next line; "late" where there is none in time, "end" where the process is gone."""
        with selectors.DefaultSelector() as both:
            both.register(self._answers, selectors.EVENT_READ)
            both.register(self._said, selectors.EVENT_READ)
            gone = False
            while b"\n" not in self._unread:
                if time.monotonic() > until:
                    return "late"
                ready = {key.fd for key, _ in both.select(0 if gone else SLICE)}
                if self._said in ready and not self._listen():
                    both.unregister(self._said)
                if self._answers in ready:
                    if not (more := os.read(self._answers, 1 << 16)):
                        return "end"
                    self._unread += more
                elif gone:
                    # not by the end of the pipe alone: what the code started may hold it open
                    return "end"
                gone = self.process.poll() is not None
        line, _, self._unread = self._unread.partition(b"\n")
        return line

    def _listen(self) -> bool:
        """Keep the end of what the code prints; whether it may print more."""
        text = os.read(self._said, 1 << 16).decode("utf-8", "replace")
        self.printed = (self.printed + text)[-KEPT:]
        return bool(text)

    def _end(self) -> str:
        """How the process ended, in words."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(1)
        status = self.process.returncode
        if status is None:
            return "it closed the pipe on which it should answer"
        if status >= 0:
            return f"it ended its process with status {status}"
        name = signal.Signals(-status).name
        if any(word in self.printed for word in TOO_MUCH):
            return f"it asked for more than the {self.settings.gib:g} GiB it may have ({name})"
        return f"its process was ended by {name}"

    def close(self) -> None:
        """End the process and all that it started, and wait until it is gone."""
        if self._to < 0:
            return
        # those in groups of their own first, while it can be seen whose they are
        for pid in (*descendants(self.process.pid), -self.process.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        for fd in (self._to, self._answers, self._said):
            os.close(fd)
        self._to = -1
        if self.over is None:
            self.over = Theirs("its process is closed")

    def __enter__(self) -> Child:
        try:
            self.ready()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def descendants(pid: int) -> list[int]:
    """The processes that a process started, and those that they did; on Linux, elsewhere none."""
    started: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, ValueError, IndexError):
            # the name, in brackets, may hold anything
            parent = int(path.read_text().rpartition(")")[2].split()[1])
            started.setdefault(parent, []).append(int(path.parent.name))
    found = started.get(pid, [])
    for child in found:  # which grows meanwhile
        found.extend(started.get(child, []))
    return found


def _environment() -> dict[str, str]:
    """That of this process, for arrays of a few rows on the processor."""
    found = {**os.environ, "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"}
    found["CUDA_VISIBLE_DEVICES"] = ""  # inputs are on the processor, so the code should stay there
    if sys.platform == "linux":
        found["GLOO_SOCKET_IFNAME"] = "lo"
    return found
