# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""All services as one application, and the page that tells a person where to click."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from . import ade, apps_and_books, business, clomo, control, mdmcert, nanodep, nanomdm, portal, school_api
from .apple_names import AppleNames
from .pages import escaped, page, refusal, table
from .tenants import Wish, make
from .traffic import Traffic
from .world import World, iso, world_of

SERVICES = (portal, business, ade, apps_and_books, nanomdm, nanodep, mdmcert, school_api, clomo, control)


FORM = """<h2>New tenant</h2><form method="post" action="/">
<label>Name <input name="name" pattern="[A-Za-z0-9_-]+" required></label>
<label>Days left of the push certificate <input name="push_days_left" type="number" value="20"></label>
<label>of the server token <input name="server_token_days_left" type="number" value="20"></label>
<label>of the content token <input name="content_token_days_left" type="number" value="20"></label>
<label>MDM server <select name="mdm"><option value="nanomdm">NanoMDM</option><option value="clomo">CLOMO PANEL</option>
</select></label><button>Make it</button></form>"""


async def home(request: Request) -> Response:
    world = world_of(request)
    if request.method == "POST":
        return await new_tenant(request)
    rows = []
    for tenant in world.state.tenants.values():
        account, base = world.state.accounts[tenant.account], f"{world.url}/t/{tenant.name}"
        cells = [tenant.name, account.name, account.password, account.code]
        cells += [f"{base}/nanomdm", tenant.nanomdm.api_key, f"{base}/nanodep", tenant.nanodep.api_key]
        more = f'<a href="/_control/tenants/{tenant.name}">all of it</a>'
        rows.append([*(escaped(cell) for cell in cells), more])
    headings = ["Tenant", "Apple Account", "Password", "Code", "NanoMDM", "API key", "NanoDEP", "API key", ""]
    customers = [tenant.clomo for tenant in world.state.tenants.values() if tenant.clomo]
    panels = [
        [
            f'<a href="/clomo/panel/{escaped(one.domain)}/login">CLOMO PANEL</a>',
            escaped(one.account),
            escaped(one.password),
        ]
        for one in customers
    ]
    return page(
        "Simulated world",
        '<ul><li><a href="/pushcert/">Push certificates portal</a></li>'
        '<li><a href="/business/">Token pages</a></li><li><a href="/mail">Mail</a></li></ul>'
        f"{table(headings, rows)}{table(['Panel', 'Account', 'Password'], panels) if panels else ''}{FORM}"
        f"<p>Clock: {iso(world.now())}. APNs: {escaped(world.apns.get('url', ''))}</p>",
    )


async def new_tenant(request: Request) -> Response:
    world, form = world_of(request), await request.form()
    name = str(form.get("name", ""))
    try:
        days: dict[str, Any] = {key: int(str(value)) for key, value in form.items() if key.endswith("_days_left")}
        wish = Wish(name, mdm=str(form.get("mdm", "nanomdm")), **days)
    except (TypeError, ValueError):
        return refusal("New tenant", "The days left have to be whole numbers.", "/")
    if not re.fullmatch(r"[A-Za-z0-9_-]+", name) or name in world.state.tenants:
        return refusal("New tenant", "This name is taken or not of letters, digits, - and _.", "/")
    make(world, wish)
    return RedirectResponse("/", status_code=303)


def application(world: World) -> Starlette:
    routes = [Route("/", home, methods=["GET", "POST"]), *(route for service in SERVICES for route in service.routes())]

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        for tenant in world.state.tenants.values():
            if tenant.clomo:
                clomo.resume(world, tenant, tenant.clomo)
        running = asyncio.create_task(world.run())
        yield
        running.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await running
        world.write()

    middleware = [Middleware(AppleNames), Middleware(Traffic, world=world)]
    app = Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
    app.state.world = world
    return app
