# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a device may be sent something: it is enrolled, and still as it was when the campaign first looked at it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..protocol import Evidence, Found
from .watch import Enrolment

__all__ = ["has_left", "is_another", "is_the_same", "not_reachable", "not_to_be_touched"]


def is_the_same(now: Enrolment | None, enrolled_at: str) -> bool:
    """Whether it has not enrolled anew since."""
    return now is not None and now.enrolled_at <= enrolled_at


def not_to_be_touched(facts: Mapping[str, Any], now: Enrolment | None) -> Evidence | None:
    """Why nothing may be changed on the device. facts: as the step collect kept them."""
    if hindrance := not_reachable(now):
        return hindrance
    if not facts:
        return Evidence(
            Found.PENDING,
            {
                "en": "What the device is has not been collected yet: that step comes first.",
                "ja": "デバイスの情報がまだ収集されていません。先に情報の収集を実行してください。",
                "first": "collect",
            },
        )
    return None if is_the_same(now, facts["first_enrolled_at"]) else is_another()


def not_reachable(now: Enrolment | None) -> Evidence | None:
    if now is None:
        return Evidence(
            Found.FAILED,
            {
                "en": "nendo-events has never seen the device enrol, so its enrolment is not known. Check the serial number, and"
                " that nendo-events has been running since the device enrolled.",
                "ja": "デバイスの登録が nendo-events に記録されていません。シリアル番号と、登録以降 nendo-events が動作していたことを"
                "確認してください。",
            },
        )
    if now.ended:
        return has_left(Found.SKIPPED)
    if now.usable:
        return None
    return Evidence(
        Found.PENDING,
        {
            "en": "The device has begun to enrol and has not finished.",
            "ja": "デバイスの登録が途中で、まだ完了していません。",
        },
    )


def has_left(found: Found) -> Evidence:
    return Evidence(
        found,
        {
            "en": "The device has left the MDM server. What that had installed went with its profile, and nothing can be sent to"
            " it any more.",
            "ja": "デバイスは MDM サーバから離脱しています。MDM がインストールしたものは構成プロファイルとともに削除されており、"
            "今後は何も送信できません。",
        },
        {"left": True},
    )


def is_another() -> Evidence:
    return Evidence(
        Found.FAILED,
        {
            "en": "The device has enrolled anew since this campaign first looked at it, so it may have another user by now, and it is"
            " left alone. If it is meant all the same, begin a campaign with another id for it.",
            "ja": "このキャンペーンで最初に情報を収集した後に再登録されているため、利用者が替わった可能性があり、対象から外しました。"
            "対象とする場合は、別の ID のキャンペーンで実行してください。",
        },
    )
