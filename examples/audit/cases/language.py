"""sentence-transformers and trl, as a convention of the audit calls them.

A loss of sentence-transformers holds a model that makes the embeddings; here they are given, and
its own `compute_loss_from_embeddings` is called.
"""

from collections import defaultdict
from types import SimpleNamespace
from unittest.mock import MagicMock

import torch
from sentence_transformers.sentence_transformer import losses


def mnrl(z1, z2, **options):
    """MultipleNegativesRankingLoss."""
    loss = losses.MultipleNegativesRankingLoss(None, **options)
    return loss.compute_loss_from_embeddings([z1, z2], None)


def mnrl_symmetric(z1, z2, **options):
    """MultipleNegativesSymmetricRankingLoss."""
    loss = losses.MultipleNegativesSymmetricRankingLoss(None, **options)
    return loss.compute_loss_from_embeddings([z1, z2], None)


def mnrl_both_ways(z1, z2, **options):
    """MultipleNegativesRankingLoss with the options its page gives for a symmetric InfoNCE."""
    given = {"directions": ("query_to_doc", "doc_to_query"), "partition_mode": "per_direction"}
    return mnrl(z1, z2, **given, **options)


def mnrl_with_negatives(query, positive, negatives, **options):
    """MultipleNegativesRankingLoss with a hard negative for each query."""
    loss = losses.MultipleNegativesRankingLoss(None, **options)
    return loss.compute_loss_from_embeddings([query, positive, negatives], None)


def triplet(anchor, positive, negative, **options):
    """TripletLoss."""
    loss = losses.TripletLoss(None, **options)
    return loss.compute_loss_from_embeddings([anchor, positive, negative], None)


def batch_all_triplet(z, y, **options):
    """BatchAllTripletLoss."""
    return losses.BatchAllTripletLoss(None, **options).batch_all_triplet_loss(y, z)


def batch_hard_soft_margin(z, y, **options):
    """BatchHardSoftMarginTripletLoss."""
    loss = losses.BatchHardSoftMarginTripletLoss(None, **options)
    return loss.compute_loss_from_embeddings([z], y)


def dpo(chosen, rejected, reference_chosen, reference_rejected, **options):
    """The loss inside trl.DPOTrainer at beta = 0.1, which is a method of the trainer.

    Its model is one that returns the given log-probabilities, as those of one token; what it logs
    goes nowhere.
    """
    from trl import DPOTrainer

    n = len(chosen)
    trainer = MagicMock()
    trainer.model.training = False
    loss_type, smoothing = options.get("loss_type", "sigmoid"), options.get("label_smoothing", 0.0)
    trainer.configure_mock(
        aux_loss_enabled=False, ld_alpha=None, precompute_ref_logps=True, beta=0.1,
        f_divergence_type="reverse_kl", loss_types=[loss_type], loss_weights=[1.0],
        label_smoothing=smoothing, use_weighting=False,
        _metrics=defaultdict(lambda: defaultdict(list)),
    )  # fmt: skip
    trainer.accelerator.device = chosen.device
    trainer.accelerator.gather_for_metrics = trainer.accelerator.gather = lambda x: x
    log_probs = torch.cat([chosen, rejected])[:, None]
    logged = {"entropy": log_probs, "mean_logits": log_probs, "is_top1": log_probs > 0}

    def model(**_):
        return SimpleNamespace(log_probs=log_probs, **logged)

    inputs = {
        "input_ids": torch.zeros(2 * n, 2, dtype=torch.long),
        "attention_mask": torch.ones(2 * n, 2, dtype=torch.long),
        "completion_mask": torch.tensor([[0, 1]] * (2 * n)),
        "ref_chosen_logps": reference_chosen.detach(),  # the trainer makes them under no_grad
        "ref_rejected_logps": reference_rejected.detach(),
    }  # fmt: skip
    return DPOTrainer._compute_loss(trainer, model, inputs, False)
