"""Reduction -> the lines of the dense form: all pairs at once, as a paper would write it.

The lines leave `losses` (one per anchor), `valid` (which anchors have a p) and, where anchors
differ, `weight`. NumPy also keeps what the gradient needs: `p_ij`, `q_ij` and the kernel.
"""

from __future__ import annotations

from codegen.block_target import always_has_rows, repeats_allowed, stated
from codegen.dialects import NUMPY, TORCH
from codegen.divergence import order_line, passed, takes_log_p
from codegen.missing import signed
from codegen.pieces import Pieces
from codegen.weights import weights


def lines(pieces: Pieces) -> list[str]:
    """The dense form of one reduction."""
    r = pieces.reduction
    if r.normalise == "pair":
        losses = pair_losses(pieces) if r.divergence == "kl" else pair_divergences(pieces)
        return [*setup(pieces), *losses]
    body = [*setup(pieces), *kernel_lines(pieces), *target_lines(pieces)]
    if r.divergence != "kl":
        return [*body, *divergences(pieces)]
    return [*body, *(joint_losses(pieces) if r.normalise == "joint" else row_losses(pieces))]


def setup(pieces: Pieces) -> list[str]:
    """Features, parameters and scores."""
    return [*pieces.preparation(), *pieces.scores(block=False)]


def is_ratio(pieces: Pieces) -> bool:
    """Whether q is computed from kernels and not from their logarithms."""
    return pieces.reduction.plan.sums == "ratio"


def kernel_lines(pieces: Pieces) -> list[str]:
    """`allowed` and the (log-)kernel with the other pairs taken out."""
    r, out = pieces.reduction, list[str]()
    masked = r.allowed.kind != "all"
    if masked:
        out.append(f"allowed = {pieces.allowed()}")
    name = "kernel" if is_ratio(pieces) else "log_kernel"
    k = r.log_kernel
    traced = pieces.dialect is TORCH
    text = pieces.formula(k.kernel if is_ratio(pieces) else k.expr, block=False, traced=traced)
    out.append(f"{name} = {text}")
    if masked:
        low = "torch.finfo(log_kernel.dtype).min" if pieces.dialect is TORCH else "-np.inf"
        lowest = "0.0" if is_ratio(pieces) else low
        out.append(f"{name} = {where(pieces, 'allowed', name, lowest)}")
    return out


def where(pieces: Pieces, cond: str, yes: str, no: str) -> str:
    """A choice per pair."""
    library = "torch" if pieces.dialect is TORCH else "np"
    return f"{library}.where({cond}, {yes}, {no})"


def dims(pieces: Pieces) -> tuple[str, str]:
    """How the libraries say `over the columns` and `keep the axis`."""
    return ("dim=1", "keepdim=True") if pieces.dialect is TORCH else ("axis=1", "keepdims=True")


def target_lines(pieces: Pieces) -> list[str]:
    """`p_ij` over all pairs, normalised."""
    t = pieces.reduction.target
    if takes_log_p(pieces.reduction):
        return log_lines(pieces)
    out = softmax_lines(pieces) if t.form == "softmax" else weight_lines(pieces)
    if t.symmetrised:
        out.append(f"p_ij = (p_ij + p_ij.T) / (2 * {row_count(pieces)})")
    if pieces.dialect is TORCH and t.form in ("softmax", "given", "proportional"):
        out.append(f"p_ij = {detached(out.pop().removeprefix('p_ij = '))}")
    return out


def row_count(pieces: Pieces) -> str:
    """How many rows have a p, as the joint p averages over those alone."""
    if always_has_rows(pieces):
        return pieces.program.sizes[pieces.reduction.row.set.name]
    return "p_ij.sum().clamp(min=1)" if pieces.dialect is TORCH else "max(p_ij.sum(), 1)"


def is_whole(pieces: Pieces) -> bool:
    """Whether p is normalised over all pairs at once."""
    r = pieces.reduction
    return r.normalise == "joint" and not r.target.symmetrised


def numerator(pieces: Pieces) -> str:
    """What p is made of, over all pairs."""
    r, like = pieces.reduction, "kernel" if is_ratio(pieces) else "log_kernel"
    text = pieces.numerator(r.target.expr, block=False)
    if {r.row, r.column} <= set(text.axes):
        return text.code
    if pieces.dialect is not TORCH:
        spread = f"np.broadcast_to({text.code}, {like}.shape)"
        return spread if r.target.binary else f"({text.code}) * np.ones_like({like})"
    if text.plain:
        kind = ", dtype=torch.bool" if r.target.binary else ""
        return f"torch.full_like({like}, {text.code}{kind})"
    return f"({text.code}).expand_as({like})"


def softmax_lines(pieces: Pieces) -> list[str]:
    """The p that is the softmax of fixed logits."""
    out, torch = logits_lines(pieces), pieces.dialect is TORCH
    masked = pieces.reduction.allowed.kind != "all"
    softmax = "torch.softmax(logits_p, dim=1)" if torch else "_softmax(logits_p)"
    if is_whole(pieces):
        flat = softmax.replace("logits_p", "logits_p.reshape(1, -1)")
        softmax = f"{flat}.reshape(logits_p.shape)"
    out.append(f"p_ij = {softmax}")
    if torch and masked:
        out.append("p_ij = torch.where(allowed, p_ij, 0.0)")
    return out


