# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step users: the owners that were collected leave the panel, once no device of theirs is left there. Never an administrator."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..protocol import Evidence, Found, Item
from .people import People, Person
from .reasons import failed, is_gone, not_collected, pending
from .step import OWNER, PanelStep, Screens

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["UsersStep"]

AT_ONCE = 100

STILL = pending(
    "CLOMO PANEL still shows the user; he is looked for again.",
    "CLOMO PANEL にユーザがまだ表示されています。もう一度確認します。",
)


class UsersStep(PanelStep):
    """A device's user is known by the mail address that the panel showed with his name."""

    name = "users"
    limit = AT_ONCE
    preflight_limit = sys.maxsize  # one look at the list serves all

    def __init__(self, screens: Screens, notebook: Notebook) -> None:
        super().__init__(screens, notebook)
        self._people = People(screens.panel)

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        told = {item.device: self.hindrance(item.facts) for item in items}
        hindered = {device: hindrance for device, hindrance in told.items() if hindrance}
        ready = [item for item in items if item.device not in hindered]
        return hindered | self._looked_at({item.device: str(item.facts["owner_mail"]) for item in ready})

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        if not facts:
            return not_collected()
        if facts.get("owner_mail"):
            return None
        if facts.get("owner"):
            return failed(
                "CLOMO PANEL showed the owner without a mail address, so it is not certain which user that is. Delete him by hand.",
                "所有者のメールアドレスが表示されておらず、ユーザを特定できません。手動で削除してください。",
            )
        return Evidence(
            Found.SKIPPED,
            {"en": "The device had no owner in CLOMO PANEL.", "ja": "CLOMO PANEL で所有者が設定されていませんでした。"},
        )

    def _looked_at(self, mails: Mapping[str, str]) -> dict[str, Evidence]:
        """By device, why its user is not deleted now."""
        if not mails:
            return {}
        with self._panel.work() as screen:
            found = self._people.find(screen, set(mails.values()))
            told = {mail: self._verdict(found.get(mail)) for mail in set(mails.values())}
            for mail, verdict in told.items():
                if verdict and verdict.found is Found.PENDING and mail in found:
                    told[mail] = _has_devices(found[mail], self._people.devices_of(screen, found[mail]))
        return {device: verdict for device, mail in mails.items() if (verdict := told[mail])}

    def _verdict(self, person: Person | None) -> Evidence | None:
        if person is None:
            return is_gone()
        if person.role:
            return failed(
                f"The owner is an administrator of CLOMO PANEL ({person.role}), who is never deleted.",
                f"所有者は CLOMO PANEL の管理者 ({person.role}) のため、削除しません。",
            )
        return _has_devices(person, []) if person.owned else None

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        return {item.device: {name: item.facts.get(name) for name in OWNER} for item in items}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """Each user once, however many devices he had."""
        mails = {item.device: str(item.evidence["owner_mail"]) for item in items}
        with self._panel.work() as screen:
            found = self._people.find(screen, set(mails.values()))
            told = {mail: self._verdict(found.get(mail)) for mail in dict.fromkeys(mails.values())}
            ready = [found[mail] for mail, verdict in told.items() if verdict is None]
            said = self._people.delete(screen, ready)
        after = {mail: _not_sent(verdict) for mail, verdict in told.items() if verdict}
        after |= {mail: _asked(refused) for mail, refused in said.items()}
        return {device: after[mail] for device, mail in mails.items()}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        mails = {item.device: str(item.evidence["owner_mail"]) for item in items}
        with self._panel.work() as screen:
            found = self._people.find(screen, set(mails.values()))
        return {item.device: self.by_its_absence(item, mails[item.device] in found, STILL) for item in items}

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        keys = ("tabs.users", "users.search_now", "users.edit", "users.delete", "anywhere.ok")
        return [self._screens.label(key) for key in keys]


def _has_devices(person: Person, serials: Sequence[str]) -> Evidence:
    """Which of them stand in the way."""
    devices = ", ".join(serials) or f"{person.owned}"
    return pending(
        f"{person.name} still has other devices in CLOMO PANEL ({devices}) and stays until these are done, too.",
        f"{person.name} には CLOMO PANEL に他のデバイス ({devices}) があるため、完了するまで削除しません。",
    )


def _not_sent(verdict: Evidence) -> Evidence:
    """Nothing was asked for: what waits is planned again."""
    if verdict.found is Found.PENDING:
        return Evidence(Found.NOT_ARRIVED, verdict.reason)
    return verdict


def _asked(refused: str | None) -> Evidence:
    if refused is None:
        return Evidence(Found.PENDING, facts={"accepted": True})
    return Evidence(
        Found.NOT_ARRIVED,
        {
            "en": f"CLOMO PANEL did not delete the user: {refused}",
            "ja": f"CLOMO PANEL でユーザを削除できませんでした: {refused}",
        },
    )
