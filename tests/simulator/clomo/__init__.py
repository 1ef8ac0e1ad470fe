# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CLOMO PANEL under /clomo/panel/DOMAIN: what its administrators see and press in a browser, for the annual renewal and
graduation."""

from __future__ import annotations

from starlette.routing import Route

from ..state import Clomo, Tenant
from ..world import World
from . import acts, commands, device_acts, devices, entry, exchange, people, screens
from .customers import customer, described, take_over
from .stock import furnish

__all__ = ["customer", "described", "furnish", "resume", "routes", "take_over"]

PARTS = (screens, acts, devices, device_acts, people, exchange, entry)


def resume(world: World, tenant: Tenant, clomo: Clomo) -> None:
    """What was under way when the world stopped, goes on."""
    commands.resume(world, tenant, clomo)
    acts.resume(world, tenant, clomo)


def routes() -> list[Route]:
    return [route for part in PARTS for route in part.routes()]
