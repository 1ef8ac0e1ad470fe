# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the play graduation shows: the plan before it, and where the devices stand after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.nendo.apple_mdm.plugins.module_utils._table import table

SHOWN = 30
STEPS = {
    "collect": "情報の収集",
    "profiles": "プロファイルの削除",
    "apps": "アプリの削除",
    "licences": "ライセンスの解除",
    "delete": "MDM からの削除",
    "unassign": "割り当て解除",
    "release": "所有解除",
    "wipe": "初期化と再登録",
    "users": "ユーザの削除",
    "organizations": "組織の削除",
}


def graduation_plan(planned: Mapping[str, Any], tenant: str, outcome: str) -> list[str]:
    """planned: what campaign_plan returned. Lines of a report."""
    steps = ", ".join(f"{step} ({STEPS[step]})" for step in planned["steps"])
    lines = [f"{tenant}: {outcome}, {planned['devices']} devices / {planned['devices']} 台", f"Steps / 手順: {steps}"]
    for step, reason in planned["absent"].items():
        lines.append(f"Not done / 対象外: {step}: {reason['en']} / {reason['ja']}")
    for step, notice in planned["notices"].items():
        lines.append(f"Note / 注意: {step}: {notice['en']} / {notice['ja']}")
    for each in planned["left_out"][:SHOWN]:
        lines.append(f"Left out / 対象外: {each['device']}: {each['reason']['en']} / {each['reason']['ja']}")
    lines += _more(planned["left_out"])
    for step, counts in planned["summary"].items():
        stopped = f", {counts['stopped']} will be stopped / 実行できません" if counts["stopped"] else ""
        lines.append(f"{step}: {counts['to_do']} to do / 予定{stopped}")
    for each in planned.get("clicks", []):
        pressed = " → ".join(f"「{label}」" for label in each["labels"])
        lines.append(f"{each['step']}: {pressed}: {len(each['devices'])} devices / 台")
    if planned["plan"]:
        lines += table(
            ("device", "owner", "steps to do", "what will stop it"), [_row(each) for each in planned["plan"][:SHOWN]]
        ).splitlines()
        lines += _more(planned["plan"], planned["devices"])
    return lines


def graduation_report(
    standing: Mapping[str, Any], tenant: str, outcome: str, left_out: Sequence[str] = ()
) -> list[str]:
    """standing: what campaign_info returned for the devices. Lines of a report."""
    counts = standing["devices"]
    lines = [
        f"{tenant}: {outcome}: {counts['done']} done / 完了, {counts['pending']} pending / 待機中,"
        f" {counts['failed']} failed / 失敗"
    ]
    for kind, told in (("failed", standing["failures"]), ("pending", standing["pending"])):
        if told:
            rows = [(each["device"], each["step"], *_reason(each["reason"])) for each in told[:SHOWN]]
            lines += table(("device", "step", kind, ""), rows).splitlines()
            lines += _more(told, counts[kind])
    if left_out:
        lines.append(f"Left out, not in agreement with the roster / 名簿と一致しないため対象外: {', '.join(left_out)}")
    if counts["pending"]:
        lines.append(
            "Run again for the pending devices: what is done stays done. / 待機中のデバイスは、もう一度実行すると続きから"
            "処理します。完了した処理は繰り返しません。"
        )
    return lines


def graduation_failures(standing: Mapping[str, Any]) -> dict[str, str]:
    """By device that failed, a sentence."""
    return {
        each["device"]: ": ".join((each["step"], " / ".join(_reason(each["reason"])))) for each in standing["failures"]
    }


def _row(each: Mapping[str, Any]) -> tuple[str, str, str, str]:
    stop = each["stopped_by"]
    told = f"{stop['step']}: {' / '.join(_reason(stop))}" if stop else ""
    return each["device"], each["owner"] or "", ", ".join(each["steps"]) or "none / なし", told


def _reason(reason: Mapping[str, str] | None) -> tuple[str, str]:
    return (reason.get("en", ""), reason.get("ja", "")) if reason else ("", "")


def _more(told: Sequence[Any], number: int | None = None) -> list[str]:
    left = (len(told) if number is None else number) - SHOWN
    return [f"... and {left} more / 他 {left} 件"] if left > 0 else []


class FilterModule:
    def filters(self) -> dict[str, Any]:
        return {
            "graduation_plan": graduation_plan,
            "graduation_report": graduation_report,
            "graduation_failures": graduation_failures,
        }
