# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step delete: records of devices leave the panel, many at once where it lets them; that they are gone is the proof.

While licences are left the first deletion only takes these back, so another one follows; what is struck through is deleted
completely. Neither can delete a record twice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .command_step import CommandStep
from .commands import COMMANDS
from .devices import Device
from .reasons import another_owner, has_left, is_gone, not_collected, pending, work_smart
from .selection import same_owner
from .step import OWNER

__all__ = ["DeleteStep"]

SETTLES = timedelta(minutes=1)  # so long a deletion may take to show


class DeleteStep(CommandStep):
    name = "delete"
    command = "delete"

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        if not facts:
            return not_collected()
        return work_smart(facts["work_smart"]) if facts.get("work_smart") else None

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """Records that are gone need no Reports. had_licences: what an earlier attempt has seen."""
        return {
            item.device: {
                **{name: item.facts.get(name) for name in OWNER},
                "had_licences": bool(item.evidence.get("had_licences")),
            }
            for item in items
        }

    # The deletion

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """By what the panel shows of each now."""
        with self._panel.work() as screen:
            rows = self._screens.devices.the_ones(screen, [item.device for item in items])
            told = {item.device: self._verdict(item, rows[item.device]) for item in items}
            ready = [item for item in items if told[item.device] is None]
            done = {device: verdict for device, verdict in told.items() if verdict}
            struck = [item for item in items if item.device in done and done[item.device].facts.get("left")]
            done |= {item.device: self._purged(screen, item) for item in struck}
            return done | self.to_all(screen, ready)

    def _verdict(self, item: Item, device: Device | None) -> Evidence | None:
        """Why it is not deleted; None where it is."""
        if device is None:
            return is_gone()
        if device.struck:
            return has_left(Found.SKIPPED)
        return None if same_owner(item.evidence, device.owner) else another_owner()

    def alone(self, screen: Screen, item: Item) -> Evidence:
        if hindrance := self.selected(screen, item, left=Found.NOT_ARRIVED, gone=Found.DONE):
            return hindrance
        had = bool(self._screens.pane.licences(screen))
        return self.given(screen, item, had_licences=had)

    def _purged(self, screen: Screen, item: Item) -> Evidence:
        """The record of a device that has left, whoever its owner is in the panel."""
        device = self._screens.devices.the_one(screen, item.device)
        if device is None or not device.struck:
            return is_gone() if device is None else Evidence(Found.NOT_ARRIVED)
        self._screens.devices.select(screen, device)
        answer = self._screens.commands.give(screen, COMMANDS["purge"], [item.device])
        if answer.kind == "command.related":
            return replace(_related(answer.refused), found=Found.NOT_ARRIVED)
        return self.answered(answer)

    # What became of it

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = {item.device: item for item in items}
        with self._panel.work() as screen:
            rows = self._screens.devices.the_ones(screen, list(known))
            left = [serial for serial, device in rows.items() if device is not None]
            visited = self._screens.devices.visit(screen, left)
            told = {serial: self._judged(screen, known[serial], device) for serial, device in visited}
        return dict.fromkeys(known, is_gone()) | told

    def _judged(self, screen: Screen, item: Item, device: Device | None) -> Evidence:
        """By the pane that is open."""
        if device is None:
            return is_gone()
        if not device.struck and not same_owner(item.evidence, device.owner):
            return another_owner()
        licences = self._screens.pane.licences(screen)
        if licences:
            return _goes_first(len(licences))
        if device.struck and (certificates := self._screens.pane.certificates(screen)):
            return _related("、".join(certificates))
        over = item.evidence.get("had_licences") or self.age(item) >= SETTLES
        return Evidence(Found.NOT_ARRIVED) if over else _not_shown()


def _goes_first(left: int) -> Evidence:
    return pending(
        f"CLOMO takes {left} licences of the device back first; it is deleted after that.",
        f"ライセンス {left} 件の剥奪を待っています。完了後に削除します。",
        had_licences=True,
    )


def _related(what: str) -> Evidence:
    return pending(
        f"The record is struck through, and CLOMO deletes it completely only when its certificates and licences are revoked: {what}",
        f"取消線の状態です。証明書やライセンスを失効・剥奪するまで完全に削除できません: {what}",
    )


def _not_shown() -> Evidence:
    return pending(
        "CLOMO PANEL still shows the device; it is looked at again.",
        "CLOMO PANEL にまだ表示されています。もう一度確認します。",
    )
