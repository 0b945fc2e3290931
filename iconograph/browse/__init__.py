"""`iconograph browse`: gathers what the pages of the site show, and writes or serves them.

`world.py` reads the catalog and judges it, with `entries.py` for one entry and `cache.py` for what
is known already; `pages/` makes pages of that, a module each; `build.py` puts them together. How a
page is added is said in `codegen/site/__init__.py`.
"""
