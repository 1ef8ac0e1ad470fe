# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the steps on CLOMO PANEL tell people of a device, in English and Japanese."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..protocol import Evidence, Found

__all__ = [
    "another_owner",
    "failed",
    "has_left",
    "is_gone",
    "not_collected",
    "not_offered",
    "not_there",
    "pending",
    "refused",
    "waits",
    "work_smart",
]


def failed(en: str, ja: str, *, repeatable: bool = True, **facts: Any) -> Evidence:
    return Evidence(Found.FAILED, {"en": en, "ja": ja}, facts, repeatable)


def pending(en: str, ja: str, **facts: Any) -> Evidence:
    return Evidence(Found.PENDING, {"en": en, "ja": ja}, facts)


def not_collected() -> Evidence:
    return Evidence(
        Found.PENDING,
        {
            "en": "What the device is has not been collected yet: that step comes first.",
            "ja": "デバイスの情報がまだ収集されていません。先に情報の収集を実行してください。",
            "first": "collect",
        },
    )


def not_there() -> Evidence:
    return failed(
        "CLOMO PANEL has no device of this serial number. Check the serial number; if the record was deleted by hand, what it had put on"
        " the device is still there, so look at the device.",
        "CLOMO PANEL に該当するシリアル番号のデバイスがありません。シリアル番号を確認してください。手動で削除された場合は構成プロファイル"
        "などが残っているため、デバイスを確認してください。",
    )


def has_left(found: Found) -> Evidence:
    return Evidence(
        found,
        {
            "en": "The device is struck through in CLOMO PANEL: it is not managed any more, and nothing can be sent to it.",
            "ja": "CLOMO PANEL で取消線の状態です。管理対象外のため、何も送信できません。",
        },
        {"left": True},
    )


def is_gone() -> Evidence:
    return Evidence(Found.DONE, facts={"gone": True})


def another_owner() -> Evidence:
    return failed(
        "The device has another owner in CLOMO PANEL than when this campaign first looked at it, and it is left alone. If it is meant"
        " all the same, begin a campaign with another id for it.",
        "このキャンペーンで最初に情報を収集したときと CLOMO PANEL の所有者が異なるため、対象から外しました。対象とする場合は、別の"
        " ID のキャンペーンで実行してください。",
    )


def work_smart(name: str) -> Evidence:
    return failed(
        f"The device has the Work Smart configuration {name}, with which CLOMO PANEL deletes no device. Take it off there; that takes up"
        " to an hour to apply. Then run again.",
        f"ワーク・スマート構成「{name}」が適用されているため、CLOMO PANEL から削除できません。構成を解除し、反映 (30〜60 分) を待って"
        "もう一度実行してください。",
    )


def not_offered(command: str, key: str) -> Evidence:
    return failed(
        f"CLOMO PANEL does not offer 「{command}」 for this device. Check the administrator's rights and the device's state; if the panel words"
        f" it otherwise, give its words in the option labels ({key}).",
        f"CLOMO PANEL でこのデバイスに「{command}」が表示されません。管理者の権限とデバイスの状態を確認してください。表示名が異なる場合は、"
        f"オプション labels の {key} に設定してください。",
    )


def refused(command: str, words: str) -> Evidence:
    return failed(
        f"CLOMO PANEL refused 「{command}」: {words}",
        f"CLOMO PANEL が「{command}」を受け付けませんでした: {words}",
    )


def waits(day: str, left: Sequence[str] = ()) -> Evidence:
    """For the device. day: on which CLOMO gives the command up."""
    what_en = f" Left: {', '.join(left)}." if left else ""
    what_ja = f" 未完了: {'、'.join(left)}" if left else ""
    return Evidence(
        Found.PENDING,
        {
            "en": "The device has not answered yet. It has to be switched on and have a network. CLOMO gives the command up on"
            f" {day}, seven days after it was registered.{what_en}",
            "ja": "デバイスからまだ応答がありません。電源が入り、ネットワークに接続されている必要があります。CLOMO のコマンドは登録から 7"
            f" 日後の {day} に失効します。{what_ja}",
        },
        {"dies_on": day},
    )