def logits_lines(pieces: Pieces) -> list[str]:
    """The logits that p is the softmax of."""
    out, torch = [f"logits_p = {numerator(pieces)}"], pieces.dialect is TORCH
    if pieces.reduction.allowed.kind != "all":
        low = "torch.finfo(logits_p.dtype).min" if torch else "-np.inf"
        out.append(f"logits_p = {where(pieces, 'allowed', 'logits_p', low)}")
    return out


def log_lines(pieces: Pieces) -> list[str]:
    """The logarithm of the p that is the softmax of fixed logits, and p."""
    out, torch = logits_lines(pieces), pieces.dialect is TORCH
    softmax = "torch.log_softmax(logits_p, dim=1)" if torch else "_log_softmax(logits_p)"
    if is_whole(pieces):
        flat = softmax.replace("logits_p", "logits_p.reshape(1, -1)")
        softmax = f"{flat}.reshape(logits_p.shape)"
    out.append(f"log_p = {softmax}")
    if pieces.reduction.allowed.kind != "all":
        lowest = "-math.inf" if torch else "-np.inf"
        out.append(f"log_p = {where(pieces, 'allowed', 'log_p', lowest)}")
    if pieces.reduction.target.symmetrised:
        both = f"{'torch' if torch else 'np'}.logaddexp(log_p, log_p.T)"
        out.append(f"log_p = {both} - {'math' if torch else 'np'}.log(2 * {row_count(pieces)})")
    if torch:
        out.append("log_p = log_p.detach()")
    return [*out, f"p_ij = {'torch' if torch else 'np'}.exp(log_p)"]


def weight_lines(pieces: Pieces) -> list[str]:
    """The p that is weights over their sum, or is given."""
    t, like = pieces.reduction.target, "kernel" if is_ratio(pieces) else "log_kernel"
    masked = pieces.reduction.allowed.kind != "all" and not (t.binary and repeats_allowed(pieces))
    code = numerator(pieces)
    if t.binary:
        number = f".to({like}.dtype)" if pieces.dialect is TORCH else ".astype(float)"
        both = f"(({code}) & allowed)" if masked else f"({code})"
        out = [f"p_ij = {both}{number}"]
    else:
        out = [f"p_ij = {where(pieces, 'allowed', code, '0.0') if masked else code}"]
    if t.form == "proportional":
        axis, keep = dims(pieces)
        sums = "p_ij.sum()" if is_whole(pieces) else f"p_ij.sum({axis}, {keep})"
        if signed(t.expr) and not t.binary:
            sums = "_mass(p_ij).sum()" if is_whole(pieces) else "_mass(p_ij)[:, None]"
        out.append(f"mass = {sums}")
        out.append(f"p_ij = p_ij / {where(pieces, 'mass == 0', '1.0', 'mass')}")
    elif stated(pieces):
        out += defined_rows(pieces, is_whole(pieces))
    return out


def defined_rows(pieces: Pieces, whole: bool) -> list[str]:
    """Lines that leave out the rows where the formula of p divides by zero."""
    axis, keep = dims(pieces)
    sums = "p_ij.sum()" if whole else f"p_ij.sum({axis}, {keep})"
    return [
        f"mass = {pieces.known(sums, stated=True)}",
        f"p_ij = {where(pieces, 'mass == 0', '0.0', 'p_ij')}",
    ]


def some(pieces: Pieces, sums: str) -> str:
    """The text of which rows have a p."""
    return f"{sums if stated(pieces) else pieces.known(sums)} != 0"


def detached(code: str) -> str:
    """The text with no gradient into what p was made from: p is fixed."""
    loose = any(sign in code for sign in (" + ", " - ", " * ", " / "))
    closed = code.startswith("torch.") and code.count("(") == code.count(")") and " / " not in code
    return f"{code}.detach()" if closed or not loose else f"({code}).detach()"


def q_lines(pieces: Pieces, *, joint: bool) -> list[str]:
    """`log_q` (torch) or `q` and `log_q` (NumPy)."""
    axis, keep = dims(pieces)
    out = []
    if is_ratio(pieces):
        total = "kernel.sum()" if joint else f"kernel.sum({axis}, {keep})"
        if joint and pieces.dialect is TORCH:
            out.append(f"q_ij = kernel / {total}")
        else:
            out.append(f"total = {total}")
            out.append(f"q_ij = kernel / {where(pieces, 'total == 0', '1.0', 'total')}")
        library = "torch" if pieces.dialect is TORCH else "np"
        out.append(f"log_q = {library}.log({where(pieces, 'p_ij <= 0', '1.0', 'q_ij')})")
    elif pieces.dialect is TORCH:
        if joint:
            out.append("log_q = log_kernel - torch.logsumexp(log_kernel.flatten(), dim=0)")
        else:
            out.append("log_q = torch.log_softmax(log_kernel, dim=1)")
    else:
        code = "_softmax(log_kernel.reshape(1, -1)).reshape(log_kernel.shape)" if joint else (
            "_softmax(log_kernel)"
        )
        out.append(f"q_ij = {code}")
        out.append(f"log_q = np.where(p_ij <= 0, 0.0, {code.replace('_softmax', '_log_softmax')})")
    return out


