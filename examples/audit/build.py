"""Build the environments of the audit, one virtual environment for each file of environments/.

    python examples/audit/build.py build/audit               # all of them
    python examples/audit/build.py build/audit metric maps   # some

Each gets this project (editable, so that the checkout is what runs) and the pinned libraries. An
environment that is finished is left alone until its file changes; one that was interrupted, or did
not install, is taken up where it is. Exit status: 0 all are built, 1 one did not install.
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
FILES = HERE / "environments"
STAMP = "audit-built.txt"


def names() -> list[str]:
    """The environments, by their files; `x.no-deps.txt` belongs to `x.txt`."""
    return sorted(p.stem for p in FILES.glob("*.txt") if not p.stem.endswith(".no-deps"))


def fingerprint(name: str) -> str:
    """What an environment is built from, as a hash."""
    parts = [p.read_bytes() for p in sorted(FILES.glob(f"{name}.*txt"))]
    return hashlib.sha256(b"\0".join([*parts, sys.version.encode()])).hexdigest()


def python_of(folder: Path, name: str) -> Path:
    """The interpreter of an environment."""
    return folder / name / "bin" / "python"


def is_built(folder: Path, name: str) -> bool:
    """Whether the environment was finished from the file as it is now."""
    stamp = folder / name / STAMP
    return stamp.exists() and stamp.read_text() == fingerprint(name)


def steps(folder: Path, name: str) -> list[list[str]]:
    """The commands that build one environment, in order."""
    python = str(python_of(folder, name))
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    found = [[sys.executable, "-m", "venv", str(folder / name)]]
    found.append([*pip, "-r", str(FILES / f"{name}.txt")])
    if (bare := FILES / f"{name}.no-deps.txt").exists():
        found.append([*pip, "--no-deps", "-r", str(bare)])
    return [*found, [*pip, "-e", str(ROOT)]]


def build(folder: Path, name: str) -> bool:
    """Build one environment; True where every command succeeded."""
    if is_built(folder, name):
        print(f"{name}: built already")
        return True
    start = time.monotonic()
    for number, command in enumerate(todo := steps(folder, name), 1):
        print(f"{name}: step {number} of {len(todo)}: {' '.join(command[1:])}", flush=True)
        if subprocess.run(command, check=False).returncode:
            print(f"{name}: the last command failed; run this again to go on", file=sys.stderr)
            return False
    (folder / name / STAMP).write_text(fingerprint(name))
    print(f"{name}: built in {time.monotonic() - start:.0f} s", flush=True)
    return True


def main() -> int:
    """Read the command line and build."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the environments go")
    parser.add_argument("names", nargs="*", choices=[[], *names()], help="default: all")
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    return 0 if all([build(given.folder.resolve(), n) for n in given.names or names()]) else 1


if __name__ == "__main__":
    sys.exit(main())
