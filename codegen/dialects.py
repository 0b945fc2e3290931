"""How NumPy and torch spell what they spell differently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Dialect:
    """How a library spells what the two libraries spell differently."""

    name: str
    functions: Mapping[str, str]
    where: str
    einsum: str
    largest: str
    smallest: str
    permute: str
    at_least: str = "{}"


TORCH = Dialect(
    "torch",
    {
        "log": "torch.log({})",
        "exp": "torch.exp({})",
        "sqrt": "torch.sqrt({})",
        "root": "_root({})",
        "relu": "torch.relu({})",
        "step": "torch.where({} > 0, 1.0, 0.0)",
        "sigmoid": "torch.sigmoid({})",
        "softplus": "nn.functional.softplus({})",
        "sg": "{}.detach()",
        "max": "torch.maximum({}, {})",
        "min": "torch.minimum({}, {})",
        "norm": "torch.linalg.vector_norm({}, dim=-1)",
        "unit": "nn.functional.normalize({}, dim=-1)",
    },
    "torch.where({}, {}, 0.0)",
    'torch.einsum("{}", {}, {})',
    ".amax({})",
    ".amin({})",
    ".permute({})",
    "{}.clamp(min=1)",
)
NUMPY = Dialect(
    "numpy",
    {
        "log": "np.log({})",
        "exp": "np.exp({})",
        "sqrt": "np.sqrt({})",
        "root": "np.sqrt(np.maximum({}, np.finfo(float).tiny))",
        "relu": "np.maximum({}, 0.0)",
        "step": "np.where({} > 0, 1.0, 0.0)",
        "sigmoid": "np.exp(-np.logaddexp(0.0, -{}))",
        "softplus": "np.logaddexp(0.0, {})",
        "sg": "{}",
        "max": "np.maximum({}, {})",
        "min": "np.minimum({}, {})",
        "norm": "np.linalg.norm({}, axis=-1)",
        "unit": "_unit({})",
    },
    "np.where({}, {}, 0.0)",
    'np.einsum("{}", {}, {})',
    ".max({})",
    ".min({})",
    ".transpose({})",
    "np.maximum({}, 1)",
)
