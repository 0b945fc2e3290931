"""Where things stand on the site: paths from its root, with a fragment where several share a page.

>>> method("supcon"), kernel("p", "one-hot"), rule("axiom", "log_mul")
('methods/supcon.html', 'kernels.html#p-one-hot', 'rules.html#axiom-log_mul')
"""

from __future__ import annotations

import posixpath
from urllib.parse import quote

HOME = "index.html"
KERNELS, RULES, GAPS, GRAPH = "kernels.html", "rules.html", "gaps.html", "graph.html"
COMPARE, IMPLEMENTATIONS = "compare.html", "implementations.html"
NUMERICS = "numerics.html"


def method(id: str) -> str:
    """The page of an entry; ids are lower case letters, digits and hyphens."""
    return f"methods/{id}.html"


def kernel(part: str, name: str) -> str:
    """A kernel of `part` p or q, or with d a divergence."""
    return f"{KERNELS}#{anchor(part, name)}"


def rule(kind: str, name: str) -> str:
    """A rule of the checker (`kind` rule) or an axiom that it knows (`kind` axiom)."""
    return f"{RULES}#{anchor(kind, name)}"


def gap(id: str) -> str:
    """A named gap."""
    return f"{GAPS}#{anchor('gap', id)}"


def implementation(id: str) -> str:
    """A function of a library, compared with an entry."""
    return f"{IMPLEMENTATIONS}#{anchor('impl', id)}"


def numerics(id: str) -> str:
    """The numerics report of an entry."""
    return f"{NUMERICS}#{anchor('num', id)}"


def anchor(*words: str) -> str:
    """The id of an element: words joined by hyphens, what no id may hold written as its code.

    >>> anchor("p", "my kernel<")
    'p-my_20kernel_3C'
    """
    return quote("-".join(words), safe="").replace("%", "_")


def relative(target: str, page: str) -> str:
    """The address of `target` as a link on `page` writes it, both from the root of the site.

    >>> relative("kernels.html#p-uniform", "methods/supcon.html")
    '../kernels.html#p-uniform'
    >>> relative("a.html#top", "a.html")
    '#top'
    """
    path, mark, fragment = target.partition("#")
    if path == page and mark:
        return f"#{fragment}"
    return posixpath.relpath(path, posixpath.dirname(page) or ".") + mark + fragment
