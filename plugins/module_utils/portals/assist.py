# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hand-off done for a person: they sign in at Apple's portal, the rest follows the order.

Nothing of a sign-in is read, kept or typed; no session is stored. What is pressed is only what belongs to the order."""

from __future__ import annotations

import contextlib
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .._errors import OtherOwner, PanelError
from ..web.browser import Browser
from ..web.label import Label
from ..web.screen import Screen
from .labels import BUSINESS, PUSH

if TYPE_CHECKING:
    from playwright.sync_api import Page

__all__ = ["Assistant", "Errand"]

ADVICE = "The order stays as it is, and the steps in its instructions can be done by hand instead."


@dataclass(frozen=True)
class Errand:
    """What the order needs. identity: the topic, the MDM server's name, or the location's name in the portal."""

    url: str
    identity: str
    request: bytes | None = None
    note: str = ""
    account: str | None = None


class Assistant:
    """signed_in: called when the portal is open, for tests in which a script is the person."""

    def __init__(
        self,
        *,
        browser_path: str | None,
        headless: bool,
        timeout: float,
        sign_in_timeout: float,
        signed_in: Callable[[Page], None] | None = None,
    ) -> None:
        self._browser = Browser(path=browser_path, headless=headless, session_path=None, time_zone="Asia/Tokyo")
        self._timeout = timeout
        self._sign_in_timeout = sign_in_timeout
        self._signed_in = signed_in

    def close(self) -> None:
        self._browser.close()

    def push_certificate(self, errand: Errand) -> bytes:
        """Renew in the one row with the topic: the new certificate as downloaded."""
        screen = self._open(errand, PUSH, "Apple's push certificate portal")
        if screen.first_of("push.list", "push.get_started", timeout=self._sign_in_timeout) == "push.get_started":
            raise _not_theirs(errand, "has no push certificate", "made the certificate")
        rows = [row for row in screen.rows_with("push.renew") if errand.identity in self._topics(screen, row)]
        _only_one(
            len(rows),
            f"have the UID {errand.identity}",
            "Renew was not pressed, and the certificate in use stays. Sign in with the Apple Account that made it; do not"
            " press Create.",
        )
        with screen.inside(rows[0]):
            screen.press("push.renew")
        with _file("upload_this_to_apple.b64", errand.request or b"") as path:
            screen.attach("push.file", path)
            if errand.note:
                screen.fill("push.notes", errand.note)
            screen.press("push.upload")
            if screen.first_of("push.download", "push.refused") == "push.refused":
                raise PanelError(f"The portal did not take the request: {' '.join(screen.lines())[:300]} {ADVICE}")
        return screen.download("push.download")

    def server_token(self, errand: Errand) -> bytes:
        """The token of the named MDM server, after the upload of the order's public key if it has one."""
        labels = {**BUSINESS, "business.server": replace(BUSINESS["business.server"], texts=(errand.identity,))}
        screen = self._open(errand, labels, "Apple's portal")
        self._preferences(screen, errand)
        screen.see("business.servers")
        screen.settled("business.servers")
        _only_one(
            screen.count("business.server"),
            f"are of the MDM server {errand.identity}",
            "Nothing was downloaded, and the token in use stays. Check the MDM server's name, and that the account may see it.",
        )
        screen.press("business.server")
        screen.see("business.download")
        if errand.request:
            with _file("public_key.pem", errand.request) as path:
                screen.attach("business.key_file", path)
                screen.press("business.key_upload")
                screen.see("business.key_stored")
            if not screen.shows("business.download"):
                screen.page.goto(errand.url, timeout=self._timeout * 1000)
                self._preferences(screen, errand)
                screen.press("business.server")
        screen.press("business.download")
        with screen.window("business.download"):
            return screen.download("business.download")

    def content_token(self, errand: Errand) -> bytes:
        """The token of the named location."""
        labels = {**BUSINESS, "business.location": replace(BUSINESS["business.location"], texts=(errand.identity,))}
        screen = self._open(errand, labels, "Apple's portal")
        self._preferences(screen, errand)
        screen.press("business.billing")
        screen.see("business.tokens")
        rows = []
        for row in screen.rows_with("business.token_download"):
            with screen.inside(row):
                rows += [row] if screen.count("business.location") else []
        _only_one(
            len(rows),
            f"are of the location {errand.identity}",
            "Nothing was downloaded, and the token in use stays. Check the location's name, and that the account may see it.",
        )
        with screen.inside(rows[0]):
            return screen.download("business.token_download")

    def _open(self, errand: Errand, labels: Mapping[str, Label], site: str) -> Screen:
        if errand.account and "business.account" in labels:
            labels = {
                **labels,
                "business.account": replace(labels["business.account"], texts=(errand.account, "Account")),
            }
        page = self._browser.page
        with self._browser.untraced():
            page.goto(errand.url, timeout=self._timeout * 1000)
            if self._signed_in is not None:
                self._signed_in(page)
        return Screen(page, labels, site=site, timeout=self._timeout, strangers={}, advice=ADVICE)

    def _preferences(self, screen: Screen, errand: Errand) -> None:
        """A person who is quicker may have opened them already."""
        keys = ("business.get_started", "business.servers", "business.preferences", "business.account")
        seen = screen.first_of(*keys, timeout=self._sign_in_timeout)
        if seen == "business.get_started":
            raise _not_theirs(errand, "belongs to no organisation", "manages the organisation")
        if seen == "business.account":
            screen.press("business.account")
            seen = "business.preferences"
        if seen == "business.preferences":
            screen.press("business.preferences")
            screen.see("business.billing")

    def _topics(self, screen: Screen, row: Any) -> list[str]:
        """The UIDs that the row's information shows."""
        with screen.inside(row):
            screen.press("push.info")
            with screen.window("push.info_window"):
                told = re.findall(r"UID=([^\s,/]+)", " ".join(screen.lines()))
                screen.press("push.close")
        return told


def _not_theirs(errand: Errand, lacks: str, does: str) -> OtherOwner:
    """The portal offers the signed-in account to begin with nothing."""
    named = f" ({errand.account})" if errand.account else ""
    return OtherOwner(
        f"This Apple Account {lacks}: the portal says Get Started. Nothing was pressed. Sign in with the account that"
        f" {does}{named}."
    )


def _only_one(rows: int, what: str, cure: str) -> None:
    """Of several nobody knows which is meant."""
    if rows != 1:
        raise OtherOwner(f"{rows} rows of the portal {what}; there has to be one. {cure}")


@contextlib.contextmanager
def _file(name: str, data: bytes) -> Iterator[Path]:
    """A file for the browser's file chooser, which goes away afterwards."""
    with tempfile.TemporaryDirectory(prefix="portal-") as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path
