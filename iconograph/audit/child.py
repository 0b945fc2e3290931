"""The process in which code under test runs: it reads requests and writes answers, line by line.

It is started by its path, `python child.py SETTINGS`, with this interpreter or another one that has
torch, and imports nothing of this project but answers.py and loading.py beside it. Requests and
answers go through two pipes of their own, so that what the code prints cannot be taken for an
answer.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Mapping
from contextlib import suppress
from types import ModuleType
from typing import Any


def limit_memory(count: int) -> None:
    """Let this process hold that many bytes.

    RLIMIT_DATA, not RLIMIT_AS: it counts what can be written, and libraries of torch reserve far
    more of the address space than they use.
    """
    with suppress(ImportError, ValueError, OSError):  # not on Windows; macOS does not keep to it
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (count, hard))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def end_with(parent: int) -> None:
    """Let the kernel end this process when the one that started it ends, however that ends.

    And let what the code started, and left, be a child of this process, so that it can be found.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            import ctypes

            set_death_signal, set_subreaper = 1, 36  # of prctl(2)
            library = ctypes.CDLL(None)
            library.prctl(set_death_signal, signal.SIGKILL)
            library.prctl(set_subreaper, 1)
    if os.getppid() != parent:  # it ended before this could be asked for
        os._exit(0)


def beside(name: str) -> ModuleType:
    """A module of this folder, in a package of another name that holds nothing else of ours.

    The folder itself must not be on the path: the user may have modules that are called as ours.
    """
    package = ModuleType("_iconograph_audit")
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules.setdefault(package.__name__, package)
    return importlib.import_module(f"{package.__name__}.{name}")


def join(world: Mapping[str, Any]) -> None:
    """Become one of several ranks of torch.distributed, over gloo, on this machine only."""
    from datetime import timedelta

    import torch.distributed as dist

    dist.init_process_group(
        "gloo", init_method=f"file://{world['store']}", rank=world["rank"],
        world_size=world["size"], timeout=timedelta(seconds=world["patience"]),
    )  # fmt: skip


def serve(settings: Mapping[str, Any]) -> None:
    """Load the code, then answer requests until the pipe is closed."""
    # what the code starts should not hold the pipes open
    incoming = os.fdopen(settings["requests"], "r", encoding="utf-8")
    outgoing = os.fdopen(settings["answers"], "w", encoding="utf-8")
    for stream in (incoming, outgoing):
        os.set_inheritable(stream.fileno(), False)

    def say(**content: Any) -> None:
        outgoing.write(json.dumps(content) + "\n")
        outgoing.flush()

    if sys.version_info < (3, 10):  # noqa: UP036 - any interpreter may run this file
        message = f"{sys.executable} is Python {sys.version.split()[0]}; 3.10 or later can be asked"
        return say(failed={"message": message, "kind": "usage", "trace": ""})
    answers, loading = beside("answers"), beside("loading")
    try:
        import torch
    except BaseException as error:
        message = f"{sys.executable} cannot import torch ({type(error).__name__}: {error})"
        return say(failed={"message": message, "kind": "usage", "trace": ""})
    torch.set_num_threads(1)  # small arrays; and sums are the same each time
    dtype = getattr(torch, settings["dtype"])
    torch.set_default_dtype(dtype)
    say(torch=torch.__version__)
    try:
        if settings["world"]:
            join(settings["world"])
        answers.seed(0)
        code = answers.Code(
            loading.load(settings["code"]), loading.options(settings["with"]),
            fill=settings["fill"], result=settings["result"], dtype=settings["dtype"],
        )  # fmt: skip
    except loading.Failed as error:
        return say(failed=error.to_json())
    say(
        what=code.what, parameters=code.parameters, numbers=code.numbers, notes=list(code.notes)
    )  # fmt: skip
    for line in incoming:
        request = json.loads(line)
        code.notes.clear()  # those of one answer go with it
        try:
            # again in every request: their code may have changed it
            torch.set_default_dtype(dtype)
            answer = code.hessian(request) if "by" in request else code.ask(request)
            say(answer=answer)
        except loading.Failed as error:
            say(failed=error.to_json(), notes=list(code.notes))
        except MemoryError:
            say(failed={"message": "MemoryError", "kind": "raised", "trace": ""})
        except Exception as error:
            # what their code raises is Failed, so this is no error of theirs
            say(bug=f"{type(error).__name__}: {error}\n{traceback.format_exc()}")


def main() -> None:
    """Read the settings, put limits on this process and serve."""
    settings = json.loads(sys.argv[1])
    end_with(settings["parent"])
    limit_memory(settings["memory"])
    # their modules are found as `python -m` would find them; ours are none of theirs
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [os.getcwd(), *(p for p in sys.path if os.path.abspath(p) != here)]
    sys.argv = [settings["code"]]
    serve(settings)


if __name__ == "__main__":
    main()
