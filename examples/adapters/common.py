"""What the three examples share: the generated loss, a small network, and the comparison."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import iconograph as ic

STEPS = 20


def opened(name: str, package: str) -> Any:
    """A module of a library; data that are drawn from here on are always the same.

    Where there is no such library, the program ends with a sentence.
    """
    torch.manual_seed(1)
    try:
        return importlib.import_module(name)
    except ImportError as error:
        sys.exit(
            f"{package} is not installed here ({error}): "
            "pip install -r examples/adapters/requirements.txt"
        )


def generated(method: str, adapter: str) -> types.ModuleType:
    """The generated program of a method with its adapter, as a module."""
    made = types.ModuleType(method.replace("-", "_"))
    exec(ic.generate(method, adapter=adapter), made.__dict__)
    return made


def network(size: int = 64) -> nn.Module:
    """A small encoder, always the same."""
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(size, 32), nn.ReLU(), nn.Linear(32, 16)).double()


def train(step: Callable[[nn.Module, int], Tensor], *more: Tensor) -> tuple[list[float], Tensor]:
    """The losses of a few steps of gradient descent, and the weights they lead to."""
    model = network()
    optimizer = torch.optim.SGD([*model.parameters(), *more], lr=0.05)
    losses = []
    for k in range(STEPS):
        optimizer.zero_grad()
        loss = step(model, k)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses, torch.cat([p.detach().flatten() for p in (*model.parameters(), *more)])


def compared(
    name: str,
    trained: Callable[[nn.Module], tuple[list[float], Tensor]],
    their_loss: nn.Module,
    my_loss: nn.Module,
) -> float:
    """Train with both losses and print how; return the largest relative difference."""
    theirs, mine = trained(their_loss), trained(my_loss)
    losses = max(abs(a - b) / abs(a) for a, b in zip(theirs[0], mine[0], strict=True))
    weights = ((theirs[1] - mine[1]).abs().max() / theirs[1].abs().max()).item()
    for said, found in ((name, theirs[0]), ("generated", mine[0])):
        print(f"{said:<24} loss {found[0]:.10f} -> {found[-1]:.10f}")
    print(f"largest relative difference over {STEPS} steps: losses {losses:.1e}, "
          f"weights after them {weights:.1e}")  # fmt: skip
    return max(losses, weights)
