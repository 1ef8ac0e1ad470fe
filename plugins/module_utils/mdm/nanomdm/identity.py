# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""By which certificates a device shows that it is still the one it was: each enrolment gets a new identity by SCEP.

That tells what no event did, if all word of a new enrolment was lost. Source: Apple, CertificateList."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["QUESTION", "differs", "identity_of"]

QUESTION: Mapping[str, Any] = {"RequestType": "CertificateList"}


def identity_of(message: Mapping[str, Any]) -> list[str]:
    """SHA-256 of the certificates that are identities; none where the device does not tell."""
    told = message.get("CertificateList") or []
    hashes = {hashlib.sha256(each["Data"]).hexdigest() for each in told if each.get("IsIdentity") and each.get("Data")}
    return sorted(hashes)


def differs(first: Collection[str] | None, now: Collection[str]) -> bool:
    """Whether it has enrolled anew. That takes an identity away and brings another; a profile that comes or goes does one of
    the two."""
    if not first or not now:
        return False
    return not (set(first) <= set(now) or set(now) <= set(first))
