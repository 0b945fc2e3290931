"""optax, in float64; value and gradient are those of JAX and are handed to torch as they are."""

import jax
import numpy as np
import torch

jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import optax  # noqa: E402


class Loss(torch.autograd.Function):
    """A JAX function of some arrays, differentiated by each of them."""

    @staticmethod
    def forward(ctx, function, *arrays):
        """Ask the function for its value and all its gradients."""
        given = [jnp.asarray(a.detach().numpy()) for a in arrays]
        value, ctx.gradients = jax.value_and_grad(function, tuple(range(len(given))))(*given)
        return torch.tensor(float(value))

    @staticmethod
    def backward(ctx, grad_output):
        """JAX's gradients."""
        return None, *(grad_output * torch.tensor(np.asarray(g)) for g in ctx.gradients)


def given(tensor):
    """A tensor that is not differentiated by, as an array."""
    return jnp.asarray(tensor.detach().numpy())


def softmax_cross_entropy(logits, target):
    """optax.softmax_cross_entropy_with_integer_labels, averaged as its page does."""
    loss = optax.losses.softmax_cross_entropy_with_integer_labels
    return Loss.apply(lambda x: loss(x, given(target)).mean(), logits)


def poly(logits, target, **options):
    """optax.losses.poly_loss_cross_entropy, averaged."""
    loss, classes = optax.losses.poly_loss_cross_entropy, logits.shape[1]
    hot = jax.nn.one_hot(given(target), classes)
    return Loss.apply(lambda x: loss(x, hot, **options).mean(), logits)


def smoothed(logits, target, alpha=0.1):
    """optax.losses.softmax_cross_entropy of optax.losses.smooth_labels, averaged."""
    hot = jax.nn.one_hot(given(target), logits.shape[1])
    soft = optax.losses.smooth_labels(hot, alpha)
    return Loss.apply(lambda x: optax.losses.softmax_cross_entropy(x, soft).mean(), logits)


def kl(student, teacher):
    """optax.losses.kl_divergence, averaged; it takes log-probabilities and probabilities."""

    def loss(x, t):
        return optax.losses.kl_divergence(jax.nn.log_softmax(x), jax.nn.softmax(t)).mean()

    return Loss.apply(loss, student, teacher)


def ranking_softmax(logits, p):
    """optax.losses.ranking_softmax_loss, with its own reduction."""
    return Loss.apply(lambda x: optax.losses.ranking_softmax_loss(x, given(p)), logits)


def nt_xent(z, y, **options):
    """optax.losses.ntxent."""
    return Loss.apply(lambda x: optax.losses.ntxent(x, given(y), **options), z)


def triplet(anchor, positive, negative, **options):
    """optax.losses.triplet_margin_loss, averaged."""
    loss = optax.losses.triplet_margin_loss
    return Loss.apply(lambda *x: loss(*x, **options).mean(), anchor, positive, negative)
