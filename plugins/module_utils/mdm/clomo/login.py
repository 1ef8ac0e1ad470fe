# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signing in to the panel: account, password and one-time code; one sign-in at a time for a tenant."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..._errors import ConfigurationError, PanelError
from ..._libraries import require
from ...web.screen import Screen

try:
    from cryptography.hazmat.primitives.hashes import SHA1
    from cryptography.hazmat.primitives.twofactor.totp import TOTP
except ImportError:
    pass

if TYPE_CHECKING:
    from ...web.browser import Browser
    from .evidence import Secrets

__all__ = ["Account", "one_time_code", "sign_in"]

STEP_SECONDS = 30
LAST_SECONDS = 2  # of a step: a code that is typed then may come too late


@dataclass(frozen=True)
class Account:
    address: str  # of the sign-in page
    name: str
    password: str = field(repr=False)
    totp_secret: str | None = field(default=None, repr=False)


def one_time_code(secret: str, now: float) -> str:
    """The code of this moment, as Google Authenticator shows it."""
    require("cryptography")
    try:
        key = base64.b32decode("".join(secret.split()).upper() + "=" * (-len("".join(secret.split())) % 8))
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError("totp_secret is not the base32 text that the panel's set-up wizard showed.") from error
    return TOTP(key, 6, SHA1(), STEP_SECONDS, enforce_key_length=False).generate(int(now)).decode()


def sign_in(
    screen: Screen, browser: Browser, account: Account, secrets: Secrets, clock: Callable[[], float] = time.time
) -> None:
    """Leaves the browser on the panel's first page, in Japanese. A session that still lives is used."""
    screen.page.goto(account.address, timeout=screen.timeout * 1000)
    if screen.first_of("tabs.home", "login.password", "login.english") != "tabs.home":
        with browser.untraced():
            _enter(screen, account, secrets, clock)
    if not screen.shows("home.push_certificate"):
        screen.press("tabs.home")
    _in_japanese(screen)
    secrets.add(*browser.cookies())
    browser.keep_session()


def _enter(screen: Screen, account: Account, secrets: Secrets, clock: Callable[[], float]) -> None:
    if not screen.shows("login.password"):
        raise _not_japanese(screen)
    screen.fill("login.account", account.name)
    screen.fill("login.password", account.password)
    before = screen.lines("login.refused")
    screen.press("login.submit")
    came = _came(screen, "login.password", "tabs.home", "login.code") if not before else "login.refused"
    if came == "login.code":
        came = _code(screen, account, secrets, clock)
    if came == "login.refused":
        raise ConfigurationError(
            f"CLOMO PANEL did not accept the account {account.name}: {' '.join(screen.lines('login.refused'))[:200]}"
            " Nothing was changed. Check username, password and totp_secret; do not try often, since panels lock accounts."
        )


def _code(screen: Screen, account: Account, secrets: Secrets, clock: Callable[[], float]) -> str:
    if not account.totp_secret:
        raise ConfigurationError(
            f"CLOMO PANEL asks {account.name} for a one-time code, and totp_secret is not given. Nothing was changed."
            " Give the secret from the panel's set-up wizard, from vault."
        )
    left = STEP_SECONDS - clock() % STEP_SECONDS
    if left < LAST_SECONDS:
        screen.page.wait_for_timeout(left * 1000)
    code = one_time_code(account.totp_secret, clock())
    secrets.add(code)
    screen.fill("login.code", code)
    screen.press("login.code_submit")
    return _came(screen, "login.code", "tabs.home")


def _came(screen: Screen, form: str, *wanted: str) -> str:
    """What came after a form was sent; login.refused also where the form just stays, whatever it says."""
    try:
        return screen.first_of("login.refused", *wanted)
    except PanelError as error:
        if error.details.get("reason") == "late" and screen.shows(form):
            return "login.refused"
        raise


def _in_japanese(screen: Screen) -> None:
    """The labels are those of the Japanese panel. Tabs are English in both languages, so HOME's own words tell."""
    try:
        screen.first_of("home.push_certificate", "home.devices", "home.content_token")
    except PanelError as error:
        if error.details.get("reason") in ("label", "late"):
            raise _not_japanese(screen) from error
        raise
    language = str(screen.page.evaluate("() => document.documentElement.lang || ''"))
    if language and not language.lower().startswith("ja"):
        raise _not_japanese(screen)


def _not_japanese(screen: Screen) -> PanelError:
    return PanelError(
        "CLOMO PANEL does not show itself in Japanese. Nothing was pressed after that. Set the account's language (言語)"
        " to Japanese in the panel, by Users/Org, the account, CLOMO アカウント, 編集.",
        screen=screen.labels["home.mdm"].screen,
        reason="language",
    )
