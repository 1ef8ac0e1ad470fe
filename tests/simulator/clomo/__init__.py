# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CLOMO PANEL under /clomo/panel/DOMAIN: what its administrators see and press in a browser, for the annual renewal."""

from __future__ import annotations

from starlette.routing import Route

from . import acts, entry, screens
from .customers import customer, described, take_over

__all__ = ["customer", "described", "routes", "take_over"]


def routes() -> list[Route]:
    return [*screens.routes(), *acts.routes(), *entry.routes()]
