# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The right pane of the selected device: what the panel knows of it, in the shape that the steps' facts have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ...web.grid import items_of
from ...web.screen import Screen, pattern
from .panel import Panel
from .readings import below_captions
from .selection import owner_of

__all__ = ["CAPTIONS", "Pane", "shown"]

CAPTIONS = tuple(
    f"device.{name}"
    for name in (
        *("serial", "name", "owner", "organization", "os", "supervised", "lost", "lock"),
        *("work_smart", "contact", "tags", "memo"),
    )
)
HEADINGS = ("device.details", "device.profiles", "device.apps", "device.certificates", "device.edit")


class Pane:
    """Each section that is opened is fetched anew."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def facts(self, screen: Screen, told: Mapping[str, str], *, lists: bool) -> dict[str, Any]:
        """told: what it showed when it was opened, just now. lists: its profiles and apps, too."""
        if missing := [key for key in CAPTIONS if key not in told]:
            raise screen.trouble(missing[0], "it is not there")
        details = self.details(told)
        return {**details, **self.profiles(screen), **self.apps(screen)} if lists else details

    def details(self, told: Mapping[str, str]) -> dict[str, Any]:
        """told: what stands below each caption."""
        name, mail = owner_of(told["device.owner"])
        return {
            "serial": told["device.serial"],
            "device_name": told["device.name"],
            "os_version": told["device.os"],
            "owner": name,
            "owner_mail": mail,
            "organization": told["device.organization"],
            "supervised": self._says("device.yes", [told["device.supervised"]]),
            "lost_mode": self._says("device.yes", [told["device.lost"]]),
            "find_my": self._says("device.yes", [told["device.lock"]]),
            "work_smart": told["device.work_smart"],
            "last_contact": told["device.contact"],
            "ade": "device.ade" in told,
            "tags": [tag for tag in re.split("[、,]", told["device.tags"]) if tag],
        }

    def profiles(self, screen: Screen) -> dict[str, Any]:
        self._open(screen, "device.profiles")
        rows = self._list(screen, "device.profile_list") or []
        return {
            "profiles": [
                {"name": row[0], "identifier": row[-1], "managed": True, "mdm": self._says("device.mdm_profile", row)}
                for row in rows
            ]
        }

    def apps(self, screen: Screen) -> dict[str, Any]:
        self._open(screen, "device.apps")
        rows = self._list(screen, "device.app_list") or []
        names = {_identifier(row): row[0] for row in rows}
        managed = [_identifier(row) for row in rows if self._managed(row)]
        return {
            "apps": list(names),
            "managed_apps": sorted(managed),
            "app_names": names,
            "agents": [identifier for identifier, name in names.items() if self._says("device.agent", [name])],
            "licences": self._licences(screen),
        }

    def licences(self, screen: Screen) -> list[str]:
        """Names of the apps that the device has a licence of."""
        self._open(screen, "device.apps")
        return self._licences(screen)

    def certificates(self, screen: Screen) -> list[str]:
        self._open(screen, "device.certificates")
        return [row[0] for row in self._list(screen, "device.certificate_list") or []]

    def _licences(self, screen: Screen) -> list[str]:
        rows = self._list(screen, "device.licences")
        if rows is None:
            raise screen.trouble("device.licences", "the list is not there")
        return [row[0] for row in rows]

    def _open(self, screen: Screen, key: str) -> None:
        with screen.inside(screen.region("device.details")):
            screen.press(key)
        self._panel.rest()

    def _list(self, screen: Screen, key: str) -> list[list[str]] | None:
        with screen.inside(screen.region("device.details")):
            return items_of(screen, key)

    def _says(self, key: str, texts: list[str]) -> bool:
        wanted = pattern(self._panel.labels[key].texts)
        return any(wanted.search(text) for text in texts)

    def _managed(self, row: list[str]) -> bool:
        """Of a list that does not tell, all are."""
        return len(row) < 3 or self._says("device.app_managed", row[2:])


def _identifier(row: list[str]) -> str:
    """Of a list that does not tell it, the name."""
    return row[1] if len(row) > 1 else row[0]


def shown(screen: Screen) -> dict[str, str]:
    """By key of each caption in the pane, what stands below it."""
    lines = [line.strip() for line in screen.text_of(screen.region("device.details")).splitlines() if line.strip()]
    regex = {key: pattern(screen.labels[key].texts) for key in (*CAPTIONS, "device.ade", *HEADINGS)}
    captions = {key: regex[key] for key in (*CAPTIONS, "device.ade")}
    return below_captions(lines, captions, [regex[key] for key in HEADINGS])
