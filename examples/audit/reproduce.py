"""What one comparison asks of its environment: versions, the judgement, and a program to copy."""

from __future__ import annotations

import itertools
import json
import math
import subprocess
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CASES = HERE / "cases"
LIMIT = 900  # seconds for one comparison, on a busy machine

FACTS = """
import importlib, importlib.metadata, inspect, json, pathlib, platform, sys
case, function, library = sys.argv[1:]
importlib.import_module(case)
parts = function.split(".")
for size in range(len(parts) - 1, 0, -1):
    try:
        thing = importlib.import_module(".".join(parts[:size]))
        break
    except ImportError:
        continue
for part in parts[size:]:
    thing = getattr(thing, part)
thing = inspect.unwrap(thing)
where = ""
try:
    path = pathlib.Path(inspect.getsourcefile(thing))
    root = next(p for p in path.parents if p.name == "site-packages")
    where = f"{path.relative_to(root)}:{inspect.getsourcelines(thing)[1]}"
except (TypeError, OSError, StopIteration):
    pass  # a compiled function has no source
version = importlib.metadata.version
print(json.dumps({"version": version(library).partition("+")[0], "file": where,
                  "python": platform.python_version(),
                  "torch": version("torch").partition("+")[0]}))
"""


class Failed(Exception):
    """A comparison that did not run; the message says what was tried and the last line of it."""


def asked(python: Path, arguments: list[str], what: str, ok: tuple[int, ...] = (0,)) -> str:
    """What a process of an environment printed, run among the cases. Raises Failed."""
    done = subprocess.run(
        [str(python), *arguments], cwd=CASES, capture_output=True, text=True, timeout=LIMIT,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    if done.returncode not in ok or not done.stdout.strip():  # 1 is a verdict, and Python's own
        last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:] or ["nothing printed"]
        raise Failed(f"{what} ended with status {done.returncode}: {last[0][:300]}")
    return done.stdout


def case_module(given: Mapping[str, Any]) -> str:
    """The module that makes a record's function callable."""
    return str(given["code"].split(":")[0].removesuffix(".py"))


def facts(given: Mapping[str, Any], python: Path) -> dict[str, str]:
    """Versions, and where the function stands in its library."""
    arguments = ["-c", FACTS, case_module(given), given["function"], given["library"]]
    return dict(json.loads(asked(python, arguments, "looking for the function").splitlines()[-1]))


def arguments_of(call: str) -> list[str]:
    """The options that say a call: its name, or each argument of it."""
    if "[" not in call:
        return ["--call", call]
    return [part for text in call.replace("], ", "]\0").split("\0") for part in ("--input", text)]


def found(given: Mapping[str, Any], python: Path) -> dict[str, Any]:
    """The judgement of `iconograph verify --code`, as it prints it with --json."""
    command = ["-m", "iconograph", "verify", "--code", given["code"], "--against", given["against"]]
    command += ["--time-limit", "120"]
    command += arguments_of(given["call"])
    for key, value in given.get("options", {}).items():
        command += ["--with", f"{key}={value!r}"]
    printed = asked(python, [*command, "--json"], "verify --code", ok=(0, 1, 3))
    return dict(json.loads(printed)["finding"])


# ------------------------------------------------------------------ a program to copy


@dataclass(frozen=True)
class Reading:
    """How the formula is evaluated beside the code: which reading of the call, and times what.

    The multiple is that of a sum against a mean; it is 1 where nothing is said of a witness.
    """

    place: int
    times: Fraction


def reproducer(given: Mapping[str, Any], answer: Mapping[str, Any], python: Path) -> dict[str, str]:
    """A program that prints the library's number and the paper's, and what it printed.

    The input is the witness of a difference, or else a small one. Raises Failed where the program
    does not print the numbers that were found.
    """
    witness = answer["witness"] if answer["kind"] == "different" else None
    inputs = witness["inputs"] if witness else small(given["call"], 0)
    what = witness["what"] if witness else "the value"
    if witness:
        reading = fitting(given, answer, witness)
    else:
        reading = affine(given, answer["parameters"], python)
    code = program(given, answer["parameters"], inputs, what, reading)
    run = f"import {case_module(given)}\n{code}"
    printed = asked(python, ["-c", run], "the reproducer").strip()
    if witness:
        numbers = [float(line.split()[-1]) for line in printed.splitlines()]
        for number, wanted in zip(numbers, (witness["theirs"], witness["ours"]), strict=False):
            if not close(number, wanted):
                raise Failed(f"the reproducer prints {number}, the comparison said {wanted}")
    return {"code": code, "prints": printed}


