# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The way into the panel: login, authentication code, sessions, maintenance, and the page that JavaScript fills."""

from __future__ import annotations

import base64
import datetime
import hashlib
import hmac
import re
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ..pages import escaped
from ..state import Clomo, Tenant
from ..world import PanelSession, World, token, world_of
from . import colleagues, commands
from .customers import PREFIX
from .texts import words

COOKIE = "clomo_session"
STATIC = Path(__file__).parent / "static"
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}
SCREEN_PATHS = ("home", "mobile_devices", "users", "applications", "reports", "settings")
SCRIPTS = ("ext", "grid", "parts", "devices", "commands", "people", "reports", "panel")
TOTP_SECONDS = 30
NOTE = '<p class="simulator">Simulator of nendo.apple_mdm</p>'
Show = Callable[[Request, World, Tenant, Clomo, PanelSession], Awaitable[Response]]


def html(tenant: Tenant, body: str, status: int = 200, head: str = "") -> HTMLResponse:
    lang = "ja" if tenant.switches.clomo_language == "Japanese" else "en"
    return HTMLResponse(
        f'<!DOCTYPE html><html lang="{lang}"><head><meta charset="utf-8"><title>CLOMO PANEL</title>'
        f'<link rel="icon" href="data:,"><link rel="stylesheet" href="{PREFIX}/static/panel.css">{head}</head>{body}</html>',
        status_code=status,
        headers={"Cache-Control": "no-store"},
    )


def entrance(tenant: Tenant, clomo: Clomo, form: str, error: str = "") -> Response:
    text = words(tenant.switches)
    said = f'<p class="error">{escaped(error)}</p>' if error else ""
    return html(
        tenant,
        '<body class="entrance"><div class="entrance-box"><h1>CLOMO PANEL</h1>'
        f'<p class="entrance-domain">{escaped(text["domain"])}: {escaped(clomo.domain)}</p>{said}{form}{NOTE}</div></body>',
    )


def login_form(tenant: Tenant, clomo: Clomo, error: str = "") -> Response:
    text = {name: escaped(one) for name, one in words(tenant.switches).items()}
    form = (
        f'<form method="post" action="{PREFIX}/panel/{escaped(clomo.domain)}/login">'
        f'<label for="login">{text["account"]}</label><input type="text" id="login" name="login">'
        f'<label for="password">{text["password"]}</label><input type="password" id="password" name="password">'
        f'<input type="submit" class="blackButton" value="{text["login"]}"></form>'
    )
    return entrance(tenant, clomo, form, error)


def code_form(tenant: Tenant, clomo: Clomo, error: str = "") -> Response:
    text = {name: escaped(one) for name, one in words(tenant.switches).items()}
    form = (
        f'<form method="post" action="{PREFIX}/panel/{escaped(clomo.domain)}/login/code">'
        f'<label for="code">{text["code"]}</label>'
        '<input type="text" id="code" name="code" inputmode="numeric" autocomplete="one-time-code">'
        f'<input type="submit" class="blackButton" value="{text["login"]}"></form>'
    )
    return entrance(tenant, clomo, form, error)


def totp(secret: str, at: datetime.datetime) -> str:
    """RFC 6238 with SHA-1, six digits, half a minute."""
    counter = int(at.timestamp()) // TOTP_SECONDS
    digest = hmac.digest(base64.b32decode(secret), counter.to_bytes(8, "big"), hashlib.sha1)
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06}"


def code_fits(world: World, secret: str, given: str) -> bool:
    """By the world's clock or the real one, since the authenticator does not know of the world's; a step of tolerance."""
    clocks = (world.now(), datetime.datetime.now(datetime.timezone.utc))
    steps = [datetime.timedelta(seconds=TOTP_SECONDS * step) for step in (-1, 0, 1)]
    return given.strip() in {totp(secret, clock + step) for clock in clocks for step in steps}


def session_of(request: Request, world: World, tenant: Tenant) -> PanelSession | None:
    """The browser's session unless it belongs to another customer or was idle too long."""
    session = world.memory.panel_sessions.get(request.cookies.get(COOKIE, ""))
    if session is None or session.tenant != tenant.name:
        return None
    idle = world.now() - session.last_use
    return session if idle < datetime.timedelta(seconds=tenant.switches.clomo_session_seconds) else None


def end_session_by_switch(request: Request, world: World, tenant: Tenant) -> None:
    pattern = tenant.switches.clomo_session_ends_at
    if pattern and re.search(pattern, request.url.path):
        world.memory.panel_sessions.pop(request.cookies.get(COOKIE, ""), None)
        tenant.switches.clomo_session_ends_at = ""
        world.save()


