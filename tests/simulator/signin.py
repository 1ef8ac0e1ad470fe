# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sign-in that both portals share: account and password, then a second-factor code."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from .pages import escaped, page
from .state import Account
from .world import SignIn, token, world_of

Page = Callable[[Request, Account], Awaitable[Response]]


def sign_in_page(prefix: str, error: str = "") -> Response:
    said = f'<p class="error">{escaped(error)}</p>' if error else ""
    return page(
        "Sign in with your Apple Account",
        f'{said}<form method="post" action="{prefix}/signin">'
        '<label>Apple Account <input name="account" autocomplete="username"></label>'
        '<label>Password <input name="password" type="password"></label><button>Sign in</button></form>',
    )


def code_page(prefix: str, error: str = "") -> Response:
    said = f'<p class="error">{escaped(error)}</p>' if error else ""
    return page(
        "Two-Factor Authentication",
        f'{said}<form method="post" action="{prefix}/code">'
        '<label>Code <input name="code" inputmode="numeric"></label><button>Continue</button></form>',
    )


def signed_in_only(prefix: str, show: Page) -> Callable[[Request], Awaitable[Response]]:
    """The sign-in page, with status 200 as portals do, for whoever is not signed in."""

    async def guarded(request: Request) -> Response:
        account = world_of(request).signed_in(request)
        return await show(request, account) if account else sign_in_page(prefix)

    return guarded


def sign_in_routes(prefix: str, home: str) -> list[Route]:
    async def sign_in(request: Request) -> Response:
        if request.method == "GET":
            return sign_in_page(prefix)
        world, form = world_of(request), await request.form()
        account = world.state.accounts.get(str(form.get("account", "")).strip().lower())
        if account is None or account.password != form.get("password"):
            return sign_in_page(prefix, "Your account or password was incorrect.")
        session = token()
        world.memory.sign_ins[session] = SignIn(account.name)
        response = code_page(prefix)
        response.set_cookie("session", session, httponly=True, samesite="lax")
        return response

    async def code(request: Request) -> Response:
        world, form = world_of(request), await request.form()
        sign_in = world.memory.sign_ins.get(request.cookies.get("session", ""))
        if sign_in is None:
            return sign_in_page(prefix)
        if world.state.accounts[sign_in.account].code != str(form.get("code", "")).strip():
            return code_page(prefix, "Incorrect verification code.")
        sign_in.complete = True
        return RedirectResponse(home, status_code=303)

    async def sign_out(request: Request) -> Response:
        world_of(request).memory.sign_ins.pop(request.cookies.get("session", ""), None)
        return sign_in_page(prefix)

    return [
        Route(f"{prefix}/signin", sign_in, methods=["GET", "POST"]),
        Route(f"{prefix}/code", code, methods=["POST"]),
        Route(f"{prefix}/signout", sign_out),
    ]
