# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content token of Apps and Books: base64 text of JSON with token, expDate and orgName.

The whole base64 text is what Apple takes as bearer, not the token inside. Standard library only: the daily run reads
the expiry here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from .._time import to_iso
from .moments import day, parse_moment
from .verdicts import ACCEPTED, Verdict, clean, refusal, verdict

__all__ = ["ContentToken", "judge_content_token", "parse_content_token"]

_BOX = "content_token"
_LONGEST = 1 << 20
_INNER_LENGTHS = range(16, 400)  # the token inside is one short word, the whole file is longer


@dataclass(frozen=True)
class ContentToken:
    """A content token as read. bearer: the file's base64 text on one line, a secret."""

    organization: str
    not_after: datetime
    bearer: str = field(repr=False)
    fingerprint_sha256: str


def parse_content_token(data: bytes) -> ContentToken:
    """CredentialError with the verdict for anything else."""
    found = _read(data)
    if isinstance(found, ContentToken):
        return found
    raise refusal(found)


def judge_content_token(
    data: bytes,
    *,
    now: datetime,
    organization: str | None = None,
    fingerprint_in_use: str | None = None,
    not_after_in_use: datetime | None = None,
) -> Verdict:
    """organization: the one whose token is awaited; the other two: the token in use, as far as they are known."""
    token = _read(data)
    if not isinstance(token, ContentToken):
        return token
    facts: dict[str, Any] = {
        "organization": token.organization,
        "not_after": to_iso(token.not_after),
        "fingerprint_sha256": token.fingerprint_sha256,
    }
    code = ACCEPTED
    if organization and _folded(organization) != _folded(token.organization):
        code = "other_organization"
        facts["expected_organization"] = organization
    elif token.fingerprint_sha256 == fingerprint_in_use:
        code = "same_as_in_use"
    elif not_after_in_use and token.not_after < not_after_in_use:
        code = "older_than_in_use"
        facts["not_after_in_use"] = to_iso(not_after_in_use)
    elif not fingerprint_in_use and token.not_after == not_after_in_use:
        code = "same_as_in_use"
    elif token.not_after <= now:
        code = "expired"
    return verdict(code, _BOX, date=day(token.not_after, now), **facts)


def _read(data: bytes) -> ContentToken | Verdict:
    text = _one_line(data)
    content = _json_inside(text)
    if content is None:
        return _other_file(data, text)
    if not isinstance(content.get("token"), str) or not content["token"]:
        return _refused("incomplete_content_token")
    if content.get("expDate") in (None, ""):
        return _refused("expiry_missing")
    not_after = parse_moment(content["expDate"])
    if not_after is None:
        return _refused("expiry_unreadable")
    fingerprint = hashlib.sha256(text.encode("ascii")).hexdigest()
    return ContentToken(clean(content.get("orgName") or ""), not_after, text, fingerprint)


def _one_line(data: bytes) -> str:
    """The base64 text with BOM, line breaks and blanks taken out, padded; empty if it is no such text."""
    if len(data) > _LONGEST:
        return ""
    text = "".join(data.decode("utf-8-sig", "replace").split())
    if not re.fullmatch(r"[A-Za-z0-9+/]+={0,2}", text):
        return ""
    return text.rstrip("=") + "=" * (-len(text.rstrip("=")) % 4)


def _json_inside(text: str) -> dict[str, Any] | None:
    """The JSON object, if it looks like a content token's at all."""
    try:
        content = json.loads(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and content.keys() & {"token", "expDate", "orgName"} else None


def _other_file(data: bytes, text: str) -> Verdict:
    """What the file is instead; where nobody knows, how far it is from a content token."""
    from .files import look

    kind = look(data).kind
    if kind == "is_content_token":
        return _refused("damaged_content_token")
    if kind != "unknown_file":
        return _refused(kind)
    if not text:
        return _refused("not_base64")
    one_word = len(data.split()) == 1 and len(text) in _INNER_LENGTHS
    return _refused("inner_token_only" if one_word else "base64_not_json")


def _refused(code: str) -> Verdict:
    return verdict(code, _BOX)


def _folded(name: str) -> str:
    """A name for comparison: width, case and blanks do not count."""
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())
