"""pytorch-metric-learning, info-nce, kornia and torch, as a convention of the audit calls them.

Functions that take the arguments of a convention as they are need no line here: the record names
them directly, as in pytorch_metric_learning.losses:SupConLoss.
"""

import torch
from torch.nn import functional as F


def kl(student, teacher, reduction="mean"):
    """torch.nn.functional.kl_div; it takes log-probabilities and probabilities."""
    return F.kl_div(student.log_softmax(1), teacher.softmax(1), reduction=reduction)


def bce_with_logits(logits, target):
    """torch.nn.functional.binary_cross_entropy_with_logits, with one label for each row."""
    return F.binary_cross_entropy_with_logits(logits, F.one_hot(target, logits.shape[1]).double())


def paired(name, z1, z2, options):
    """A loss of the library on pairs: row i of both views is of class i."""
    from pytorch_metric_learning import losses

    return getattr(losses, name)(**options)(torch.cat([z1, z2]), torch.arange(len(z1)).repeat(2))


def n_pairs(z1, z2, **options):
    """pytorch_metric_learning.losses.NPairsLoss."""
    return paired("NPairsLoss", z1, z2, options)


def angular(z1, z2, **options):
    """pytorch_metric_learning.losses.AngularLoss."""
    return paired("AngularLoss", z1, z2, options)


def ntxent_of_views(z1, z2, **options):
    """pytorch_metric_learning.losses.NTXentLoss for pairs of views, by the library's wrapper."""
    from pytorch_metric_learning.losses import NTXentLoss, SelfSupervisedLoss

    return SelfSupervisedLoss(NTXentLoss(**options))(z1, z2)


def vicreg(z1, z2, **options):
    """pytorch_metric_learning.losses.VICRegLoss; the second view is the reference."""
    from pytorch_metric_learning.losses import VICRegLoss

    return VICRegLoss(**options)(z1, ref_emb=z2)


def with_proxies(name, parameter, across, x, w, y, options):
    """A loss of the library that holds one learned vector for each class, given from outside.

    `across` says that the library has the classes in columns.
    """
    from pytorch_metric_learning import losses

    module = getattr(losses, name)(num_classes=len(w), embedding_size=w.shape[1], **options)
    given = {parameter: w.T if across else w}
    return torch.func.functional_call(module, given, (x, y))


def arcface(x, w, y, **options):
    """pytorch_metric_learning.losses.ArcFaceLoss."""
    return with_proxies("ArcFaceLoss", "W", True, x, w, y, options)


def cosface(x, w, y, **options):
    """pytorch_metric_learning.losses.CosFaceLoss."""
    return with_proxies("CosFaceLoss", "W", True, x, w, y, options)


def normalized_softmax(x, w, y, **options):
    """pytorch_metric_learning.losses.NormalizedSoftmaxLoss."""
    return with_proxies("NormalizedSoftmaxLoss", "W", True, x, w, y, options)


def proxy_nca(x, w, y, **options):
    """pytorch_metric_learning.losses.ProxyNCALoss."""
    return with_proxies("ProxyNCALoss", "proxies", False, x, w, y, options)


def focal(logits, target, alpha=None, gamma=2.0, reduction="mean"):
    """kornia.losses.focal_loss; alpha has no default there, and None means no weighting."""
    from kornia.losses import focal_loss

    return focal_loss(logits, target, alpha=alpha, gamma=gamma, reduction=reduction)
