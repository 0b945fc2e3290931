"""What `iconograph generate --report` shows: the errors of a program beside their bounds."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from catalog.errors import InputError
from iconograph.console import Exit, show, show_json

if TYPE_CHECKING:
    from catalog.spec import Method
    from codegen.numerics import Line

WHY_NOT = {"distributed": "it needs several processes"}
NEEDS = {"torch": ("torch",), "cpu": ("torch",), "triton": ("torch", "triton")}


INSTALL = {"torch": "iconograph[torch]", "triton": "triton"}


@dataclass(frozen=True)
class Report:
    """The lines of a method's program for a target."""

    method: str
    target: str
    lines: tuple[Line, ...]

    @property
    def outside(self) -> int:
        """How many lines are outside of their bounds."""
        return sum(not line.within for line in self.lines)

    @property
    def status(self) -> Exit:
        """1 where a line is outside of its bound."""
        return Exit.DIFFERS if self.outside else Exit.AS_CLAIMED

    def show_json(self) -> None:
        """Print the lines as JSON."""
        from codegen.numerics import MULTIPLE

        lines = [line.to_json() for line in self.lines]
        content = {"method": self.method, "target": self.target, "multiple": MULTIPLE}
        show_json("numerics", {**content, "outside": self.outside, "lines": lines})

    def show(self) -> None:
        """Print the lines as a table, and what the bound is."""
        from rich.table import Table
        from rich.text import Text

        from codegen.numerics import MULTIPLE

        names = ("case", "dtype", "value error", "bound", "gradient error", "bound", "finite")
        grid = Table(*names, "what happened", box=None, pad_edge=False)
        grid.columns[-1].overflow = "fold"
        before = ""
        for x in self.lines:
            numbers = (x.value_error, x.value_bound, x.gradient_error, x.gradient_bound)
            grid.add_row(
                "" if x.case == before else x.case, x.dtype, *map(digits, numbers),
                "yes" if x.finite else "no", Text(x.what, "" if x.within else "red"),
            )  # fmt: skip
            before = x.case
        show(grid, "")
        outside = f"{self.outside} of {len(self.lines)} lines OUTSIDE" if self.outside else (
            f"all {len(self.lines)} lines within their bounds"
        )
        show(
            f"{self.method}, {self.target}: {outside}. Errors are relative to the largest entry "
            f"of the formula, or to 1 if that is less; a bound is {MULTIPLE} times what rounding "
            "every operation of the formula can do (ball arithmetic with the digits of the "
            "computation: float32 for half precision), and the rounding of the result."
        )


def digits(x: float | None) -> str:
    """An error in two digits."""
    return "" if x is None else f"{x:.1e}"


def reported(method: Method, target: str, text: str) -> Report:
    """The report of a program.

    Raises:
        InputError: the target cannot be run here, or no data meet the hypotheses.
    """
    from codegen.numerics import FORMS, report
    from codegen.samples import NoSample

    if target not in FORMS:
        raise InputError(
            f"there is no report of a {target} program: {WHY_NOT.get(target, 'it is not run')}",
            hint=f"--report runs the targets {', '.join(FORMS)}",
        )
    for package in NEEDS.get(target, ()):
        if importlib.util.find_spec(package) is None:
            raise InputError(
                f"--report runs the program, and {package} is not installed",
                hint=f"pip install {INSTALL[package]}, or --target numpy",
            )
    try:
        return Report(method.id, target, tuple(report(method, target, text)))
    except NoSample as error:
        raise InputError(f"nothing to report on: {error}") from None
