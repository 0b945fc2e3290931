"""Compile the Triton kernels of a loss for a GPU that is not here, and read what came out.

    python benchmarks/ahead.py simclr supcon clip
        [--arch 90] [--dtype bfloat16] [--dim 128]
        [--rows 4096] [--tile ROWS COLUMNS WARPS STAGES] [--unbounded] [--json]

For every kernel of the forward and the backward pass, in the first tile of its list that fits and
spills nothing: registers, spills, shared memory, products on tensor cores, exponentials per pair.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ["TRITON_INTERPRET"] = "0"

import torch  # noqa: E402
import triton  # noqa: E402
from triton.backends.compiler import GPUTarget  # noqa: E402
from triton.compiler import ASTSource  # noqa: E402
from triton.runtime.autotuner import Autotuner  # noqa: E402

from catalog.registry import load  # noqa: E402
from codegen.emit import emit, write_file  # noqa: E402
from codegen.execute import program_of  # noqa: E402
from codegen.ir import Program  # noqa: E402
from codegen.sass import Figures, figures  # noqa: E402

SHARED = {80: 163 * 1024, 90: 227 * 1024}  # bytes of shared memory that a program may have
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
KINDS = {torch.float32: "fp32", torch.float64: "fp64", torch.bfloat16: "bf16",
         torch.float16: "fp16", torch.int64: "i64", torch.bool: "i1"}  # fmt: skip


@dataclass(frozen=True)
class Launch:
    """A kernel with what it was launched with."""

    kernel: Autotuner
    arguments: dict[str, Any]


def loaded(text: str, name: str) -> ModuleType:
    """A program as a module; kernels are compiled from their file."""
    path = Path(tempfile.mkdtemp()) / f"{name}.py"
    write_file(path, text)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def launches(
    module: ModuleType, program: Program, rows: int, dim: int, dtype: str, bounded: bool = True
) -> list[Launch]:
    """What the forward and the backward pass launch; nothing is computed."""
    found: list[Launch] = []
    seen: list[tuple[Autotuner, dict[str, Any]]] = []

    def note(self: Autotuner, *args: Any, grid: Any, warmup: bool = False, **given: Any) -> None:
        arguments = dict(zip(self.arg_names, args, strict=False)) | given
        kept = {k: v for k, v in arguments.items() if not isinstance(v, torch.Tensor)}
        if (self, kept) not in seen:  # rows and columns exchanged, or another turn of a loop
            seen.append((self, kept))
            found.append(Launch(self, arguments))

    module._on_gpu = lambda *_: None  # type: ignore[attr-defined]
    module._at_hand = lambda *_: False  # type: ignore[attr-defined]
    if hasattr(module, "_bounded"):
        module._bounded = lambda *_: bounded  # type: ignore[attr-defined]
    if hasattr(module, "_roots"):
        module._roots = lambda _, *p: (True, *p)  # type: ignore[attr-defined]
    run, Autotuner.run = Autotuner.run, note
    try:
        values = arguments(program, rows, dim, getattr(torch, dtype))
        first = [values.pop(a.name) for a in program.arguments if a.positional]
        loss = getattr(module, f"{program.name}_loss")(*first, **values)
        loss.backward()
    finally:
        Autotuner.run = run
    return found


def arguments(program: Program, rows: int, dim: int, dtype: torch.dtype) -> dict[str, Any]:
    """Data of the right shape, of which only the shape will be looked at."""
    out: dict[str, Any] = {}
    for a in program.arguments:
        shape = [dim if axis == a.dim else rows for axis in a.shape]
        if a.kind == "index":
            out[a.name] = torch.zeros(shape, dtype=torch.long)
        elif a.kind == "mask":
            out[a.name] = torch.zeros(shape, dtype=torch.bool)
        else:
            share = 1 / max([1, *shape[-1:]])
            value = {"probability": 0.5, "distribution": share}.get(a.range, 1.0)
            made = torch.full(shape, value, dtype=dtype if a.positional else torch.float32)
            out[a.name] = made.requires_grad_(a.learned)
    return out


def compiled(launch: Launch, arch: int) -> Iterator[tuple[dict[str, Any], Figures]]:
    """A kernel compiled for every tile of its list that fits, with its figures."""
    function = launch.kernel.fn
    for config in launch.kernel.configs:
        given = {**launch.arguments, **config.kwargs}
        constants = {p.name: given[p.name] for p in function.params if p.is_constexpr}
        signature = {p.name: kind(given[p.name], p.is_constexpr) for p in function.params}
        aligned = {(p.num,): [["tt.divisibility", 16]] for p in function.params
                   if not p.is_constexpr and divisible(given[p.name])}  # fmt: skip
        source = ASTSource(fn=function, signature=signature, constexprs=constants, attrs=aligned)
        options = {"num_warps": config.num_warps, "num_stages": config.num_stages}
        made = triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)
        if made.metadata.shared <= SHARED[arch]:
            tile = {**config.kwargs, **options}
            yield tile, look(made.asm["cubin"], made.metadata.shared)


def kind(value: Any, constant: bool) -> str:
    """The type of an argument as the compiler names it."""
    if constant:
        return "constexpr"
    if isinstance(value, torch.Tensor):
        return f"*{KINDS[value.dtype]}"
    return "i32" if isinstance(value, int) else "fp32"


def divisible(value: Any) -> bool:
    """Whether an address or a number is a multiple of 16."""
    return isinstance(value, torch.Tensor) or (isinstance(value, int) and value % 16 == 0)


def look(cubin: bytes, shared: int) -> Figures:
    """The figures of a compiled kernel."""
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(cubin)
        file.flush()
        commands = ([TOOLS / "nvdisasm", "-c"], [TOOLS / "cuobjdump", "-res-usage"])
        listing, usage = (
            subprocess.run([*command, file.name], capture_output=True, text=True, check=True)
            for command in commands
        )
    return figures(listing.stdout, usage.stdout + usage.stderr, shared)


def report(
    name: str,
    arch: int,
    dtype: str,
    rows: int,
    dim: int,
    tile: list[int] | None = None,
    bounded: bool = True,
) -> Iterator[dict[str, Any]]:
    """A line for every kernel of a loss: in its first tile without a spill, or in its last."""
    module = loaded(emit(load(name), "triton"), name.replace("-", "_"))
    for launch in launches(module, program_of(load(name)), rows, dim, dtype, bounded):
        best = None
        if tile is not None:
            sides = {"ROWS": tile[0], "COLUMNS": tile[1]}
            launch.kernel.configs = [
                triton.Config(sides, num_warps=tile[2], num_stages=tile[3])
            ]
        for chosen, found in compiled(launch, arch):
            best = (chosen, found)
            if not found.spills:
                break
        kernel = launch.kernel.fn.__name__
        line = {"method": name, "kernel": kernel, "arch": arch, "dtype": dtype, "dim": dim}
        if best is None:
            yield {**line, "tile": None}
            continue
        chosen, found = best
        sides = chosen.get("ROWS", 1), chosen["COLUMNS"]  # a merge has no pairs
        each = found.exponentials_per_pair(*sides, chosen["num_warps"])
        yield {**line, "tile": chosen, **asdict(found), "exponentials_per_pair": each}


def main() -> None:
    """Print the figures of the methods that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("methods", nargs="+")
    parser.add_argument("--arch", type=int, nargs="+", default=[90])
    parser.add_argument("--dtype", nargs="+", default=["bfloat16"])
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--rows", type=int, default=4096)
    parser.add_argument("--tile", type=int, nargs=4)
    parser.add_argument("--unbounded", action="store_true", help="scores of any size")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    for name in options.methods:
        for arch in options.arch:
            for dtype in options.dtype:
                sizes = (options.rows, options.dim, options.tile, not options.unbounded)
                for line in report(name, arch, dtype, *sizes):
                    print(json.dumps(line) if options.json else in_words(line), flush=True)


def in_words(line: dict[str, Any]) -> str:
    """A line of the report for people."""
    if line["tile"] is None:
        return f"{line['method']} {line['kernel']}: no tile fits"
    tile = "x".join(str(v) for v in line["tile"].values())
    cores = ", ".join(f"{n} {k}" for k, n in line["tensor_cores"].items()) or "none"
    return (
        f"{line['method']} {line['kernel']} sm_{line['arch']} {line['dtype']} tile {tile}: "
        f"{line['registers']} registers, {line['spills']} spills, {line['shared'] // 1024} KB, "
        f"{line['exponentials_per_pair']:.3f} exponentials per pair, {cores}"
    )


if __name__ == "__main__":
    main()
