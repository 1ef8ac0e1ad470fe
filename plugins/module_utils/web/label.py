# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a person reads on a page and acts on: the shape of every entry in a table of labels."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Label"]


@dataclass(frozen=True)
class Label:
    """One thing on a screen.

    screen: how people call the screen. role: what it is to the eye: press (button, link, tab, menu entry), button
    (one of the first three, found sooner on a page with many cells), caption (has
    a value beside it), field (takes text), file (takes a file), choice (a list to choose from), tick (a box to tick),
    window (a text that tells a window), notice (a message that comes and goes), list (the name of a list or table), column
    (the head of a table's column), row (what an entry of a list says).
    texts: the whole text, one of these; … stands for any text. Full-width brackets and colons count as plain ones.
    """

    screen: str
    role: str
    texts: tuple[str, ...]
