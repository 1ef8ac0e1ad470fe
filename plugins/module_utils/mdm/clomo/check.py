# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The walk over every screen that presses nothing but the way to them, and tells which labels are right."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..._errors import PanelError
from ...web.screen import Screen
from .evidence import Secrets
from .panel import Panel

__all__ = ["check_panel", "sentence", "unchecked"]

# The walk: what opens a screen, and the labels that have to be there then.
HOME = ("home.devices", "home.push_certificate", "home.content_token")
IOS = (
    "ios.subject",
    "ios.wizard",
    "ios.server_token",
    "ios.server_token_file",
    "ios.server_token_end",
    "ios.refresh",
    "ios.save",
)
APP_PORTAL = ("portal.token", "portal.organization", "portal.save")
APP_PORTAL_CHOSEN = ("portal.file", "portal.register", "portal.token_end")
APPLICATION = ("applications.program", "applications.licences", "applications.run")
TABS = ("tabs.home", "tabs.devices", "tabs.users", "tabs.applications", "tabs.reports", "tabs.settings")
DEVICES = (
    "devices.search_now",
    "devices.name",
    "devices.serial",
    "devices.owner",
    "devices.organization",
    "devices.state",
)
USERS = ("users.search_now", "users.name", "users.mail", "users.role", "users.owned")
REPORTS = ("reports.search_now", "reports.at", "reports.target", "reports.log", "reports.next")


def check_panel(panel: Panel) -> list[dict[str, Any]]:
    """One entry a label: key, screen, wanted (the texts known), state (as_expected, differs, not_reached), seen.

    The account that is signed in stands on every screen, but neither in an entry nor in an error."""
    account = Secrets((panel.options["username"],))
    try:
        with panel.work() as screen:
            return [account.masked_in(entry) for entry in _walk(panel, screen)]
    except PanelError as error:
        raise PanelError(account.masked(str(error)), **account.masked_in(error.details)) from None


def unchecked(panel: Panel, entries: list[dict[str, Any]]) -> list[str]:
    """The keys that a walk without a renewal cannot see: the wizard's, notices, windows."""
    return sorted(set(panel.labels) - {entry["label"] for entry in entries})


def sentence(entry: Mapping[str, Any]) -> str:
    """What differs, for people."""
    name = f"{entry['screen']}, {entry['label']}: 「{entry['wanted'][0]}」"
    if entry["state"] == "not_reached":
        return f"{name} could not be looked for, since a label on the way to its screen differs"
    seen = "、".join(f"「{text}」" for text in entry["seen"])
    return f"{name} stands there {entry['count']} times; there is {seen or 'nothing like it'}"


def _walk(panel: Panel, screen: Screen) -> Iterator[dict[str, Any]]:
    yield from _all(screen, TABS)
    yield from _screen(screen, lambda: panel.home(screen), HOME)
    yield from _screen(
        screen, lambda: panel.open_settings(screen), ("settings.general", "settings.mdm", "settings.portal")
    )
    yield from _screen(screen, lambda: panel.open_ios_menu(screen), ("settings.ios",))
    yield from _screen(screen, lambda: panel.open_ios_entries(screen), ("settings.ios_basic",))
    yield from _screen(screen, lambda: panel.open_ios_basic(screen), IOS)
    yield from _screen(screen, lambda: panel.open_portal_menu(screen), ("settings.portal_service",))
    yield from _screen(screen, lambda: panel.open_portal_service(screen), APP_PORTAL)
    organization = panel.options["vpp_organization"]
    yield from _screen(screen, lambda: screen.choose("portal.organization", organization), APP_PORTAL_CHOSEN)
    yield from _screen(screen, lambda: panel.open_devices(screen), DEVICES)
    yield from _screen(screen, lambda: panel.open_users(screen), USERS)
    yield from _screen(screen, lambda: panel.stay_at_reports(screen), REPORTS)
    if app := panel.options.get("licence_check_app"):
        yield from _screen(screen, lambda: panel.open_application(screen, app), APPLICATION)


def _screen(screen: Screen, open_it: Callable[[], None], keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """The labels of one screen; not reached where a label on the way to it differs, which was told there."""
    try:
        open_it()
    except PanelError as error:
        if error.details.get("reason") not in ("label", "late"):
            raise
        yield from (_entry(screen, key, "not_reached") for key in keys)
        return
    yield from _all(screen, keys)


def _all(screen: Screen, keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    screen.settled(keys[0])
    for key in keys:
        yield _seen(screen, key)


def _seen(screen: Screen, key: str) -> dict[str, Any]:
    """Whether it stands there, once; no window may be open. What stands there instead is told by likeness alone."""
    screen.look_around(key)
    count = screen.count(key)
    if count == 1 or (count and screen.labels[key].role in ("window", "caption", "column", "file")):
        return _entry(screen, key, "as_expected")
    return _entry(screen, key, "differs", screen.like(key), count)


def _entry(screen: Screen, key: str, state: str, seen: list[str] | None = None, count: int = 0) -> dict[str, Any]:
    label = screen.labels[key]
    return {
        "label": key,
        "screen": label.screen,
        "wanted": list(label.texts),
        "state": state,
        "count": count,
        "seen": seen or [],
    }