def maintenance(tenant: Tenant) -> Response:
    text = words(tenant.switches)
    body = f"<h1>{escaped(text['maintenance'])}</h1><p>{escaped(text['maintenance_text'])}</p>"
    body = f'<body class="entrance"><div class="entrance-box">{body}</div></body>'
    return html(tenant, body, 503)


Open = Callable[[Request, World, Tenant, Clomo], Awaitable[Response]]


def customer_only(show: Open) -> Callable[[Request], Awaitable[Response]]:
    """show for a domain that exists and is not under maintenance."""

    async def guarded(request: Request) -> Response:
        world = world_of(request)
        tenant = world.tenant_of_panel(request.path_params["domain"])
        if tenant is None or tenant.clomo is None:
            return Response("Not Found", 404, media_type="text/plain")
        if tenant.switches.clomo_maintenance:
            return maintenance(tenant)
        return await show(request, world, tenant, tenant.clomo)

    return guarded


def signed_in_only(show: Show, *, page: bool = False) -> Callable[[Request], Awaitable[Response]]:
    """Without a session pages go to the login and data are answered 401."""

    async def guarded(request: Request, world: World, tenant: Tenant, clomo: Clomo) -> Response:
        end_session_by_switch(request, world, tenant)
        session = session_of(request, world, tenant)
        if session is None or not session.complete:
            login = f"{PREFIX}/panel/{clomo.domain}/login"
            return RedirectResponse(login, 303) if page else JSONResponse({"login": login}, 401)
        session.last_use = world.now()
        colleagues.work(world, tenant, clomo, request.url.path)
        commands.issue_daily(world, tenant, clomo)
        return await show(request, world, tenant, clomo, session)

    return customer_only(guarded)


def home_of(clomo: Clomo) -> Response:
    return RedirectResponse(f"{PREFIX}/panel/{clomo.domain}/home", 303)


async def login(request: Request, world: World, tenant: Tenant, clomo: Clomo) -> Response:
    if request.method == "GET":
        session = session_of(request, world, tenant)
        return home_of(clomo) if session and session.complete else login_form(tenant, clomo)
    form = await request.form()
    if (str(form.get("login", "")).strip(), form.get("password")) != (clomo.account, clomo.password):
        return login_form(tenant, clomo, words(tenant.switches)["bad_login"])
    name = token()
    world.memory.panel_sessions[name] = PanelSession(tenant.name, clomo.totp_secret is None, world.now())
    answer = code_form(tenant, clomo) if clomo.totp_secret else home_of(clomo)
    answer.set_cookie(COOKIE, name, path=f"{PREFIX}/panel/{clomo.domain}", httponly=True, samesite="lax")
    return answer


async def code(request: Request, world: World, tenant: Tenant, clomo: Clomo) -> Response:
    session = session_of(request, world, tenant)
    if session is None or clomo.totp_secret is None:
        return login_form(tenant, clomo)
    if not code_fits(world, clomo.totp_secret, str((await request.form()).get("code", ""))):
        return code_form(tenant, clomo, words(tenant.switches)["bad_code"])
    session.complete = True
    return home_of(clomo)


async def logout(request: Request, world: World, tenant: Tenant, clomo: Clomo) -> Response:
    world.memory.panel_sessions.pop(request.cookies.get(COOKIE, ""), None)
    return RedirectResponse(f"{PREFIX}/panel/{clomo.domain}/login", 303)


async def shell(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    scripts = "".join(f'<script defer src="{PREFIX}/static/{name}.js"></script>' for name in SCRIPTS)
    base = escaped(f"{PREFIX}/panel/{clomo.domain}")
    return html(tenant, f'<body data-base="{base}"></body>', head=scripts)


async def to_home(request: Request, world: World, tenant: Tenant, clomo: Clomo, session: PanelSession) -> Response:
    return home_of(clomo)


async def static(request: Request) -> Response:
    path = STATIC / request.path_params["name"]
    if path.suffix not in MEDIA_TYPES or not path.exists():
        return Response(status_code=404)
    return Response(path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])


def routes() -> list[Route]:
    panel = f"{PREFIX}/panel/{{domain}}"
    return [
        Route(f"{PREFIX}/static/{{name}}", static),
        Route(f"{panel}/login", customer_only(login), methods=["GET", "POST"]),
        Route(f"{panel}/login/code", customer_only(code), methods=["POST"]),
        Route(f"{panel}/logout", customer_only(logout)),
        Route(panel, signed_in_only(to_home, page=True)),
        Route(f"{panel}/", signed_in_only(to_home, page=True)),
        *(Route(f"{panel}/{name}", signed_in_only(shell, page=True)) for name in SCREEN_PATHS),
    ]
