# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The step wipe: the device is erased with Return to Service, once for ever in a campaign, and comes back by itself.

Done is only what is seen to have enrolled anew. All comparisons are of the server's clock: an enrolment that is newer than the
one that was collected. Source: Apple, "Returning a managed device to service".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ..._time import from_iso, now_utc
from ..protocol import Evidence, Found, Item
from .commands import AT_ONCE, Commands, Parcel, Queued
from .enrolment_profiles import EnrolmentProfiles
from .identity import QUESTION, differs, identity_of
from .questions import questions_so_far
from .reach import is_another, is_the_same, not_to_be_touched
from .watch import ACKNOWLEDGED, NOT_NOW, Answers, Enrolment, Watch, error_of, read_from

__all__ = ["WipeStep"]

OLDEST = 17  # iOS and iPadOS that know Return to Service
BATTERY = 0.2
ASK_AGAIN = timedelta(hours=1)  # an answer may have been lost
SILENT = timedelta(days=1)  # so often a device that was sent the erase is asked whether it is still there
OLD = timedelta(days=1)  # what a device said before that tells nothing of it now
NOT_TAKEN = {
    "en": "The device has not taken the erase yet. It has to be switched on and have a network.",
    "ja": "デバイスがまだ消去を受け取っていません。電源が入り、ネットワークに接続されている必要があります。",
}
AWAY = {
    "en": "The device has taken the erase and has not enrolled again yet. If that lasts, look at it: it may stand at the"
    " Activation Lock or have no network.",
    "ja": "消去は受け付けられましたが、まだ再登録されていません。長く続く場合は、アクティベーションロックやネットワークの状態を"
    "デバイスで確認してください。",
}
RETURNING = {
    "en": "The device was erased and has begun to enrol again; it has not finished yet.",
    "ja": "デバイスは消去され、再登録が始まっていますが、まだ完了していません。",
}
STANDS = {
    "en": "The device is erased and enrolled again, and stands in Setup Assistant until it takes the word to go on.",
    "ja": "デバイスは初期化・再登録されましたが、設定アシスタントで待機中です。",
}
UNHEARD = {
    "en": "The device answers, but it was not heard to take the erase and not seen to enrol again: the command or the device's"
    " word was lost. It is not sent again. Look at the device; if it was not erased, begin a campaign with another id for it.",
    "ja": "デバイスは応答していますが、消去の受け付けも再登録も確認できません。コマンドまたは応答が失われた可能性があり、再送しま"
    "せん。デバイスを確認し、消去されていない場合は、別の ID のキャンペーンで実行してください。",
}
DEAD = {
    "en": "The MDM server knows the erase and never gave it to the device. Run again: another one is sent then.",
    "ja": "MDM サーバに消去コマンドの記録はありますが、デバイスに渡されていません。もう一度実行すると、新しいコマンドを送信します。",
}


