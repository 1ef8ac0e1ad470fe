# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step wipe: the device is erased with Return to Service and nothing carried over, once for ever in a campaign.

Done is only what was erased and is in Devices again, managed and without an owner. That Reports tells of the erase, or that the
record was struck through, is one half of the proof; that it is managed again is the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..._errors import PanelError, ServiceError
from ...web.screen import Screen
from ..protocol import Evidence, Found, Item
from .command_step import CommandStep
from .commands import COMMANDS, Answer
from .devices import Device
from .reasons import failed, not_collected, not_there, pending, waits
from .report_lines import Line, newer, reaches_back, seen_of
from .selection import owner_of, same_owner
from .server_token import ServerTokenPort
from .step import Screens

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["WipeStep"]

OLDEST = 17  # iOS and iPadOS that know Return to Service
ERASE, ALIVE = "EraseDevice", "DeviceInformation"
AWAY = (
    "The device has taken the erase and is not in Devices again yet. If that lasts, look at it: it may stand at the Activation Lock or"
    " have no network.",
    "初期化は実行されましたが、まだ Devices 画面に再登録されていません。長く続く場合は、アクティベーションロックやネットワークの状態を"
    "デバイスで確認してください。",
)
KEPT = (
    "The device was erased, and CLOMO PANEL still shows its owner. If that lasts, look whether the owner was carried over.",
    "デバイスは初期化されましたが、CLOMO PANEL に以前の所有者が表示されています。長く続く場合は、所有者が引き継がれていないか確認して"
    "ください。",
)


