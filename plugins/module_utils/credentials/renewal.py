# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a credential has to be renewed, and why. Loaded at every daily run, so it needs next to nothing."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from .._time import whole_days
from .moments import day
from .verdicts import Text

__all__ = ["Renewal", "judge_renewal"]

_DAY = 86400


@dataclass(frozen=True)
class Renewal:
    """code: missing (nothing known to be in use), expired, due (inside the window) or not_due."""

    renew: bool
    code: str
    reason: Text
    days_left: int | None

    def as_dict(self) -> dict[str, Any]:
        return {"renew": self.renew, "code": self.code, "reason": self.reason.as_dict(), "days_left": self.days_left}


def judge_renewal(not_after: datetime | None, *, now: datetime, renew_before_days: int) -> Renewal:
    """days_left counts whole days and is negative once a day has passed since the expiry."""
    if not_after is None:
        return Renewal(
            True,
            "missing",
            Text(
                "No credential is known to be in use, so one has to be fetched.",
                "使用中のものが確認できないため、取得が必要です。",
            ),
            None,
        )
    seconds = (not_after - now).total_seconds()
    days_left = whole_days(not_after, now)
    date = day(not_after, now)
    if seconds <= 0:
        ago = int(-seconds // _DAY)
        return Renewal(
            True,
            "expired",
            Text(
                f"It expired on {date} ({_days(ago)} ago): renew it at once.",
                f"{date} に有効期限が切れています（{ago}日経過）。至急更新してください。",
            ),
            days_left,
        )
    if seconds <= renew_before_days * _DAY:
        return Renewal(
            True,
            "due",
            Text(
                f"It expires on {date}, in {_days(days_left)}, within the renewal "
                f"window of {_days(renew_before_days)}.",
                f"{date} に有効期限が切れます（残り{days_left}日）。更新期間（"
                f"期限の{renew_before_days}日前から）です。",
            ),
            days_left,
        )
    return Renewal(
        False,
        "not_due",
        Text(
            f"It expires on {date}, in {_days(days_left)}: renewal begins {_days(renew_before_days)} before that.",
            f"有効期限は {date} です（残り{days_left}日）。更新は期限の{renew_before_days}日前に始まります。",
        ),
        days_left,
    )


def _days(number: int) -> str:
    return "1 day" if number == 1 else f"{number} days"