class WipeStep:
    """wifi_profile: a configuration profile by which the erased device finds its network. preserve_data_plan: whether eSIM
    lines stay; None where nobody has decided. end_setup: a device that waits in Setup Assistant is let go. enrolment_profiles:
    None where NanoDEP is not given, and then nobody looks."""

    name = "wipe"
    limit = 200
    preflight_limit = AT_ONCE
    looks_free = False
    lasting = True
    needs_facts = True
    poll = 0.2  # the ledger is near

    def __init__(
        self,
        commands: Commands,
        watch: Watch,
        *,
        wifi_profile: bytes | None,
        preserve_data_plan: bool | None,
        end_setup: bool,
        enrolment_profiles: EnrolmentProfiles | None = None,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self._commands = commands
        self._watch = watch
        self._wifi_profile = wifi_profile
        self._preserve_data_plan = preserve_data_plan
        self._end_setup = end_setup
        self._enrolment_profiles = enrolment_profiles
        self._asked: set[str] = set()
        self._awake: set[str] = set()
        self._clock = clock

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = self._watch.enrolments([item.device for item in items])
        told = {item.device: self._hindrance(item.facts, known.get(item.device)) for item in items}
        hindered = {device: hindrance for device, hindrance in told.items() if hindrance}
        if self._enrolment_profiles is None:
            return hindered
        ready = [device for device in told if device not in hindered]
        return hindered | self._enrolment_profiles.hindrances(ready)

    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """The enrolment that the erase ends: what is collected later is of the next one."""
        return {
            item.device: {
                "enrollment_id": item.facts["enrollment_id"],
                "enrolled_before": item.facts["enrolled_at"],
                "identity_before": item.facts.get("identity"),
            }
            for item in items
        }

    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """A device that has enrolled anew by now is given nothing."""
        known = self._watch.enrolments([item.device for item in items])
        same = [item for item in items if is_the_same(known.get(item.device), item.evidence["enrolled_before"])]
        self._awake.update(item.device for item in items)
        command = self._command()
        answers = self._commands.order(
            [Parcel(item.command_id, [item.evidence["enrollment_id"]], command) for item in same]
        )
        told = {item.device: Evidence(Found.NOT_ARRIVED) for item in items}
        return told | {item.device: _sent(answers[item.command_id]) for item in same}

    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        known = self._watch.enrolments([item.device for item in items])
        answers = self._watch.answers({item.command_id for item in items})
        told = {item.device: self._judged(item, known.get(item.device), answers) for item in items}
        told |= self._probed([item for item in items if told[item.device].found is Found.UNKNOWN])
        self._wake([item for item in items if told[item.device].reason is NOT_TAKEN])
        back = [item for item in items if told[item.device].found is Found.DONE and known[item.device].awaiting]
        return {**told, **self._let_go(back, {item.device: known[item.device].enrollment_id for item in back})}

    def _judged(self, item: Item, now: Enrolment | None, answers: Answers) -> Evidence:
        if now is not None and not is_the_same(now, item.evidence["enrolled_before"]):
            facts = {"enrolled_at": now.enrolled_at, "awaiting_configuration": now.awaiting}
            return Evidence(Found.DONE, facts=facts) if now.completed_at else Evidence(Found.PENDING, RETURNING)
        answer = answers.get((item.evidence["enrollment_id"], item.command_id))
        if answer is None and (not item.evidence.get("queued") or self._is_silent(item)):
            return Evidence(Found.UNKNOWN)
        if answer is None or answer.status == NOT_NOW:
            return Evidence(Found.PENDING, NOT_TAKEN)
        if answer.status == ACKNOWLEDGED:
            return Evidence(Found.PENDING, AWAY)
        why = error_of(answer)
        en, ja = f"The device refused to be erased: {why}.", f"デバイスが消去を拒否しました ({why})。"
        return Evidence(Found.FAILED, {"en": en, "ja": ja})

    def _probed(self, items: Sequence[Item]) -> dict[str, Evidence]:
        """Of devices in doubt, which are asked whether they are still there."""
        probes = {item.device: self._probes(item) for item in items}
        answers = self._watch.answers({name for names in probes.values() for name in names})
        told = {item.device: _by_the_probes(item, probes[item.device], answers) for item in items}
        doubtful = [item for item in items if told[item.device].found is Found.UNKNOWN]
        self._ask({probes[item.device][-1]: item.evidence["enrollment_id"] for item in doubtful}, QUESTION)
        return told

    def _probes(self, item: Item) -> list[str]:
        period = SILENT if item.evidence.get("queued") else ASK_AGAIN
        return questions_so_far(item, self._clock(), period, str(item.attempt), "probe")

    def _is_silent(self, item: Item) -> bool:
        return item.intended_at is not None and self._clock() - from_iso(item.intended_at) >= SILENT

    def _let_go(self, items: Sequence[Item], ids: Mapping[str, str]) -> dict[str, Evidence]:
        """Devices in Setup Assistant are sent DeviceConfigured; any answer to that shows that they take commands again.
        ids: of the new enrolments."""
        if not self._end_setup:
            return {}
        words = {item.device: questions_so_far(item, self._clock(), ASK_AGAIN, "DeviceConfigured") for item in items}
        answers = self._watch.answers({name for names in words.values() for name in names})
        left = {
            device: names
            for device, names in words.items()
            if not any((ids[device], name) in answers for name in names)
        }
        self._ask({names[-1]: ids[device] for device, names in left.items()}, {"RequestType": "DeviceConfigured"})
        return dict.fromkeys(left, Evidence(Found.PENDING, STANDS))

    def _ask(self, ids: Mapping[str, str], command: Mapping[str, Any]) -> None:
        """Once a run, by CommandUUID."""
        new = {name: enrollment_id for name, enrollment_id in ids.items() if name not in self._asked}
        self._asked.update(new)
        self._commands.order([Parcel(name, [enrollment_id], command) for name, enrollment_id in new.items()])

    def _wake(self, items: Sequence[Item]) -> None:
        """What earlier runs left is pushed once a run."""
        new = [item for item in items if item.device not in self._awake]
        self._awake.update(item.device for item in new)
        self._commands.wake([item.evidence["enrollment_id"] for item in new])

    def _hindrance(self, facts: Mapping[str, Any], now: Enrolment | None) -> Evidence | None:
        """Why the device is not erased now."""
        if hindrance := not_to_be_touched(facts, now):
            return replace(hindrance, found=Found.FAILED) if hindrance.found is Found.SKIPPED else hindrance
        if self._clock() - datetime.fromisoformat(facts["last_answer_at"]) > OLD:
            return _not_heard_of_for_long(facts["last_answer_at"][:10])
        hindrances = (
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


def _not_heard_of_for_long(day: str) -> Evidence:
    return Evidence(
        Found.PENDING,
        {
            "en": f"The device has not been heard of since {day}. Collect again first (mdm_device_info).",
            "ja": f"デバイスの情報は {day} 以降更新されていません。先に情報を収集し直してください (mdm_device_info)。",
            "first": "collect",
        },
    )


def _sent(answer: Queued) -> Evidence:
    """A command that the server knows already may wait there, or have been lost there."""
    if answer.known:
        return Evidence(Found.UNKNOWN, facts={"known": True})
    if answer.queued is None:
        return Evidence(Found.UNKNOWN)
    if not answer.queued:
        return Evidence(Found.NOT_ARRIVED, {"en": answer.why, "ja": answer.why})
    return Evidence(Found.PENDING, facts={"queued": True})


def _by_the_probes(item: Item, probes: Sequence[str], answers: Answers) -> Evidence:
    """A queue is first in, first out, and an erase is never put off: whoever answers a probe was given no erase before, if it
    shows that it is still the same device."""
    enrollment_id, before = item.evidence["enrollment_id"], item.evidence.get("identity_before")
    read = (read_from(answers.get((enrollment_id, name)), identity_of) for name in reversed(probes))
    identity = next((each for each in read if each is not None), None)
    if identity is None:
        return Evidence(Found.UNKNOWN)
    if differs(before, identity):
        return replace(is_another(), repeatable=False)
    if item.evidence.get("queued") or not (before and identity):
        return Evidence(Found.FAILED, UNHEARD, repeatable=False)
    return Evidence(Found.FAILED, DEAD) if item.evidence.get("known") else Evidence(Found.NOT_ARRIVED)
