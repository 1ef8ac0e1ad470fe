# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step wipe: the device is erased with Return to Service, once for ever in a campaign, and comes back by itself.

Done is only what is seen to have enrolled anew. All comparisons are of the server's clock: an enrolment that is newer than the
one that was collected. Source: Apple, "Returning a managed device to service".
"""

from __future__ import annotations

import plistlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..protocol import Evidence, Found, Item
from .collect import not_reachable, not_usable
from .commands import Commands, derived
from .enrolments import Enrolment, enrolments

if TYPE_CHECKING:
    from ...campaign.model import Event
    from ...campaign.notebook import Notebook

__all__ = ["WipeStep"]

OLDEST = 17  # iOS and iPadOS that know Return to Service
BATTERY = 0.2
PROBE: Mapping[str, Any] = {"RequestType": "DeviceInformation", "Queries": ["SerialNumber"]}


class WipeStep:
    """wifi_profile: a configuration profile by which the erased device finds its network. preserve_data_plan: whether eSIM
    lines stay; None where nobody has decided."""

    name = "wipe"
    limit = 200
    looks_free = False
    lasting = True

    def __init__(
        self,
        commands: Commands,
        notebook: Notebook,
        *,
        wifi_profile: bytes | None,
        preserve_data_plan: bool | None,
    ) -> None:
        self._commands = commands
        self._notebook = notebook
        self._wifi_profile = wifi_profile
        self._preserve_data_plan = preserve_data_plan

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = enrolments(self._notebook, [item.device for item in items])
        told = {item.device: self._hindrance(item.facts, known.get(item.device)) for item in items}
        return {device: hindrance for device, hindrance in told.items() if hindrance}

    def baseline(self, item: Item) -> Mapping[str, Any]:
        """The enrolment that the erase ends: what is collected later is of the next one."""
        return {"enrollment_id": item.facts["enrollment_id"], "enrolled_before": item.facts["enrolled_at"]}

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        command = self._command()
        orders = {item.evidence["enrollment_id"]: (item.command_id, command) for item in items}
        answers = self._commands.order(orders)
        told = {item.device: answers[item.evidence["enrollment_id"]] for item in items}
        return {
            device: Evidence(Found.PENDING, facts={"queued": True})
            if answer.queued
            else Evidence(Found.NOT_ARRIVED, {"en": answer.why, "ja": answer.why})
            for device, answer in told.items()
            if answer.queued is not None
        }

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = enrolments(self._notebook, [item.device for item in items])
        probes = {item.device: derived(item.command_id, "probe") for item in items if not item.evidence.get("queued")}
        wanted = {*probes.values(), *(item.command_id for item in items)}
        answers = {
            event.command_uuid: event
            for event in self._notebook.events(command_uuids=wanted)
            if event.status != "NotNow"
        }
        told = {
            item.device: self._judged(item, known.get(item.device), answers, probes.get(item.device)) for item in items
        }
        self._probe([item for item in items if told[item.device].found is Found.UNKNOWN], probes)
        return told

    def _judged(
        self, item: Item, now: Enrolment | None, answers: Mapping[str | None, Event], probe: str | None
    ) -> Evidence:
        """probe: the question that a device in doubt was given after the erase, if that was queued at all."""
        before = item.evidence["enrolled_before"]
        if now and now.enrolled_at > before and now.complete:
            return Evidence(Found.DONE, facts={"enrolled_at": now.enrolled_at, "awaiting_configuration": now.awaiting})
        if now and now.enrolled_at > before:
            return Evidence(
                Found.PENDING,
                {
                    "en": "The device was erased and has begun to enrol again; it has not finished yet.",
                    "ja": "デバイスは消去され、再登録が始まっていますが、まだ完了していません。",
                },
            )
        answer = answers.get(item.command_id)
        if answer is not None and answer.status != "Acknowledged":
            why = _error_of(answer)
            return Evidence(
                Found.FAILED,
                {"en": f"The device refused to be erased: {why}.", "ja": f"デバイスが消去を拒否しました ({why})。"},
            )
        if answer is not None:
            return Evidence(
                Found.PENDING,
                {
                    "en": "The device has taken the erase and has not enrolled again yet. If that lasts, look at it: it may stand at"
                    " the Activation Lock or have no network.",
                    "ja": "消去は受け付けられましたが、まだ再登録されていません。長く続く場合は、アクティベーションロックやネットワーク"
                    "の状態をデバイスで確認してください。",
                },
            )
        if probe is None:
            return Evidence(
                Found.PENDING,
                {
                    "en": "The device has not taken the erase yet. It has to be switched on and have a network.",
                    "ja": "デバイスがまだ消去を受け取っていません。電源が入り、ネットワークに接続されている必要があります。",
                },
            )
        return Evidence(Found.NOT_ARRIVED if probe in answers else Found.UNKNOWN)

    def _probe(self, items: Sequence[Item], probes: Mapping[str, str]) -> None:
        """A queue is first in, first out, and an erase is never put off: whoever answers this was given no erase before it."""
        if items:
            self._commands.order({item.evidence["enrollment_id"]: (probes[item.device], PROBE) for item in items})

    def _hindrance(self, facts: Mapping[str, Any], now: Enrolment | None) -> Evidence | None:
        """Why the device is not erased now."""
        if not_usable(now):
            return not_reachable(now)
        if not facts:
            return Evidence(
                Found.PENDING,
                {
                    "en": "What the device is has not been collected yet: that step comes first.",
                    "ja": "デバイスの情報がまだ収集されていません。先に情報の収集を実行してください。",
                },
            )
        hindrances = (
            (
                now is not None and now.enrolled_at != facts["enrolled_at"],
                "The device has enrolled anew since it was looked at, so it may have another user. Look at it again if it is meant.",
                "情報の収集後に再登録されているため、利用者が替わった可能性があります。対象であれば情報を収集し直してください。",
            ),
            (
                _major(facts.get("os_version")) < OLDEST,
                f"Its system {facts.get('os_version')} does not know Return to Service; that needs {OLDEST}. Update it first.",
                f"OS {facts.get('os_version')} は Return to Service に対応していません ({OLDEST} 以降が必要)。先に更新してください。",
            ),
            (
                facts.get("lost_mode"),
                "It is in lost mode, in which it refuses to be erased. End the lost mode first.",
                "紛失モード中は消去できません。先に紛失モードを解除してください。",
            ),
            (
                facts.get("find_my"),
                "Find My or the Activation Lock is on: after the erase it would stop at the lock. Its user signs out of iCloud first.",
                "「探す」またはアクティベーションロックが有効です。消去後にロック画面で止まるため、先に iCloud からサインアウトして"
                "ください。",
            ),
            (
                facts.get("bypass_code") == "not_kept",
                "Its Activation Lock bypass code was not kept, since the ledger has no key. Give ledger_key and nendo-events its key,"
                " then collect again.",
                "アクティベーションロックのバイパスコードが保存されていません。ledger_key と nendo-events の鍵を設定し、情報を収集し"
                "直してください。",
            ),
            (
                isinstance(facts.get("battery"), (int, float)) and facts["battery"] < BATTERY,
                "Its battery is below 20 percent. Charge it first.",
                "バッテリー残量が 20% 未満です。先に充電してください。",
            ),
            (
                facts.get("lines") and self._preserve_data_plan is None,
                "It has a mobile line, and preserve_data_plan is not given: decide whether an eSIM stays.",
                "モバイル回線があります。eSIM を残すかどうかを preserve_data_plan で指定してください。",
            ),
            (
                self._wifi_profile is None
                and not facts.get("ethernet")
                and not (facts.get("lines") and self._preserve_data_plan),
                "No Wi-Fi profile is given, and it has no other network after the erase. Give wifi_profile_path.",
                "Wi-Fi プロファイルの指定がなく、消去後に接続できるネットワークがありません。wifi_profile_path を指定してください。",
            ),
        )
        for stands_in_the_way, en, ja in hindrances:
            if stands_in_the_way:
                return Evidence(Found.FAILED, {"en": en, "ja": ja})
        return None

    def _command(self) -> dict[str, Any]:
        service: dict[str, Any] = {"Enabled": True}
        if self._wifi_profile is not None:
            service["WiFiProfileData"] = self._wifi_profile
        return {
            "RequestType": "EraseDevice",
            "PreserveDataPlan": bool(self._preserve_data_plan),
            "ReturnToService": service,
        }


def _major(version: Any) -> int:
    head = str(version or "").partition(".")[0]
    return int(head) if head.isdigit() else 0


def _error_of(answer: Event) -> str:
    chain = (plistlib.loads(answer.payload) if answer.payload else {}).get("ErrorChain") or [{}]
    told = chain[0].get("USEnglishDescription") or chain[0].get("LocalizedDescription") or answer.status
    return f"{told} ({chain[0].get('ErrorCode', answer.status)})"