class WipeStep(CommandStep):
    name = "wipe"
    command = "erase"
    patience = 6

    def __init__(self, screens: Screens, notebook: Notebook) -> None:
        super().__init__(screens, notebook)
        self._refreshed = False
        self._asked: set[str] = set()

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        if not facts:
            return not_collected()
        if facts["lost_mode"]:
            return failed(
                "It is in lost mode, in which a device takes no erase. End the lost mode first.",
                "紛失モード中は初期化できません。先に紛失モードを解除してください。",
            )
        if facts["find_my"]:
            return failed(
                "The Activation Lock is on: after the erase it would stop at the lock. Its user signs out of iCloud first.",
                "アクティベーションロックが有効です。初期化後にロック画面で止まるため、先に iCloud からサインアウトしてください。",
            )
        if 0 < _major(facts["os_version"]) < OLDEST:
            return failed(
                f"It runs {facts['os_version']}, and Return to Service needs iOS or iPadOS {OLDEST}. Update it first.",
                f"OS が {facts['os_version']} です。Return to Service には iOS/iPadOS {OLDEST} 以降が必要です。先に更新してください。",
            )
        return None

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        told = super().baselines(items)
        return {item.device: {**told[item.device], "ade": bool(item.facts.get("ade"))} for item in items}

    def alone(self, screen: Screen, item: Item) -> Evidence:
        return self.selected(screen, item, left=Found.FAILED) or self.given(screen, item)

    def answered(self, answer: Answer, **facts: Any) -> Evidence:
        """What the panel says after the last press does not prove that nothing was registered."""
        return Evidence(Found.UNKNOWN) if answer.acted else super().answered(answer, **facts)

    # What became of it

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        lines = self._screens.reports.since({item.device: item.evidence["mark"] for item in items})
        with self._panel.work() as screen:
            rows = self._screens.devices.rows_of(screen, [item.device for item in items])
            told = {item.device: self._judged(screen, item, rows[item.device], lines[item.device]) for item in items}
        return {**told, **self._with_ade([item for item in items if told[item.device].found is Found.DONE])}

    def _judged(self, screen: Screen, item: Item, found: Sequence[Device], lines: Sequence[Line]) -> Evidence:
        mine = newer(item.device, lines, item.evidence["mark"])
        seen = seen_of(mine, ERASE)
        alive = [device for device in found if not device.struck]
        if len(alive) > 1:
            raise screen.trouble("devices.serial", f"{item.device} stands there {len(alive)} times")
        if seen.succeeded or item.evidence.get("struck") or (found and not alive):
            return self._returned(screen, item, alive, _answered_since(mine, seen.last_at))
        if not found:
            return pending(*AWAY) if seen.anything else not_there()
        if seen.failed:
            return _refused()
        return self._not_erased(item, lines, seen.anything, self.dies_on(item, seen.first_at))

    def _not_erased(self, item: Item, lines: Sequence[Line], registered: bool, day: str) -> Evidence:
        if registered or item.evidence.get("accepted"):
            return _given_up(day) if self.is_dead(item) else waits(day)
        gone = self.is_late(item) and reaches_back(lines, item.evidence["mark"])
        return Evidence(Found.NOT_ARRIVED) if gone else Evidence(Found.UNKNOWN)

    def _returned(self, screen: Screen, item: Item, alive: Sequence[Device], answered: bool) -> Evidence:
        """Of a device that was erased. struck: its record was seen so."""
        if not alive:
            return pending(*AWAY, struck=True)
        (device,) = alive
        if any(owner_of(device.owner)):
            return self._has_owner(item, device)
        had_one = item.evidence.get("owner") or item.evidence.get("owner_mail")
        if had_one or answered or item.evidence.get("struck"):
            return _returned()
        self._ask(screen, item)
        return pending(*AWAY)

    def _has_owner(self, item: Item, device: Device) -> Evidence:
        """A new one was given it after its return; the panel may be slow to let go of the old one."""
        return pending(*KEPT) if same_owner(item.evidence, device.owner) else _returned()

    def _ask(self, screen: Screen, item: Item) -> None:
        """An erased device answers nothing before it has enrolled again. Asked once a run."""
        device = None if item.device in self._asked else self._screens.devices.the_one(screen, item.device)
        if device is not None:
            self._asked.add(item.device)
            self._screens.devices.select(screen, device)
            self._screens.commands.give(screen, COMMANDS["information"], [item.device])

    def _with_ade(self, items: Sequence[Item]) -> dict[str, Evidence]:
        """The panel's list of ADE devices is fetched anew, once a run, where one that was in it is missing."""
        missing = self._without_ade([item for item in items if item.evidence.get("ade")])
        if missing and not self._refreshed:
            self._refreshed = True
            if self._refresh():
                missing = self._without_ade(missing)
        return {item.device: _returned(ade=False) for item in missing}

    def _refresh(self) -> bool:
        """Apple may refuse the panel; that does not undo what was done to the device."""
        try:
            return bool(ServerTokenPort(self._panel).check())
        except PanelError:
            raise
        except ServiceError:
            return False

    def _without_ade(self, items: Sequence[Item]) -> list[Item]:
        if not items:
            return []
        rows = self._screens.file.rows([item.device for item in items])
        known = {serial for serial, row in rows.items() if "device.ade" in row}
        with self._panel.work() as screen:
            visited = self._screens.devices.visit(screen, [item.device for item in items if item.device not in rows])
            known |= {serial for serial, device in visited if device and "device.ade" in device.pane}
        return [item for item in items if item.device not in known]


def _returned(**facts: bool) -> Evidence:
    return Evidence(Found.DONE, facts={"returned": True, **facts})


def _answered_since(lines: Sequence[Line], erased_at: str | None) -> bool:
    """Whether the device has answered anything after the erase."""
    last_at = seen_of(lines, ALIVE).last_at
    return erased_at is not None and last_at is not None and last_at > erased_at


def _refused() -> Evidence:
    return failed(
        "The device refused to be erased. An erase is not given twice in a campaign: look at the device, and if it is still meant, begin"
        " a campaign with another id for it.",
        "デバイスが初期化を実行できませんでした。同じキャンペーンで初期化を再送することはありません。デバイスを確認し、必要な場合は、別の"
        " ID のキャンペーンで実行してください。",
        repeatable=False,
    )


def _given_up(day: str) -> Evidence:
    return failed(
        f"CLOMO gave the erase up on {day}, seven days after it was registered, and the device never took it. An erase is not given"
        " twice in a campaign: if it is still meant, begin a campaign with another id for the device.",
        f"初期化コマンドは登録から 7 日後の {day} に失効し、デバイスは受け取っていません。同じキャンペーンで初期化を再送することはありませ"
        "ん。必要な場合は、別の ID のキャンペーンで実行してください。",
        repeatable=False,
    )


def _major(version: Any) -> int:
    head = str(version or "").partition(".")[0]
    return int(head) if head.isdigit() else 0
