# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step organizations: organisations of the devices that were collected, once nobody and nothing is left in them.

The panel might delete what is in one with it, so an organisation is looked into first: people, devices, organisations below."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .people import People
from .reasons import is_gone, not_collected, pending
from .step import PanelStep, Screens

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["OrganizationsStep"]

STILL = pending(
    "CLOMO PANEL still shows the organisation; it is looked for again.",
    "CLOMO PANEL に組織がまだ表示されています。もう一度確認します。",
)


class OrganizationsStep(PanelStep):
    """One that is not empty is no failure: others stay in it."""

    name = "organizations"
    limit = preflight_limit = sys.maxsize  # one look at the tree serves all

    def __init__(self, screens: Screens, notebook: Notebook) -> None:
        super().__init__(screens, notebook)
        self._people = People(screens.panel)

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        told = {item.device: self.hindrance(item.facts) for item in items}
        hindered = {device: hindrance for device, hindrance in told.items() if hindrance}
        names = {item.device: str(item.facts["organization"]) for item in items if item.device not in hindered}
        verdicts = self._verdicts(set(names.values()))
        return hindered | {device: verdicts[name] for device, name in names.items() if name in verdicts}

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        if not facts:
            return not_collected()
        if facts.get("organization"):
            return None
        return _skipped("The device was in no organisation.", "デバイスは組織に所属していませんでした。")

    def _verdicts(self, names: set[str]) -> dict[str, Evidence]:
        """By name, why the organisation is not deleted now."""
        if not names:
            return {}
        with self._panel.work() as screen:
            paths = self._people.organizations(screen)
            told = {name: self._verdict(screen, name, paths) for name in sorted(names)}
        return {name: verdict for name, verdict in told.items() if verdict}

    def _verdict(self, screen: Screen, name: str, paths: Sequence[Sequence[str]]) -> Evidence | None:
        mine = [path for path in paths if path[-1] == name]
        if not mine:
            return is_gone() if len(paths) != 0 or name else None
        if len(mine) > 1:
            return _skipped(
                f"{len(mine)} organisations are called {name}, so none is deleted. Delete the empty one by hand.",
                f"「{name}」という組織が {len(mine)} 件あるため、削除しません。不要なものは手動で削除してください。",
            )
        if any(path[: len(mine[0])] == mine[0] and path != mine[0] for path in paths):
            return _skipped(
                f"{name} has organisations below it.", f"「{name}」には下位の組織があるため、削除しません。"
            )
        people = self._people.members(screen, mine[0])
        devices = sum(device.organization == name for device in self._screens.devices.everything(screen))
        if people or devices:
            return _skipped(
                f"{name} has {people} users and {devices} devices left, and stays.",
                f"「{name}」にはユーザが {people} 人、デバイスが {devices} 台残っているため、削除しません。",
            )
        return None

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {"organization": item.facts.get("organization")} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """One after the other, each looked into again."""
        told = {}
        for name in dict.fromkeys(str(item.evidence["organization"]) for item in items):
            told[name] = self._verdicts({name}).get(name) or self._deleted(name)
        return {item.device: told[str(item.evidence["organization"])] for item in items}

    def _deleted(self, name: str) -> Evidence:
        with self._panel.work() as screen:
            (path,) = [path for path in self._people.organizations(screen) if path[-1] == name]
            if self._people.members(screen, path):
                return Evidence(Found.NOT_ARRIVED)
            refused = self._people.delete_organization(screen, path)
        if refused is None:
            return Evidence(Found.PENDING, facts={"accepted": True})
        return _skipped(
            f"CLOMO PANEL did not delete {name}: {refused}", f"CLOMO PANEL が「{name}」を削除しませんでした: {refused}"
        )

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        with self._panel.work() as screen:
            there = {path[-1] for path in self._people.organizations(screen)}
        return {item.device: self.by_its_absence(item, item.evidence["organization"] in there, STILL) for item in items}

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        keys = ("tabs.users", "organizations.edit", "organizations.delete", "anywhere.ok")
        return [self._screens.label(key) for key in keys]


def _skipped(en: str, ja: str) -> Evidence:
    return Evidence(Found.SKIPPED, {"en": en, "ja": ja})
