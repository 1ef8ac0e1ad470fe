# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a refusal of Apple's device enrolment service means for people, whoever held the session (us, NanoDEP)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._errors import AccessRefused, ServiceError, TermsNotSigned

__all__ = ["CLOCK_TOLERANCE", "ade_refusal", "clock_warning", "is_refusal", "is_session_over", "is_terms_not_signed"]

CLOCK_TOLERANCE = 300.0  # seconds; signatures carry a time stamp


REFUSAL = re.compile(
    r"token_|signature_|consumer_key|nonce|timestamp|oauth|T_C_NOT_SIGNED|FORBIDDEN|DENIED|UNAUTHOR", re.I
)


def is_refusal(body: str) -> bool:
    """Whether a text without its status is a refusal of the token, and not a failure of the service."""
    return bool(REFUSAL.search(body))


def is_terms_not_signed(body: str) -> bool:
    return "T_C_NOT_SIGNED" in body


def is_session_over(status: int, body: str) -> bool:
    """The session has ended, not the token: worth one new session. The word may stand in quotes."""
    return not is_terms_not_signed(body) and (status == 401 or (status == 403 and "FORBIDDEN" in body))


def clock_warning(skew: float | None) -> str | None:
    """The sentence for two clocks that disagree; None where they agree or nothing is known."""
    if skew is None or abs(skew) <= CLOCK_TOLERANCE:
        return None
    return (
        f"The clocks are {_duration(abs(skew))} apart, ours {'behind' if skew > 0 else 'ahead'}: a signature made at a"
        " wrong time is refused. Set the clock (NTP) and run again before a new token is fetched."
    )


def ade_refusal(status: int, body: str, *, skew: float | None, details: Mapping[str, Any]) -> ServiceError:
    """The error for a 401 or 403 that stands after a new session, from /session or any other path."""
    if is_terms_not_signed(body):
        return TermsNotSigned(
            "Apple holds back this organisation's devices until its new terms are accepted (T_C_NOT_SIGNED). The token"
            " is sound and nothing was changed. A person with the role of administrator signs in to Apple School"
            " Manager or Apple Business Manager and accepts the terms; Apple may need a day to notice.",
            **details,
        )
    if "ACCESS_DENIED" in body:
        return AccessRefused(
            "Apple does not let this server token do that (ACCESS_DENIED). Look at the rights of this server's entry"
            " in Apple School Manager or Apple Business Manager.",
            **details,
        )
    clock = clock_warning(skew)
    if clock is None and "timestamp" in body.lower():
        clock = "Apple finds the time of the signature wrong: set the clock (NTP) of the machine that signs."
    if clock:
        return ServiceError(f"Apple refused the signature (HTTP {status}). {clock}", **details)
    if status == 403:
        cause = (
            "The Apple Account that downloaded it has probably been deleted or has lost its role. A person who is"
            " still there downloads a new token for the same server entry"
        )
    else:
        cause = (
            "It has expired, was revoked, or was replaced: a newer token was downloaded for the same server entry, or"
            " the downloader's password was changed. If the newer file is at hand, upload that one; if not, download"
            " a new token for the same server entry"
        )
    return AccessRefused(
        f"Apple refused the server token (HTTP {status}). {cause}. Enrolled devices are not touched by this; new"
        " devices and assignments wait until then.",
        **details,
    )


def _duration(seconds: float) -> str:
    if seconds >= 2 * 86400:
        return f"{seconds / 86400:.0f} days"
    return f"{seconds / 3600:.0f} hours" if seconds >= 2 * 3600 else f"{seconds / 60:.0f} minutes"