def close(a: float, b: float) -> bool:
    """Whether two numbers are one; NaN is NaN."""
    return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9) or (a != a and b != b)


def small(call: str, seed: int) -> dict[str, Any]:
    """A small input of a call, in halves, as lists; classes have two members, and no row is 0."""
    import numpy as np

    from iconograph.audit.inputs import draw, sized
    from iconograph.audit.published import convention_of

    convention = convention_of(call)
    style = sized(convention.call, 4, 2, convention.fixed, labels="pairs", round=0.5)
    tables = [s.name for s in convention.call.slots if s.shape[-1:] == ("d",)]
    for again in itertools.count():
        made = draw(convention.call, style, np.random.default_rng([seed, 7, again]))
        if all(np.all(np.any(made[name] != 0, axis=-1)) for name in tables):
            break
    return {k: np.round(v, 6).tolist() for k, v in made.items()}


def formulas(
    given: Mapping[str, Any], numbers: Mapping[str, float], tried: Sequence[Mapping[str, Any]],
    what: str,
) -> Iterator[tuple[int, list[float]]]:  # fmt: skip
    """The number of the formula at each input, for every reading that has one there."""
    import numpy as np

    from catalog.errors import InputError
    from iconograph.audit.published import readings, with_gradient

    for place, _ in enumerate(readings(given["against"], given["call"])):
        try:
            found = [
                picked(with_gradient(given["against"], given["call"], x, numbers, reading=place),
                       what) for x in tried
            ]  # fmt: skip
        except InputError:
            continue
        if np.all(np.isfinite(found)):
            yield place, found


def entry(what: str) -> tuple[str, tuple[int, ...]]:
    """The argument and the place of "the gradient by y[0,1]", whatever that is compared with."""
    entry_only = what.removeprefix("the gradient by ").partition(", and ")[0]
    name, _, place = entry_only.rstrip("]").partition("[")
    return name, tuple(int(k) for k in place.split(",") if k)


def picked(found: tuple[float, Mapping[str, Any]], what: str) -> float:
    """The value, or the entry of the gradient that `what` names."""
    if what == "the value":
        return float(found[0])
    name, place = entry(what)
    return float(found[1][name][place])


def fitting(
    given: Mapping[str, Any], answer: Mapping[str, Any], witness: Mapping[str, Any]
) -> Reading | None:
    """The reading under which the formula gives the witness its second number, if one does.

    It may take a multiple, of a sum against a mean; the simplest is taken.
    """
    best: tuple[int, Reading] | None = None
    for place, (ours,) in formulas(given, answer["parameters"], [witness["inputs"]],
                                   witness["what"]):  # fmt: skip
        if close(ours, witness["ours"]):
            return Reading(place, Fraction(1))
        if not ours:
            continue
        times = Fraction(witness["ours"] / ours).limit_denominator(100)
        simple = 1 in (times.numerator, times.denominator) and times > 0
        size = times.numerator + times.denominator
        fits = simple and close(float(times) * ours, witness["ours"])
        if fits and (best is None or size < best[0]):
            best = (size, Reading(place, times))
    return best[1] if best else None


def affine(
    given: Mapping[str, Any], numbers: Mapping[str, float], python: Path
) -> Reading | None:
    """The reading under which the formula and the library differ by a scale and a constant.

    Of several, the one that needs neither.
    """
    import numpy as np

    tried = [small(given["call"], seed) for seed in range(6)]
    theirs = np.asarray(values(given, tried, python))
    best: tuple[float, int] | None = None
    for place, found in formulas(given, numbers, tried, "the value"):
        ours = np.asarray(found)
        columns = np.stack([ours, np.ones(len(ours))], axis=1)
        left = float(np.linalg.norm(columns @ np.linalg.lstsq(columns, theirs)[0] - theirs))
        left += 1e-6 * float(np.linalg.norm(ours - theirs))
        if best is None or left < best[0] - 1e-9:
            best = (left, place)
    return Reading(best[1], Fraction(1)) if best else None