def row_losses(pieces: Pieces) -> list[str]:
    """The losses of the rows."""
    axis, _ = dims(pieces)
    out = q_lines(pieces, joint=False)
    out += [
        f"losses = -{where(pieces, 'p_ij <= 0', '0.0', 'p_ij * log_q')}.sum({axis})",
        'if term == "kl":',
        f"    losses = losses + {xlogx(pieces)}.sum({axis})",
        f"valid = {some(pieces, f'p_ij.sum({axis})')}",
    ]
    return [*out, *weights(pieces)]


def joint_losses(pieces: Pieces) -> list[str]:
    """The one loss of a joint distribution."""
    out = q_lines(pieces, joint=True)
    out += [
        f"losses = -{where(pieces, 'p_ij <= 0', '0.0', 'p_ij * log_q')}.sum()",
        'if term == "kl":',
        f"    losses = losses + {xlogx(pieces)}.sum()",
        f"valid = {some(pieces, 'p_ij.sum()')}",
    ]
    return out


def divergences(pieces: Pieces) -> list[str]:
    """The losses where p and q are compared by another divergence than KL."""
    joint, (axis, _) = pieces.reduction.normalise == "joint", dims(pieces)
    torch = pieces.dialect is TORCH
    softmax = "torch.log_softmax({}, dim=1)" if torch else "_log_softmax({})"
    flat = softmax.format("log_kernel.reshape(1, -1)") + ".reshape(log_kernel.shape)"
    over, p = "" if joint else axis, "log_p" if takes_log_p(pieces.reduction) else "p_ij"
    return [
        f"log_q = {flat if joint else softmax.format('log_kernel')}",
        *([] if torch else ["q_ij = np.exp(log_q)"]),
        *order_line(pieces.program, pieces.printer()),
        f"losses = _divergence({p}, log_q{passed(pieces.program.method.icon)}).sum({over})",
        f"valid = {some(pieces, f'p_ij.sum({over})')}",
        *([] if joint else weights(pieces)),
    ]


def xlogx(pieces: Pieces, p: str = "p_ij") -> str:
    """The text of p log p, 0 where p is 0."""
    if pieces.dialect is TORCH:
        return f"torch.xlogy({p}, {p})"
    return f"({p} * np.log(np.where({p} <= 0, 1.0, {p})))"


def pair_losses(pieces: Pieces) -> list[str]:
    """The losses of the pairs, each between two outcomes."""
    r = pieces.reduction
    softplus = pieces.dialect.functions["softplus"].format("log_kernel")
    out = [
        *pair_lines(pieces),
        f"losses = {softplus} - p_ij * log_kernel",
    ]
    if pieces.dialect is NUMPY:
        out.append(f"q_ij = {pieces.dialect.functions['sigmoid'].format('log_kernel')}")
    if not r.target.binary:
        out += [
            'if term == "kl":',
            f"    losses = losses + {xlogx(pieces)} + {xlogx(pieces, '(1 - p_ij)')}",
        ]
    return [*out, all_pairs(pieces)]


def pair_lines(pieces: Pieces) -> list[str]:
    """The log-kernel of the first outcome of every pair, and its p."""
    r = pieces.reduction
    text = pieces.numerator(r.target.expr, block=False)
    number = ".to(log_kernel.dtype)" if pieces.dialect is TORCH else ".astype(float)"
    code = f"({text.code}){number}" if r.target.binary else text.code
    if pieces.dialect is TORCH and not r.target.binary:
        code = detached(code)
    traced = pieces.dialect is TORCH
    text_k = pieces.formula(r.log_kernel.expr, block=False, traced=traced)
    return [f"log_kernel = {text_k}", f"p_ij = {code}"]


def all_pairs(pieces: Pieces) -> str:
    """The line that says that every pair has a p."""
    if pieces.dialect is TORCH:
        return "valid = torch.ones_like(losses, dtype=torch.bool)"
    return "valid = np.ones(losses.shape, dtype=bool)"


def pair_divergences(pieces: Pieces) -> list[str]:
    """The losses of the pairs by another divergence than KL, over both outcomes."""
    order = passed(pieces.program.method.icon)
    numpy = pieces.dialect is NUMPY
    return [
        *pair_lines(pieces),
        *order_line(pieces.program, pieces.printer()),
        *outcomes(pieces),
        *(["q_ij = np.exp(log_q)"] if numpy else []),
        f"losses = _divergence(p_ij, log_q{order}) + _divergence(1 - p_ij, log_null{order})",
        all_pairs(pieces),
    ]


def outcomes(pieces: Pieces) -> list[str]:
    """The logarithms of q for the outcomes match and null of a pair."""
    softplus = pieces.dialect.functions["softplus"]
    return [
        f"log_q, log_null = -{softplus.format('-log_kernel')}, -{softplus.format('log_kernel')}"
    ]
