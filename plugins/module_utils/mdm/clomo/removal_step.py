# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The steps profiles and apps: what the panel put on a device is taken off it, and Reports tells that it was.

Reports names the command and not what it removed, so as many successes are awaited as commands were registered."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .command_step import CommandStep
from .commands import Answer
from .pane import Pane
from .reasons import failed, not_collected, waits, work_smart
from .report_lines import Line, newer, reaches_back, seen_of
from .step import Screens

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["Removal", "RemovalStep", "apps", "profiles"]

Things = dict[str, str]  # names by identifier


@dataclass(frozen=True)
class Removal:
    """targets: what is removed, by what was collected. now: what the pane shows now."""

    step: str
    command: str
    request: str
    targets: Callable[[Mapping[str, Any]], Things]
    now: Callable[[Pane, Screen], Things]


def profiles() -> Removal:
    """All but the panel's own, by which the device is managed."""

    def targets(facts: Mapping[str, Any]) -> Things:
        return {each["identifier"]: each["name"] for each in facts["profiles"] if not each["mdm"]}

    return Removal(
        "profiles", "remove_profile", "RemoveProfile", targets, lambda pane, screen: targets(pane.profiles(screen))
    )


def apps(wanted: Collection[str], all_managed: bool) -> Removal:
    """CLOMO MDM Agent always; of the managed apps those wanted, by identifier or name, or all."""

    def targets(facts: Mapping[str, Any]) -> Things:
        names: Things = facts["app_names"]
        return {
            identifier: names[identifier]
            for identifier in facts["managed_apps"]
            if all_managed or identifier in facts["agents"] or identifier in wanted or names[identifier] in wanted
        }

    def now(pane: Pane, screen: Screen) -> Things:
        names: Things = pane.apps(screen)["app_names"]
        return names

    return Removal("apps", "remove_app", "RemoveApplication", targets, now)


class RemovalStep(CommandStep):
    def __init__(self, removal: Removal, screens: Screens, notebook: Notebook) -> None:
        super().__init__(screens, notebook)
        self.name = removal.step
        self.command = removal.command
        self._removal = removal

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        """A device that could not be deleted afterwards keeps what it has."""
        if "profiles" not in facts:
            return not_collected()
        if facts.get("work_smart"):
            return work_smart(facts["work_smart"])
        return None if self._removal.targets(facts) else Evidence(Found.DONE, facts={"removed": []})

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        told = super().baselines(items)
        return {item.device: {**told[item.device], "targets": self._removal.targets(item.facts)} for item in items}

    def choices(self, item: Item) -> Sequence[str] | None:
        """What was collected; of a command that may have been carried out in part its pane tells what is left."""
        return list(item.evidence["targets"].values()) if not item.evidence["again"] else None

    def asked(self, item: Item) -> Mapping[str, Any]:
        return {"asked": sorted(item.evidence["targets"])}

    def alone(self, screen: Screen, item: Item) -> Evidence:
        if hindrance := self.selected(screen, item):
            return hindrance
        there = self._removal.now(self._screens.pane, screen)
        left = {name: title for name, title in item.evidence["targets"].items() if name in there}
        if not left:
            return Evidence(Found.DONE, facts={"removed": sorted(item.evidence["targets"])})
        return self.given(screen, item, list(left.values()), asked=sorted(left))

    def answered(self, answer: Answer, **facts: Any) -> Evidence:
        if answer.missing:
            names = ", ".join(answer.missing)
            return failed(
                f"CLOMO PANEL does not offer {names} for removal, or offers it twice. Nothing was removed; look at the device's pane.",
                f"CLOMO PANEL の削除画面で {names} を一つに特定できません。何も削除していません。デバイスの画面を確認してください。",
            )
        return super().answered(answer, **facts)

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        lines = self._screens.reports.since({item.device: item.evidence["mark"] for item in items})
        return {item.device: self._judged(item, lines[item.device]) for item in items}

    def _judged(self, item: Item, lines: Sequence[Line]) -> Evidence:
        seen = seen_of(newer(item.device, lines, item.evidence["mark"]), self._removal.request)
        asked = item.evidence.get("asked") or sorted(item.evidence["targets"])
        if seen.failed:
            return failed(
                f"The device refused {self._removal.request}. What it should have removed: {', '.join(asked)}.",
                f"デバイスが {self._removal.request} を実行できませんでした。対象: {'、'.join(asked)}",
            )
        whole = seen.registered >= len(asked) or self.is_late(item)
        if seen.registered and seen.succeeded >= seen.registered and whole:
            return Evidence(Found.DONE, facts={"removed": asked, "succeeded_at": seen.last_at})
        if not seen.anything:
            gone = self.is_late(item) and reaches_back(lines, item.evidence["mark"])
            return Evidence(Found.NOT_ARRIVED) if gone or self.is_dead(item) else self._unseen(item)
        if self.is_dead(item):
            return Evidence(Found.NOT_ARRIVED, facts={"died": True})
        return waits(self.dies_on(item, seen.first_at), asked)

    def _unseen(self, item: Item) -> Evidence:
        return waits(self.dies_on(item, None)) if item.evidence.get("accepted") else Evidence(Found.UNKNOWN)

    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        way = super().clicks(facts)
        return [*way[:-2], *self._removal.targets(facts).values(), *way[-2:]] if "profiles" in facts else way
