# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the embedded nano servers share: Go's ways of saying no, and Basic authentication."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from .state import Tenant
from .world import World, world_of

Show = Callable[[World, Tenant, Request], Awaitable[Response]]


def tabbed_json(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data, indent="\t") + "\n", status, media_type="application/json")


def compact_json(data: Any, status: int = 200) -> Response:
    return Response(json.dumps(data, separators=(",", ":")) + "\n", status, media_type="application/json")


def plain(text: str, status: int) -> Response:
    return PlainTextResponse(text + "\n", status, headers={"X-Content-Type-Options": "nosniff"})


def not_found() -> Response:
    return plain("404 page not found", 404)


def password_fits(request: Request, user: str, password: str) -> bool:
    scheme, _space, text = request.headers.get("authorization", "").partition(" ")
    try:
        given = base64.b64decode(text, validate=True).decode()
    except (binascii.Error, ValueError):
        return False
    return scheme.lower() == "basic" and hmac.compare_digest(given.encode(), f"{user}:{password}".encode())


def basic(user: str, realm: str, key: Callable[[Tenant], str], show: Show) -> Callable[[Request], Awaitable[Response]]:
    """show for whoever knows the tenant's key."""

    async def guarded(request: Request) -> Response:
        world = world_of(request)
        tenant = world.state.tenants.get(request.path_params["tenant"])
        if tenant is None:
            return not_found()
        if not password_fits(request, user, key(tenant)):
            refused = plain("Unauthorized", 401)
            refused.headers["Www-Authenticate"] = f'Basic realm="{realm}"'
            return refused
        return await show(world, tenant, request)

    return guarded


async def version(request: Request) -> Response:
    return Response('{"version":"unknown"}', media_type="application/json")
