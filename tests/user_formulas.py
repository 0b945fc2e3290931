"""Losses as a user might write them, with the pair they come from; from easy to hard."""

from __future__ import annotations

from catalog.load import load_text
from catalog.spec import Method

CLASSES = {
    "sets": 'n = "i"\nclasses = "c k"',
    "learned": 'z = "real[i,c]"',
    "given": 'y = "label[i]"',
    "icon": 'anchors = "i"\nneighbours = "c"',
    "p": 'kernel = "one-hot"\ntarget = "y[i]"',
    "q": 'kernel = "logit"\nlogit = "z[i,c]"',
}
VIEWS = {
    "sets": 'n = "i j k l"',
    "learned": 'z = "vector[i]"',
    "given": 'pos = "index[i] in n"\ntau = "positive"',
    "assumes": '"the partner is another view" = "[pos[i] = i] = 0"',
    "p": 'kernel = "one-hot"\ntarget = "pos[i]"',
    "q": 'kernel = "dot"\nembedding = "z"\ntemperature = "tau"',
}
SCORES = {
    "sets": 'n = "i j k l"',
    "learned": 's = "real[i,j]"',
    "given": 'pos = "index[i] in n"',
    "assumes": '"the partner is another view" = "[pos[i] = i] = 0"',
    "p": 'kernel = "one-hot"\ntarget = "pos[i]"',
    "q": 'kernel = "logit"\nlogit = "s[i,j]"',
}
UNIT = '"unit vectors" = "|z[i]|^2 = 1"'
SOFT = {
    **CLASSES,
    "given": 't = "distribution[i,c]"',
    "p": 'kernel = "given"\ndistribution = "t[i,c]"',
}
DOT_ROW = "log(sum[k != i] exp(z[i].z[k]/tau))"


def method(name: str, formula: str, base: dict[str, str], **changes: str) -> Method:
    """A method from the tables of `base`, changed, and a formula; see FORMULAS."""
    parts = {**base, **changes}
    claim = {k: parts.pop(k) for k in ("scale", "constant") if k in parts}
    lines = [
        f'id = "mine-{name}"',  # the catalog may have one of that name
        f'name = "{name}"',
        'field = "supervised"',
        "year = 2020",
        'cite = "none"',
    ]
    for table, text in parts.items():
        lines += [f"[{table.split('_')[0]}]", text]
    lines += [
        "[published]",
        f'formula = "{formula}"',
        'source = "a test"',
        "[claim]",
        'relation = "exact"',
    ]
    lines += [f'{k} = "{v}"' for k, v in claim.items()]
    return load_text("\n".join(lines), f"{name}.toml")


def with_given(base: dict[str, str], given: str, **changes: str) -> dict[str, str]:
    return {**base, "given": base["given"] + "\n" + given, **changes}


def with_assumed(base: dict[str, str], assumed: str, **changes: str) -> dict[str, str]:
    return {**base, "assumes": base.get("assumes", "") + "\n" + assumed, **changes}


