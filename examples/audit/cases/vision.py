"""lightly, open_clip, timm and solo-learn, as a convention of the audit calls them.

They import torchvision and, for a loss, use none of it. Its compiled part wants libraries that
a torch for processors lacks; where it cannot be loaded, its operators are declared by name, and
nothing calls them. solo-learn is entered by its losses, past the training framework it imports.
"""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import torch


def declare_operators():
    """Import torchvision, with its operators as bare names where they cannot be loaded."""
    try:
        import torchvision  # noqa: F401

        return
    except RuntimeError:
        for name in [m for m in sys.modules if m.split(".")[0] == "torchvision"]:
            del sys.modules[name]
    folder = Path(importlib.util.find_spec("torchvision").origin).parent
    text = (folder / "_meta_registrations.py").read_text()
    library = torch.library.Library("torchvision", "FRAGMENT")
    for names in set(re.findall(r'register_meta\("(\w+)"|torchvision::(\w+)', text)):
        library.define("".join(names) + "() -> ()")
    KEPT.append(library)


def enter(package):
    """Make the sub-modules of a package importable without running its __init__."""
    module = ModuleType(package)
    module.__path__ = list(importlib.util.find_spec(package).submodule_search_locations)
    sys.modules[package] = module


KEPT = []  # a library that is collected takes its operators with it
declare_operators()
enter("solo")

from lightly.loss import (  # noqa: E402, F401
    BarlowTwinsLoss,
    DCLLoss,
    NegativeCosineSimilarity,
    NTXentLoss,
    VICRegLoss,
)
from open_clip.loss import ClipLoss, SigLipLoss  # noqa: E402, F401
from solo.losses.barlow import barlow_loss_func  # noqa: E402, F401
from solo.losses.byol import byol_loss_func  # noqa: E402, F401
from solo.losses.moco import moco_loss_func  # noqa: E402
from solo.losses.nnclr import nnclr_loss_func  # noqa: E402, F401
from solo.losses.ressl import ressl_loss_func  # noqa: E402, F401
from solo.losses.simclr import simclr_loss_func  # noqa: E402, F401
from solo.losses.simsiam import simsiam_loss_func  # noqa: E402, F401
from solo.losses.vicreg import vicreg_loss_func  # noqa: E402, F401
from timm.loss import AsymmetricLossMultiLabel, LabelSmoothingCrossEntropy  # noqa: E402, F401


def asymmetric(logits, target, **options):
    """timm.loss.AsymmetricLossMultiLabel, with one label for each row."""
    labels = torch.nn.functional.one_hot(target, logits.shape[1])
    return AsymmetricLossMultiLabel(**options)(logits, labels)


def moco(query, positive, negatives, **options):
    """solo.losses.moco.moco_loss_func; its queue has the keys in columns."""
    return moco_loss_func(query, positive, negatives.T, **options)
