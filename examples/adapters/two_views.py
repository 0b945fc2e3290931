"""SimCLR in a training loop of lightly: its NTXentLoss, and the generated one.

    python examples/adapters/two_views.py
"""

from __future__ import annotations

import torch
from common import compared, generated, opened, train
from torch import Tensor, nn

TEMPERATURE = 0.5


def main() -> float:
    """Train with both losses; return how far apart they are."""
    lightly = opened("lightly.loss", "lightly")
    batches = torch.randn(20, 32, 64, dtype=torch.float64)
    noise = 0.1 * torch.randn(2, 20, 32, 64, dtype=torch.float64)

    def trained(criterion: nn.Module) -> tuple[list[float], Tensor]:
        def step(model: nn.Module, k: int) -> Tensor:
            x0, x1 = batches[k] + noise[0, k], batches[k] + noise[1, k]
            loss: Tensor = criterion(model(x0), model(x1))
            return loss

        return train(step)

    theirs = lightly.NTXentLoss(temperature=TEMPERATURE)
    program = generated("simclr", "two-view")
    mine = program.SimclrTwoViewLoss(temperature=TEMPERATURE)  # the one line that changes
    return compared("lightly", trained, theirs, mine)


if __name__ == "__main__":
    main()
