"""Kernels compiled for GPUs that are not here: no spill, tensor cores, one exponential a pair."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from codegen.sass import figures, loops
from tests.selection import turn

pytest.importorskip("torch")
pytest.importorskip("triton")

ROOT = Path(__file__).parent.parent
TURN = ("90", "80")[turn() % 2]  # compiling takes long: one GPU in a run
SHARED = {80: 163 * 1024, 90: 227 * 1024}
CORES = {(90, "bfloat16"): "HGMMA", (80, "bfloat16"): "HMMA",
         (90, "float32"): "HGMMA", (80, "float32"): "HMMA"}  # fmt: skip


def ahead(folder: Path, *options: str) -> list[dict[str, Any]]:
    """What the compiler makes of kernels, each with its figures."""
    env = {**os.environ, "TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(folder)}
    command = [sys.executable, str(ROOT / "benchmarks" / "ahead.py"), "--json", *options]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


def passes(line: dict[str, Any]) -> bool:
    """Whether a kernel keeps to the budget of its GPU."""
    half, arch = line["dtype"] == "bfloat16", line["arch"]
    core = CORES[arch, line["dtype"]]
    return (
        line["spills"] == 0
        and line["stack"] == 0
        and line["shared"] <= SHARED[arch]
        and any(name.startswith(core) for name in line["tensor_cores"])
        and (not half or line["exponentials_per_pair"] <= 1.01)
    )


@pytest.mark.slow
def test_kernels_keep_to_the_budget_of_their_gpu(tmp_path: Path) -> None:
    found = ahead(tmp_path, "simclr", "--arch", "90", "80")
    found += ahead(tmp_path, "simclr", "--arch", TURN, "--dtype", "float32")
    assert len(found) == 6  # two kernels for each GPU and dtype
    assert {line["kernel"] for line in found} == {"_sums_kernel", "_pull_rows_kernel"}
    for line in found:
        assert passes(line), line
    # with a running maximum each row of a tile takes one more; backward one serves both directions
    forward, back = ahead(tmp_path, "simclr", "--unbounded")
    assert forward["exponentials_per_pair"] <= 1 + 4 / forward["tile"]["COLUMNS"]
    assert passes(back), back


@pytest.mark.slow
def test_both_directions_of_a_product_keep_to_the_budget(tmp_path: Path) -> None:
    found = ahead(tmp_path, "clip", "--arch", TURN)
    *kernels, merge = sorted(found, key=lambda line: line["kernel"] == "_columns_kernel")
    assert merge["kernel"] == "_columns_kernel"
    assert {line["kernel"] for line in kernels} == {"_sums_kernel", "_pull_rows_kernel"}
    for line in kernels:
        assert passes(line), line
    assert not passes(merge)  # it has no product
    assert merge["spills"] == merge["shared"] == merge["exponentials_per_pair"] == 0, merge


@pytest.mark.slow
def test_other_kernels_and_float64_compile(tmp_path: Path) -> None:
    # what the interpreter runs need not compile: a joint q with a dense p, and a loss of pairs
    found = ahead(tmp_path, "t-sne", "siglip", "--dim", "32", "--tile", "32", "32", "4", "2")
    assert {line["method"] for line in found} == {"t-sne", "siglip"}
    assert all(line["spills"] == 0 and line["tensor_cores"] for line in found), found
    found = ahead(tmp_path, "clip", "--dtype", "float64", "--dim", "16",
                  "--tile", "32", "32", "4", "2")  # fmt: skip
    assert all(name.startswith("DMMA") for line in found for name in line["tensor_cores"])
    assert [line["kernel"] for line in found if not line["tensor_cores"]] == ["_columns_kernel"]


@pytest.mark.slow
def test_a_kernel_that_spills_is_caught(tmp_path: Path) -> None:
    # one warp has neither the registers for this tile nor the products of four
    found = ahead(tmp_path, "simclr", "--arch", "90", "--tile", "64", "64", "1", "2")
    assert found
    assert not any(map(passes, found))
    assert any(line["spills"] > 0 for line in found)


def test_the_benchmark_for_a_gpu_says_where_there_is_none() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    command = [sys.executable, str(ROOT / "benchmarks" / "gpu.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("There is no CUDA GPU here; ") and done.stderr.count("\n") == 1


def test_the_benchmark_for_a_gpu_times_one_loss() -> None:
    torch = pytest.importorskip("torch")
    spec = importlib.util.spec_from_file_location("gpu_benchmark", ROOT / "benchmarks" / "gpu.py")
    assert spec and spec.loader
    gpu = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = gpu
    spec.loader.exec_module(gpu)
    for work in gpu.works(1024):
        a, b = (torch.nn.functional.normalize(torch.randn(n, 9), dim=1) for n in (18, 18))
        a.requires_grad_()
        found = []
        for name, loss in work.losses.items():
            if name == "torch.compile":
                continue  # the naive loss
            gpu.step(loss, a, b)
            found.append(a.grad)
        for grad in found[1:]:
            assert (grad - found[0]).abs().max() < 1e-5


# --------------------------------------------------------------------------- reading a listing

LISTING = """
.text._kernel:
        /*0000*/                   LDC R1, c[0x0][0x28] ;
        /*0010*/                   MUFU.EX2 R9, R9 ;
.L_x_1:
        /*0020*/                   HGMMA.64x128x16.F32.BF16 R24, gdesc[UR8], RZ, !UPT ;
        /*0030*/                   MUFU.EX2 R2, R2 ;
        /*0040*/             @!P0  MUFU.EX2 R3, R3 ;
        /*0050*/                   STL [R1+0x4], R7 ;
        /*0060*/              @P1  BRA `(.L_x_1) ;
        /*0070*/               @P2 BRA `(.L_x_2) ;
        /*0080*/                   LDL R7, [R1+0x4] ;
.L_x_2:
        /*0090*/                   EXIT ;
"""
USAGE = "Function _kernel:\n  REG:40 STACK:8 SHARED:1024 LOCAL:0"


def test_a_listing_is_read() -> None:
    found = figures(LISTING, USAGE, 2048)
    assert (found.registers, found.stack, found.shared) == (40, 8, 2048)
    assert found.spills == 2
    assert found.tensor_cores == {"HGMMA.64x128x16.F32.BF16": 1}
    assert found.exponentials == 2  # those in the loop, not the one before it
    assert found.exponentials_per_pair(16, 16, 4) == 1.0
    assert len(loops(LISTING)) == 1  # a jump forward is no loop


def test_what_is_no_listing_is_refused() -> None:
    for listing, usage in (("nothing", USAGE), (LISTING, "nothing")):
        with pytest.raises(ValueError, match="no listing"):
            figures(listing, usage, 0)
