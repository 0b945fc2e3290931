"""scikit-learn, openTSNE and TorchDR: objectives of maps, as functions of points and weights.

The first two are NumPy code that returns a cost and its gradient; `Cost` hands both to torch as
they are, so that the gradient that is judged is the library's own.
"""

import numpy as np
import torch
from scipy import sparse


class Cost(torch.autograd.Function):
    """A NumPy function of points that returns its value and its gradient."""

    @staticmethod
    def forward(ctx, y, function):
        """Ask the function, and keep its gradient."""
        value, gradient = function(y.detach().numpy())
        ctx.gradient = torch.as_tensor(np.array(gradient).reshape(y.shape))
        return y.new_tensor(float(value))

    @staticmethod
    def backward(ctx, grad_output):
        """The library's gradient."""
        return grad_output * ctx.gradient, None


def sklearn_tsne(y, p):
    """sklearn.manifold._t_sne._kl_divergence, with the degrees of freedom that TSNE gives it."""
    from scipy.spatial.distance import squareform
    from sklearn.manifold import _t_sne

    n, dimension = y.shape
    condensed = squareform(p.numpy(), checks=False)
    freedom = max(dimension - 1, 1)  # as TSNE._fit computes it

    def cost(x):
        return _t_sne._kl_divergence(x.ravel(), condensed, freedom, n, dimension)

    return Cost.apply(y, cost)


def sklearn_multinomial(logits, target):
    """sklearn._loss.HalfMultinomialLoss, what LogisticRegression minimises, averaged."""
    from sklearn._loss import HalfMultinomialLoss

    def cost(x):
        classes = target.numpy().astype(x.dtype)
        loss = HalfMultinomialLoss(n_classes=x.shape[1])
        value, gradient = loss.loss_gradient(classes, np.ascontiguousarray(x))
        return value.mean(), gradient / len(x)

    return Cost.apply(logits, cost)


def open_tsne(y, p):
    """openTSNE.tsne.kl_divergence_bh without approximation, at its default degree of freedom."""
    from openTSNE import tsne

    weights = sparse.csr_matrix(p.numpy())

    def cost(x):
        options = {"theta": 0.0}
        return tsne.kl_divergence_bh(x, weights, 1.0, options, should_eval_error=True)

    return Cost.apply(y, cost)


def torchdr(name, y, p):
    """The loss of a TorchDR method on given points and weights, all of which are neighbours."""
    import torchdr as library

    n = len(y)
    others = torch.tensor([[j for j in range(n) if j != i] for i in range(n)])
    method = getattr(library, name)(backend=None, device="cpu")
    method.embedding_ = y
    method.n_samples_in_ = n
    method.chunk_indices_ = torch.arange(n)
    method.NN_indices_ = others
    method.affinity_in_ = p.gather(1, others)
    method.early_exaggeration_coeff_ = 1.0  # what it is after the first iterations
    return method._compute_loss()


def torchdr_tsne(y, p):
    """torchdr.TSNE."""
    return torchdr("TSNE", y, p)


def torchdr_sne(y, p):
    """torchdr.SNE."""
    return torchdr("SNE", y, p)