def values(
    given: Mapping[str, Any], tried: Sequence[Mapping[str, Any]], python: Path
) -> list[float]:
    """The library's value at each of these inputs."""
    parts = [f"import {case_module(given)}", "import torch", import_line(given),
             "torch.set_default_dtype(torch.float64)"]  # fmt: skip
    for inputs in tried:
        parts += [*tensors(given["call"], inputs), f"print({called(given, inputs)}.sum().item())"]
    printed = asked(python, ["-c", "\n".join(parts)], "asking the library")
    return [float(line) for line in printed.split()[-len(tried) :]]


def program(
    given: Mapping[str, Any], numbers: Mapping[str, float], inputs: Mapping[str, Any], what: str,
    reading: Reading | None,
) -> str:  # fmt: skip
    """The program, in a few lines."""
    name, place = ("", ()) if what == "the value" else entry(what)
    function = "with_gradient" if name else "published"
    lines = ["import torch", import_line(given)]
    if reading is not None:
        lines.append(f"from iconograph.audit.published import {function}")
    lines += ["", "torch.set_default_dtype(torch.float64)", *tensors(given["call"], inputs)]
    at = "[" + ", ".join(map(str, place)) + "]" if place else ""
    if name:
        lines += [f"{name}.requires_grad_()", f"{called(given, inputs)}.sum().backward()"]
        lines.append(f'print("{given["library"]}:", {name}.grad{at}.item())')
    else:
        lines.append(f'print("{given["library"]}:", {called(given, inputs)}.sum().item())')
    if reading is not None:
        pairs = ", ".join(f'"{k}": {k}{".detach()" if k == name else ""}' for k in inputs)
        known = ", ".join(f'"{k}": {number(v)}' for k, v in numbers.items())
        options = f", {{{known}}}" if known else ""
        options += f", reading={reading.place}" if reading.place else ""
        lines.append(f"at = {{{pairs}}}")
        lines.append(f'ours = {function}("{given["against"]}", "{given["call"]}", at{options})')
        ours = f'ours[1]["{name}"]{at}' if name else "ours"
        times = "" if reading.times == 1 else f" * {reading.times}"
        lines.append(f'print("{given["against"]}:", {ours}{times})')
    elif what.endswith(OWN):  # a value that no formula of the catalog has: by differences of it
        lines += [f"step = torch.zeros_like({name})", f"step{at} = 1e-5"]
        up, down = (called(given, [f"{k} {sign} step" if k == name else k for k in inputs])
                    for sign in "+-")  # fmt: skip
        lines += ["with torch.no_grad():", f"    rise = ({up} - {down}).sum().item()"]
        lines.append('print("the derivative of its value:", rise / 2e-5)')
    return "\n".join(lines) + "\n"


OWN = "the derivative of the value"


def import_line(given: Mapping[str, Any]) -> str:
    """The import of the function: from its library, or from the case that calls it."""
    module, _, name = given["code"].partition(":")
    package, _, last = given["function"].rpartition(".")
    if name == last:
        return f"from {package} import {name}"
    return f"from {module.removesuffix('.py')} import {name}  # examples/audit/cases/{module}"


def called(given: Mapping[str, Any], inputs: Iterable[str]) -> str:
    """The expression that calls it on these arguments."""
    name = given["code"].partition(":")[2]
    options = [f"{k}={v!r}" for k, v in given.get("options", {}).items()]
    if name[0].isupper():
        return f"{name}({', '.join(options)})({', '.join(inputs)})"
    return f"{name}({', '.join([*inputs, *options])})"


def tensors(call: str, inputs: Mapping[str, Any]) -> list[str]:
    """A line for each argument."""
    from iconograph.audit.published import convention_of

    whole = {s.name for s in convention_of(call).call.slots if s.kind in ("label", "target")}
    return [f"{k} = torch.tensor({listed(v, k in whole)})" for k, v in inputs.items()]


def listed(value: Any, whole: bool) -> str:
    """Numbers as Python writes them, whole ones without a point where they are indices."""
    if isinstance(value, list):
        return f"[{', '.join(listed(v, whole) for v in value)}]"
    return str(int(value)) if whole else number(float(value))


def number(x: float) -> str:
    """A number to twelve digits; a whole one as 2.0."""
    return repr(float(f"{x:.12g}"))
