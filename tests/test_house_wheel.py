"""The wheel adds one name, carries every data file, and works beside somebody else's `catalog`."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("catalog", "derive", "codegen")
CACHES = re.compile(r"/(__pycache__|\.\w+_cache)/")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=ROOT, check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment that has the wheel, and this environment's other packages by way of a .pth."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    interpreter = folder / "bin" / "python"
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet",
         "--no-deps", "--no-index", "--no-compile", str(wheel)],
        check=True, capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = folder / "lib" / version / "site-packages"
    # a folder named in a .pth is put on the path; the .pth files inside it are not read, so an
    # editable install of the checkout does not come in by the back door
    (site / "others.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A working folder with a package of its own called `catalog`."""
    (tmp_path / "catalog").mkdir()
    (tmp_path / "catalog" / "__init__.py").write_text("SHOES = 3\n")
    return tmp_path


def run(python: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(python), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def missing(names: set[str]) -> list[str]:
    """Files of the rooms that `names`, the content of a wheel, lacks."""
    wanted = {
        f"iconograph/_rooms/{path.relative_to(ROOT).as_posix()}"
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and not CACHES.search(str(path))
    }
    return sorted(wanted - names)


def test_the_wheel_adds_one_name_and_carries_the_rooms(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"iconograph"}
    assert missing(names) == []
    assert {"iconograph/py.typed", "iconograph/_rooms/catalog/formula.lark"} <= names
    assert not [name for name in names if "__pycache__" in name or name.endswith(".pyc")]


def test_a_file_left_out_of_the_wheel_is_noticed(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    lost = "iconograph/_rooms/catalog/formula.lark"
    assert missing(names - {lost}) == [lost]


def test_the_wheel_works_beside_a_foreign_catalog(python: Path, elsewhere: Path) -> None:
    code = "import iconograph as ic, catalog; print(ic.load('infonce').id, catalog.__file__)"
    done = run(python, elsewhere, "-c", code)
    assert done.returncode == 0, done.stderr
    name, place = done.stdout.split()
    assert name == "infonce" and "_rooms" in place

    script = python.with_name("iconograph")
    done = run(script, elsewhere, "verify", "infonce")
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_foreign_catalog_already_imported_is_said_plainly(python: Path, elsewhere: Path) -> None:
    done = run(python, elsewhere, "-c", "import catalog, iconograph")
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: iconograph needs the name `catalog`")
    assert str(elsewhere) in last


def test_the_checkout_works_beside_a_foreign_catalog(elsewhere: Path) -> None:
    path = f"import sys; sys.path.append({str(ROOT)!r})"
    code = f"{path}; import iconograph, catalog; print(catalog.__path__[0])"
    done = run(Path(sys.executable), elsewhere, "-c", code)
    assert done.stdout.strip() == str(ROOT / "catalog"), done.stderr


def test_a_worker_process_finds_the_rooms(python: Path, elsewhere: Path) -> None:
    # multiprocessing hands sys.path to a spawned process, and no import hooks
    (elsewhere / "main.py").write_text(
        "import multiprocessing as mp\n"
        "def probe(_):\n"
        "    import catalog\n"
        "    return catalog.__file__\n"
        "if __name__ == '__main__':\n"
        "    import iconograph\n"
        "    with mp.get_context('spawn').Pool(1) as pool:\n"
        "        print(pool.map(probe, [0])[0])\n"
    )
    done = run(python, elsewhere, "main.py")
    assert "_rooms" in done.stdout, done.stdout + done.stderr
