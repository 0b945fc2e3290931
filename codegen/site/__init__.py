"""The text of the browser: a static site of pages that open from disk, without a network.

Floor 3 writes text and gathers nothing: a `Page` (pages.py) names a template of `templates/` and
the frozen data that it shows, `render` (render.py) makes the bytes of a whole site of them.
`iconograph/browse` gathers the data.

**To add a page**, write two files; nothing else is to be changed:

1. `iconograph/browse/pages/NAME.py` with `def pages(world: World) -> Iterable[Page | File]`. A
   module of that folder is found by listing it. It may yield several pages, and files beside them,
   such as data for a script. A `Page` with a `nav` text stands in the bar at the top, in the order
   of `order`. A page that has nothing to say in a catalog (no gaps, no errata) is not yielded, and
   nothing links to it then.
2. `codegen/site/templates/NAME.html.jinja`, which extends `base.html.jinja` and fills `content`.
   It is autoescaped, and an undefined name is an error. Besides `page` and the names of
   `page.content` it has what `render.py` lists: `href(path)` (relative to the page; raises for a
   page or file that is not there), `has(path)`, and the macros of `_parts.html.jinja`: `link`,
   `entry`, `badge`, `field`, `formula`. `link` to a page that is not there shows its text only.
   The filter `program` is for code, `inline_json` for data in a page.

Where things are (`addresses.py`), so that pages can point at each other before both exist: a
method at `methods/ID.html`, kernels at `kernels.html#p-NAME` and `#q-NAME`, divergences at
`kernels.html#d-NAME`, rules and axioms at `rules.html#rule-NAME` and `#axiom-NAME`, gaps at
`gaps.html#gap-ID`. Only a page whose `Page.path` is given exists; fragments are for its author to
keep.

The graph is a `Net` (net.py), of which `picture` (picture.py) draws a node and what is around it,
for its own page and for that of every entry; `assets/graph.js` draws by the same rules.

The whole site is to stay below 15 MB, a page below 60 kB and all scripts below 25 kB (gzipped), so
what every entry has is kept short: one program of several, the last steps of a proof, large
formulas as text. A kilobyte on the page of an entry is 0.4 MB of the site.

Scripts are classic ones in `assets/`, each a few kB, named in `Page.scripts`; `site.js` and
`site.css` are on every page. Nothing may need a script in order to be read.
"""
