"""How Sphinx builds these pages: `sphinx-build -W docs build/docs`, from the root of the checkout.

Nothing is fetched: no fonts, no scripts, no inventories of other projects. The examples are shown
and not run, unless the build is asked to (`-D plot_gallery=1`, a few minutes) and torch is there.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent
sys.path[:0] = [str(ROOT), str(HERE / "extensions")]

from quick_run import AsFile, QuickRun  # noqa: E402

import iconograph  # noqa: E402

project = "iconograph"
author = "The iconograph authors"
release = version = iconograph.__version__
copyright = "the iconograph authors, MIT licence"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "command_help",  # docs/extensions, as the next one
    "house_docstrings",
]
exclude_patterns = ["examples.rst", "gallery/**/*.ipynb", "gallery/**/*.py"]
default_role = "code"  # docstrings say `name` as Markdown does

myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence", "deflist"]

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_mock_imports = ["torch"]  # the same pages with torch and without it
python_use_unqualified_type_names = True

# sphinx-gallery wants a folder of scripts with a header; links, so that a script finds its root
SCRIPTS = {"tsne_digits.py", "supcon_digits.py", "own_loss/run.py"}
STAGED = ROOT / "build" / "gallery"
STAGED.mkdir(parents=True, exist_ok=True)
(STAGED / "GALLERY_HEADER.rst").write_text((HERE / "examples.rst").read_text())
for script in SCRIPTS:
    link = STAGED / script.replace("/run.py", ".py")
    link.unlink(missing_ok=True)
    link.symlink_to(ROOT / "examples" / script)

runnable = all(find_spec(name) for name in ("torch", "sklearn", "matplotlib"))
sphinx_gallery_conf = {
    "examples_dirs": [str(STAGED)],
    "gallery_dirs": ["gallery"],
    "filename_pattern": r"\.py$" if runnable else r"(?!)",
    "plot_gallery": "False",
    "reset_argv": QuickRun(),
    "reset_modules": (AsFile(),),
    "image_scrapers": (),
    "download_all_examples": False,
    "write_computation_times": False,
    "show_signature": False,
    "remove_config_comments": True,
}

html_theme = "furo"
html_title = f"iconograph {release}"
html_static_path = ["_static"]
html_css_files = ["house.css"]
html_show_sourcelink = False
html_show_sphinx = False