MIXED = "lam*[c = y[i]] + (1 - lam)*[c = y2[i]]"
FORMULAS: dict[str, tuple[str, dict[str, str]]] = {
    "log-softmax": ("mean[i] (log(sum[c] exp(z[i,c])) - z[i,y[i]])", CLASSES),
    "one-over-n": ("1/n * sum[i] -log(exp(z[i,y[i]]) / sum[c] exp(z[i,c]))", {**CLASSES}),
    "sum-reduction": ("sum[i] log(sum[c] exp(z[i,c] - z[i,y[i]]))", {**CLASSES, "scale": "n"}),
    "bits": (
        "mean[i] -log(exp(z[i,y[i]]) / sum[c] exp(z[i,c])) / log(2)",
        {**CLASSES, "scale": "1/log(2)"},
    ),
    "three-classes": (
        "mean[i] (log(exp(z[i,cat]) + exp(z[i,dog]) + exp(z[i,bird])) - z[i,y[i]])",
        {
            **CLASSES,
            "sets": 'n = "i"\nclasses = { letters = "c k", elements = ["cat", "dog", "bird"] }',
        },
    ),
    "three-labels": (
        "mean[i] (log(exp(z[i,cat]) + exp(z[i,dog]) + exp(z[i,bird])) - [y[i] = cat]*z[i,cat] - "
        "[y[i] = dog]*z[i,dog] - [y[i] = bird]*z[i,bird])",
        {
            **CLASSES,
            "sets": 'n = "i"\nclasses = { letters = "c k", elements = ["cat", "dog", "bird"] }',
        },
    ),
    "two-classes": (
        "mean[i] softplus(z[i,no] - z[i,yes])",
        {
            **CLASSES,
            "sets": 'n = "i"\nclasses = { letters = "c k", elements = ["yes", "no"] }',
            "given": 'u = "real"',
            "p": 'kernel = "one-hot"\ntarget = "yes"',
        },
    ),
    "two-classes-sigmoid": (
        "mean[i] -log(sigmoid(z[i,yes] - z[i,no]))",
        {
            **CLASSES,
            "sets": 'n = "i"\nclasses = { letters = "c k", elements = ["yes", "no"] }',
            "given": 'u = "real"',
            "p": 'kernel = "one-hot"\ntarget = "yes"',
        },
    ),
    "soft-targets": (
        "mean[i] -sum[c] t[i,c] * log(exp(z[i,c]) / sum[k] exp(z[i,k]))",
        {**SOFT, "constant": "H(p)"},
    ),
    "soft-targets-kl": (
        "mean[i] sum[c] t[i,c] * (log(t[i,c]) - log(exp(z[i,c]) / sum[k] exp(z[i,k])))",
        SOFT,
    ),
    "soft-targets-linear": (
        "mean[i] (log(sum[k] exp(z[i,k])) - sum[c] t[i,c]*z[i,c])",
        {**SOFT, "constant": "H(p)"},
    ),
    "mixup": (
        (
            "mean[i] (lam * -log(exp(z[i,y[i]]) / sum[c] exp(z[i,c])) + (1-lam) * "
            "-log(exp(z[i,y2[i]]) / sum[c] exp(z[i,c])))"
        ),
        with_given(
            CLASSES,
            'y2 = "label[i]"\nlam = "probability"',
            constant="H(p)",
            p=f'kernel = "formula"\nformula = "{MIXED}"',
        ),
    ),
    "smoothed-infonce": (
        (
            "mean[i] -((1-epsilon)*log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k])) + "
            "epsilon/(n-1) * sum[j != i] log(exp(s[i,j]) / sum[k != i] exp(s[i,k])))"
        ),
        with_given(
            SCORES,
            'epsilon = "probability"',
            constant="H(p)",
            p='kernel = "smoothed"\ntarget = "pos[i]"\nepsilon = "epsilon"',
        ),
    ),
    "logit-adjusted": (
        "mean[i] -log(prior[y[i]]^tau * exp(z[i,y[i]]) / sum[c] prior[c]^tau * exp(z[i,c]))",
        with_given(
            CLASSES,
            'prior = "positive[c]"\ntau = "real"',
            q='kernel = "logit"\nlogit = "z[i,c] + tau*log(prior[c])"',
        ),
    ),
    "margin": (
        (
            "mean[i] -log(exp(g*(z[i,y[i]] - m)) / (exp(g*(z[i,y[i]] - m)) + sum[c != y[i]] "
            "exp(g*z[i,c])))"
        ),
        with_given(
            CLASSES,
            'm = "nonnegative"\ng = "positive"',
            q='kernel = "logit"\nlogit = "g*(z[i,c] - m*[c = y[i]])"',
        ),
    ),
    "margin-by-difference": (
        "mean[i] log(1 + sum[c != y[i]] exp(g*(z[i,c] - z[i,y[i]] + m)))",
        with_given(
            CLASSES,
            'm = "nonnegative"\ng = "positive"',
            q='kernel = "logit"\nlogit = "g*(z[i,c] - m*[c = y[i]])"',
        ),
    ),
    "class-balanced": (
        "sum[i] w[y[i]] * -log(exp(z[i,y[i]]) / sum[c] exp(z[i,c])) / sum[i] w[y[i]]",
        with_given(
            CLASSES,
            'w = "positive[c]"',
            icon='anchors = "i"\nneighbours = "c"\nweights = "w[y[i]] / sum[j] w[y[j]]"',
            sets='n = "i j"\nclasses = "c k"',
        ),
    ),
    "partner-by-inequality": (
        f"mean[i] ({DOT_ROW} - z[i].z[pos[i]]/tau)",
        {**VIEWS, "assumes": '"the partner is another view" = "pos[i] != i"'},
    ),
    "nt-xent-dot": (f"mean[i] ({DOT_ROW} - z[i].z[pos[i]]/tau)", VIEWS),
    "n-pair": (
        "mean[i] log(1 + sum[k : k != i and k != pos[i]] exp(s[i,k] - s[i,pos[i]]))",
        SCORES,
    ),
    "shifted-by-a-row": (
        "mean[i] (log(sum[k != i] exp(s[i,k] - b[i])) + b[i] - s[i,pos[i]])",
        with_given(SCORES, 'b = "real[i]"'),
    ),
    "shifted-by-the-largest": (
        (
            "mean[i] (log(sum[k != i] exp(s[i,k] - max[l != i] s[i,l])) + (max[l != i] s[i,l]) - "
            "s[i,pos[i]])"
        ),
        SCORES,
    ),
    "two-temperatures": (
        (
            "mean[i] -log(exp(z[i].z[pos[i]]/tau + z[i].z[pos[i]]/u) / sum[k != i] "
            "exp(z[i].z[k]/tau)*exp(z[i].z[k]/u))"
        ),
        with_given(
            VIEWS,
            'u = "positive"',
            q='kernel = "dot"\nembedding = "z"\ntemperature = "1/(1/tau + 1/u)"',
        ),
    ),
    "two-temperatures-product": (
        (
            "mean[i] -log(exp(z[i].z[pos[i]]/tau + z[i].z[pos[i]]/u) / sum[k != i] "
            "exp(z[i].z[k]/tau)*exp(z[i].z[k]/u))"
        ),
        with_given(
            VIEWS,
            'u = "positive"',
            q='kernel = "dot"\nembedding = "z"\ntemperature = "tau*u/(tau + u)"',
        ),
    ),
    "power-of-a-softmax": (
        "mean[i] -log(exp(s[i,pos[i]])^(1/t) / sum[k != i] exp(s[i,k])^(1/t))",
        with_given(
            SCORES, 't = "positive"', q='kernel = "logit"\nlogit = "s[i,j]"\ntemperature = "t"'
        ),
    ),
    "gaussian-on-the-sphere": (
        f"mean[i] ({DOT_ROW} - z[i].z[pos[i]]/tau)",
        with_assumed(
            VIEWS, UNIT, q='kernel = "formula"\nformula = "exp(-|z[i] - z[j]|^2/(2*tau))"'
        ),
    ),
    "gaussian-kernel-on-the-sphere": (
        f"mean[i] ({DOT_ROW} - z[i].z[pos[i]]/tau)",
        with_assumed(
            VIEWS, UNIT, q='kernel = "gaussian"\nembedding = "z"\nbandwidth = "sqrt(tau)"'
        ),
    ),
    "dot-on-the-sphere": (
        "mean[i] -log(exp(-|z[i]-z[pos[i]]|^2/(2*tau)) / sum[k != i] exp(-|z[i]-z[k]|^2/(2*tau)))",
        with_assumed(VIEWS, UNIT),
    ),
    "cosine-on-the-sphere": (
        "mean[i] -log(exp(cos(z[i],z[pos[i]])/tau) / sum[k != i] exp(cos(z[i],z[k])/tau))",
        with_assumed(VIEWS, UNIT),
    ),
    "cosine-of-scaled": (
        "mean[i] -log(exp(cos(2*z[i],z[pos[i]])/tau) / sum[k != i] exp(cos(2*z[i],z[k])/tau))",
        with_assumed(
            VIEWS,
            '"no embedding is zero" = "|z[i]|^2 > 0"',
            q='kernel = "cosine"\nembedding = "z"\ntemperature = "tau"',
        ),
    ),
    "student-any-dof": (
        (
            "mean[i] ((nu+1)/2*log(1 + |z[i]-z[pos[i]]|^2/nu) + log(sum[k != i] (1 + "
            "|z[i]-z[k]|^2/nu)^(-(nu+1)/2)))"
        ),
        {
            **VIEWS,
            "given": 'pos = "index[i] in n"\nnu = "positive"',
            "q": 'kernel = "student-t"\nembedding = "z"\ndof = "nu"',
        },
    ),
    "weighted-neighbours": (
        (
            "mean[i] -sum[j != i] W[i,j] * log(exp(s[i,j]) / sum[k != i] exp(s[i,k])) / sum[j != "
            "i] W[i,j]"
        ),
        {
            **SCORES,
            "given": 'W = "nonnegative[i,j]"',
            "assumes": '"some weight in each row" = "sum[j != i] W[i,j] > 0"',
            "p": 'kernel = "weights"\nweights = "W[i,j]"',
            "constant": "H(p)",
        },
    ),
    "supcon-mean": (
        "mean[i] mean[j : j != i and y[j] = y[i]] -log(exp(s[i,j]) / sum[k != i] exp(s[i,k]))",
        {
            **SCORES,
            "given": 'y = "label[i]"',
            "assumes": '"a positive each" = "size[j : j != i and y[j] = y[i]] > 0"',
            "p": 'kernel = "same-label"\nlabels = "y"',
            "constant": "H(p)",
        },
    ),
    "joint": (
        "-log(exp(s[a,b]) / sum[i,j : i != j] exp(s[i,j]))",
        {
            **SCORES,
            "given": 'a = "index in n"\nb = "index in n"',
            "assumes": '"two places" = "[a = b] = 0"',
            "icon": 'normalise = "joint"',
            "p": 'kernel = "formula"\nformula = "[i = a]*[j = b]"',
        },
    ),
    "log-of-a-product": (
        "mean[i] -log(exp(s[i,pos[i]]) * exp(b) / (exp(b) * sum[k != i] exp(s[i,k])))",
        with_given(SCORES, 'b = "real"'),
    ),
    "nested-sigmoid": (
        "mean[i] log(1 + exp(-z[i,yes] + z[i,no]))",
        {
            **CLASSES,
            "sets": 'n = "i"\nclasses = { letters = "c k", elements = ["yes", "no"] }',
            "given": 'u = "real"',
            "p": 'kernel = "one-hot"\ntarget = "yes"',
        },
    ),
    "both-classes-by-label": (
        "mean[i] (t[i]*softplus(-x[i]) + (1-t[i])*softplus(x[i]))",
        {
            "sets": 'n = "i"\nclasses = { letters = "c k", elements = ["yes", "no"] }',
            "learned": 'x = "real[i]"',
            "given": 't = "probability[i]"',
            "icon": 'anchors = "i"\nneighbours = "c"',
            "constant": "H(p)",
            "p": 'kernel = "formula"\nformula = "t[i]*[c = yes] + (1-t[i])*[c = no]"',
            "q": 'kernel = "logit"\nlogit = "x[i]*[c = yes]"',
        },
    ),
    "normalised-vectors": (
        (
            "mean[i] -log(exp((z[i]/|z[i]|).(z[pos[i]]/|z[pos[i]]|)/tau) / sum[k != i] "
            "exp((z[i]/|z[i]|).(z[k]/|z[k]|)/tau))"
        ),
        with_assumed(
            VIEWS,
            '"no embedding is zero" = "|z[i]|^2 > 0"',
            q='kernel = "cosine"\nembedding = "z"\ntemperature = "tau"',
        ),
    ),
    "distance-of-normalised": (
        (
            "mean[i] -log(exp(-|z[i]/|z[i]| - z[pos[i]]/|z[pos[i]]||^2/(2*tau)) / sum[k != i] "
            "exp(-|z[i]/|z[i]| - z[k]/|z[k]||^2/(2*tau)))"
        ),
        with_assumed(
            VIEWS,
            '"no embedding is zero" = "|z[i]|^2 > 0"',
            q='kernel = "cosine"\nembedding = "z"\ntemperature = "tau"',
        ),
    ),
    "distance-to-cosine-on-sphere": (
        "mean[i] -log(exp(-|z[i]-z[pos[i]]|^2/tau) / sum[k != i] exp(-|z[i]-z[k]|^2/tau))",
        with_assumed(VIEWS, UNIT, q='kernel = "cosine"\nembedding = "z"\ntemperature = "tau/2"'),
    ),
    "squared-exp": (
        "mean[i] -log(exp(s[i,pos[i]])^2 / sum[k != i] exp(s[i,k])^2)",
        {**SCORES, "q": 'kernel = "logit"\nlogit = "s[i,j]"\ntemperature = "1/2"'},
    ),
    "symmetric-scores": (
        (
            "mean[i] -(1/2*log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k])) + "
            "1/2*log(exp(s[pos[i],i]) / sum[k != i] exp(s[k,i])))"
        ),
        with_assumed(SCORES, '"symmetric" = "s[i,j] = s[j,i]"'),
    ),
    "knn": (
        (
            "mean[i] -1/size[j : j != i and knn[i,j]] * sum[j : j != i and knn[i,j]] "
            "log(exp(s[i,j]) / sum[k != i] exp(s[i,k]))"
        ),
        {
            **SCORES,
            "given": 'knn = "mask[i,j]"',
            "assumes": '"a neighbour each" = "size[j : j != i and knn[i,j]] > 0"',
            "p": 'kernel = "uniform"\nover = "knn[i,j]"',
            "constant": "H(p)",
        },
    ),
    "knn-degree": (
        "mean[i] -1/K * sum[j : j != i and knn[i,j]] log(exp(s[i,j]) / sum[k != i] exp(s[i,k]))",
        {
            **SCORES,
            "given": 'knn = "mask[i,j]"\nK = "positive"',
            "assumes": '"K neighbours each" = "size[j : j != i and knn[i,j]] = K"',
            "p": 'kernel = "uniform"\nover = "knn[i,j]"',
            "constant": "log(K)",
        },
    ),
    "inverse-power": (
        "mean[i] (alpha/2*log(|z[i]-z[pos[i]]|^2) + log(sum[k != i] |z[i]-z[k]|^(-alpha)))",
        {
            **VIEWS,
            "given": 'pos = "index[i] in n"\nalpha = "positive"',
            "assumes": VIEWS["assumes"] + '\n"distinct" = "|z[i]-z[j]|^2 + [i = j] > 0"',
            "q": 'kernel = "inverse-power"\nembedding = "z"\npower = "alpha"',
        },
    ),
    "log-of-sigmoid-pairs": (
        "mean[i,j] -(t[i,j]*log(sigmoid(x[i,j])) + (1-t[i,j])*log(1 - sigmoid(x[i,j])))",
        {
            "sets": 'n = "i j"\nside = { letters = "c", elements = ["yes","no"] }',
            "learned": 'x = "real[i,j]"',
            "given": 't = "probability[i,j]"',
            "icon": 'anchors = "i, j"\nneighbours = "c"',
            "constant": "H(p)",
            "p": 'kernel = "formula"\nformula = "t[i,j]*[c = yes] + (1-t[i,j])*[c = no]"',
            "q": 'kernel = "logit"\nlogit = "x[i,j]*[c = yes]"',
        },
    ),
    "learned-temperature": (
        "mean[i] -log(exp(exp(u)*s[i,pos[i]]) / sum[k != i] exp(exp(u)*s[i,k]))",
        {
            **SCORES,
            "learned": 's = "real[i,j]"\nu = "real"',
            "q": 'kernel = "logit"\nlogit = "exp(u)*s[i,j]"',
        },
    ),
    "two-crops": (
        (
            "1/2*(mean[i] -log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k])) + mean[i] "
            "-log(exp(s[i,pos[i]]) / sum[k != i] exp(s[i,k])))"
        ),
        SCORES,
    ),
    "sum-over-mask-pairs": (
        "-1/n*sum[i,j : j = pos[i]] log(exp(s[i,j]) / sum[k : k != i] exp(s[i,k]))",
        SCORES,
    ),
    "one-hot-matrix": (
        "mean[i] -sum[j != i] [j = pos[i]] * (s[i,j] - log(sum[k != i] exp(s[i,k])))",
        SCORES,
    ),
    "targets-that-sum-to-one": (
        "mean[i] -sum[c] t[i,c] * log(exp(z[i,c]) / sum[k] exp(z[i,k]))",
        {
            **CLASSES,
            "given": 't = "nonnegative[i,c]"',
            "assumes": '"rows sum to one" = "sum[c] t[i,c] = 1"',
            "p": 'kernel = "formula"\nformula = "t[i,c]"',
            "constant": "H(p)",
        },
    ),
    "teacher-with-centre": (
        (
            "mean[i] -sum[c] (exp((v[i,c]-m[c])/T) / sum[k] exp((v[i,k]-m[k])/T)) * "
            "log(exp(z[i,c]/tau) / sum[k] exp(z[i,k]/tau))"
        ),
        {
            **CLASSES,
            "given": 'v = "real[i,c]"\nm = "real[c]"\nT = "positive"\ntau = "positive"',
            "p": 'kernel = "softmax"\nlogits = "v[i,c]-m[c]"\ntemperature = "T"',
            "q": 'kernel = "logit"\nlogit = "z[i,c]"\ntemperature = "tau"',
            "constant": "H(p)",
        },
    ),
    "proxy-nca": (
        "mean[i] -log(exp(-|x[i]-w[y[i]]|^2) / sum[c] exp(-|x[i]-w[c]|^2))",
        {
            **CLASSES,
            "learned": 'x = "vector[i]"\nw = "vector[c]"',
            "q": 'kernel = "gaussian"\nembedding = "x"\nkeys = "w"',
        },
    ),
    "proxy-nca-expanded": (
        "mean[i] (log(sum[c] exp(2*x[i].w[c] - |w[c]|^2)) - 2*x[i].w[y[i]] + |w[y[i]]|^2)",
        {
            **CLASSES,
            "learned": 'x = "vector[i]"\nw = "vector[c]"',
            "q": 'kernel = "gaussian"\nembedding = "x"\nkeys = "w"',
        },
    ),
    "polynomial-kernel": (
        "mean[i] -log((1 + s[i,pos[i]]^2)^2 / sum[k != i] (1 + s[i,k]^2)^2)",
        {**SCORES, "q": 'kernel = "formula"\nformula = "(1 + s[i,j]^2)^2"'},
    ),
    "polynomial-kernel-expanded": (
        "mean[i] -log((1 + 2*s[i,pos[i]]^2 + s[i,pos[i]]^4) / sum[k != i] (1 + s[i,k]^2)^2)",
        {**SCORES, "q": 'kernel = "formula"\nformula = "(1 + s[i,j]^2)^2"'},
    ),
}
