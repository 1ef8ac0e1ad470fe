# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Sphinx builds the site from docs/: our pages in Markdown, and collections/, which antsibull-docs writes beside them.

The gate docsite does both. What leads out of docs/ leads to the repository on the site.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from docutils import nodes
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parents[1]
GALAXY = yaml.safe_load((DOCS.parent / "galaxy.yml").read_text(encoding="utf-8"))
OVERVIEW = "index"
# What antsibull-docs refers to in Ansible's own documentation: looked up here, so that the build needs no network.
ANSIBLES_PAGES = {
    "ansible_configuration_settings": "reference_appendices/config.html",
    "ANSIBLE_CALLBACKS_ENABLED": "reference_appendices/config.html#envvar-ANSIBLE_CALLBACKS_ENABLED",
    "callback_plugins": "plugins/callback.html",
    "common_return_values": "reference_appendices/common_return_values.html",
}

project = f"{GALAXY['namespace']}.{GALAXY['name']}"
release = version = GALAXY["version"]
root_doc = OVERVIEW
exclude_patterns = ["docsite/*"]

extensions = ["myst_parser", "sphinx_antsibull_ext"]
myst_heading_anchors = 4
nitpicky = True

html_theme = "sphinx_ansible_theme"
html_short_title = project
html_copy_source = False
html_show_copyright = False
pygments_style = "ansible"


def pages() -> list[str]:
    """Our pages in the order in which the overview names them."""
    text = (DOCS / f"{OVERVIEW}.md").read_text(encoding="utf-8")
    linked = re.findall(r"\]\(([\w.-]+)\.md\)", text)
    others = sorted(path.stem for path in DOCS.glob("*.md") if path.stem != OVERVIEW)
    return list(dict.fromkeys([*linked, *others]))


def contents() -> str:
    """The table of contents beside each page, which the overview lacks because it is plain Markdown."""
    parts = {
        "Guides": [page for page in pages() if not page.endswith(".ja")],
        "日本語": [page for page in pages() if page.endswith(".ja")],
        "Modules, roles, filters": ["collections/index"],
    }
    return "".join(
        "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *names, "```", ""])
        for caption, names in parts.items()
    )


def adapt(_app: Sphinx, page: str, source: list[str]) -> None:
    """Called by Sphinx with each page that it has read."""
    source[0] = re.sub(r"\]\(\.\./", f"]({GALAXY['repository']}/blob/main/", source[0])
    if page == OVERVIEW:
        source[0] += contents()


def refer_to_ansible(
    _app: Sphinx, _environment: object, node: nodes.Element, text: nodes.TextElement
) -> nodes.Node | None:
    """Called by Sphinx with each reference to what the site does not have; None leaves it a warning."""
    page = ANSIBLES_PAGES.get(node["reftarget"])
    if page is None:
        return None
    return nodes.reference("", "", text, internal=False, refuri=f"https://docs.ansible.com/ansible/latest/{page}")


def setup(app: Sphinx) -> None:
    app.connect("source-read", adapt)
    app.connect("missing-reference", refer_to_ansible)
    app.add_lexer("mermaid", TextLexer)
