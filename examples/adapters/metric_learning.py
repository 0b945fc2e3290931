"""SupCon in a training loop of pytorch-metric-learning: its SupConLoss, and the generated one.

    python examples/adapters/metric_learning.py
"""

from __future__ import annotations

import torch
from common import compared, generated, opened, train
from torch import Tensor, nn

TEMPERATURE = 0.1


def main() -> float:
    """Train with both losses; return how far apart they are."""
    losses = opened("pytorch_metric_learning.losses", "pytorch-metric-learning")
    data = torch.randn(20, 48, 64, dtype=torch.float64)
    labels = torch.arange(48) % 8

    def trained(loss_func: nn.Module) -> tuple[list[float], Tensor]:
        def step(model: nn.Module, k: int) -> Tensor:
            embeddings = model(data[k])
            loss: Tensor = loss_func(embeddings, labels)
            return loss

        return train(step)

    theirs = losses.SupConLoss(temperature=TEMPERATURE)
    program = generated("supcon", "pytorch-metric-learning")
    mine = program.SupconMetricLoss(temperature=TEMPERATURE)  # the one line that changes
    return compared("pytorch-metric-learning", trained, theirs, mine)


if __name__ == "__main__":
    main()
