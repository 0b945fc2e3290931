"""CLIP in a training loop of open_clip: its ClipLoss, and the generated one; the scale learns.

    python examples/adapters/two_towers.py
"""

from __future__ import annotations

import math

import torch
from common import compared, generated, opened, train
from torch import Tensor, nn


def main() -> float:
    """Train with both losses; return how far apart they are."""
    open_clip = opened("open_clip.loss", "open_clip_torch")
    images = torch.randn(20, 32, 64, dtype=torch.float64)
    texts = images + torch.randn(20, 32, 64, dtype=torch.float64)

    def trained(loss: nn.Module) -> tuple[list[float], Tensor]:
        log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07), dtype=torch.float64))

        def step(model: nn.Module, k: int) -> Tensor:
            image_features = nn.functional.normalize(model(images[k]), dim=-1)
            text_features = nn.functional.normalize(model(texts[k]), dim=-1)
            found: Tensor = loss(image_features, text_features, log_scale.exp())
            return found

        return train(step, log_scale)

    theirs = open_clip.ClipLoss()
    mine = generated("clip", "clip").ClipTowersLoss()  # the one line that changes
    return compared("open_clip", trained, theirs, mine)


if __name__ == "__main__":
    main()
