"""Running emitted programs on sample data; torch is imported when a torch program is run."""

from __future__ import annotations

import importlib.util
import itertools
import os
import sys
import tempfile
import types
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from catalog.spec import Method
from codegen import emit, lower, passes
from codegen.ir import Argument, Program
from codegen.samples import Sample

FORMS = {"numpy": ("numpy", "loss"), "dense": ("torch", "dense"), "streaming": ("torch", "loss")}
"""The forms of a loss: the target that writes it and how its function is called."""
COUNT = itertools.count()


@dataclass(frozen=True)
class Result:
    """What a program returned: the value, and its gradient by declared symbol."""

    value: Any
    gradient: Mapping[str, Any]


def program_of(method: Method) -> Program:
    """The program of a method after all passes."""
    return passes.run(lower.lower(method))


def module(text: str, name: str = "emitted") -> types.ModuleType:
    """The source as a module of its own."""
    made = types.ModuleType(name)
    exec(compile(text, f"<{name}>", "exec"), made.__dict__)
    return made


def interpreted(text: str) -> types.ModuleType:
    """A Triton source as a module whose kernels run on tensors of the CPU, step by step in Python.

    Kernels are read from their file, so there is one, and torch knows operators by name: those of
    the module are of no other one. Raises ImportError where there is no Triton, RuntimeError where
    it is in use without its interpreter.
    """
    if "triton" in sys.modules and os.environ.get("TRITON_INTERPRET") != "1":
        raise RuntimeError("Triton is in use for a GPU: interpret kernels in a process of its own")
    os.environ["TRITON_INTERPRET"] = "1"  # for good: Triton defines functions of its own by it
    number = next(COUNT)
    path = Path(folder().name) / f"interpreted_{number}.py"
    path.write_text(text.replace('"iconograph_', f'"iconograph_{number}_'), encoding="utf-8")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    made = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = made  # the compiler of torch looks for globals there
    spec.loader.exec_module(made)
    return made


@cache
def folder() -> tempfile.TemporaryDirectory[str]:
    """Where sources lie that have to be files, as long as this process runs."""
    return tempfile.TemporaryDirectory()


def source(method: Method, form: str) -> str:
    """The emitted source that holds a form of the loss."""
    return emit.emit(method, FORMS[form][0])


def differentiable(a: Argument) -> bool:
    """Whether a gradient is asked for: of what is learned, and of every number that might be."""
    return a.kind == "number" and (a.learned or not a.shape)


def run(
    made: types.ModuleType,
    program: Program,
    form: str,
    data: Sample,
    *,
    dtype: str = "float64",
    upstream: float = 1.0,
    **choices: Any,
) -> Result:
    """Call a form of the loss on data, and differentiate `upstream` times the sum of its result.

    NumPy programs give the gradient of learned symbols only.
    """
    function = getattr(made, f"{program.name}_{FORMS[form][1]}")
    values: dict[str, Any] = {}
    for a in program.arguments:
        value = data.data[a.symbol]
        values[a.name] = np.asarray(value) if form == "numpy" else tensor(a, value, dtype)
    positional = [values[a.name] for a in program.arguments if a.positional]
    keyword = {a.name: values[a.name] for a in program.arguments if not a.positional}
    result = function(*positional, **keyword, **choices)
    if form == "numpy":
        value, found = result
        symbols = {a.name: a.symbol for a in program.arguments}
        return Result(value, {symbols[n]: upstream * g for n, g in found.items()})
    (upstream * result.sum()).backward()
    gradient = {}
    for a in program.arguments:
        if differentiable(a):
            grad = values[a.name].grad
            zero = np.zeros(tuple(values[a.name].shape))
            gradient[a.symbol] = zero if grad is None else grad.double().numpy()
    return Result(result.detach().double().numpy(), gradient)


def tensor(a: Argument, value: Any, dtype: str) -> Any:
    """One argument as a tensor that gradients flow to where they are asked for."""
    import torch

    if a.kind == "index":
        return torch.tensor(value, dtype=torch.long)
    if a.kind == "mask":
        return torch.tensor(value, dtype=torch.bool)
    made = torch.tensor(value, dtype=torch.float64).to(getattr(torch, dtype))
    return made.requires_grad_(differentiable(a))
