# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""OAuth 1.0a as a service checks it: the Authorization header, the signature base string, HMAC-SHA1."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from urllib.parse import quote, unquote

NEEDED = (
    "oauth_consumer_key",
    "oauth_token",
    "oauth_signature_method",
    "oauth_signature",
    "oauth_timestamp",
    "oauth_nonce",
)
PARAMETER = re.compile(r'\s*([A-Za-z_]+)="([^"]*)"\s*$')


class BadHeader(Exception):
    """The word of the OAuth problem extension for a header that cannot be used."""


def parameters(header: str) -> dict[str, str]:
    """The header's parameters, decoded. Raises BadHeader."""
    scheme, _space, rest = header.partition(" ")
    if scheme.lower() != "oauth":
        raise BadHeader("parameter_absent")
    found: dict[str, str] = {}
    for part in rest.split(","):
        match = PARAMETER.match(part)
        if match is None or match.group(1) in found:
            raise BadHeader("parameter_rejected")
        found[match.group(1)] = unquote(match.group(2))
    if any(name not in found for name in NEEDED):
        raise BadHeader("parameter_absent")
    if found["oauth_signature_method"] != "HMAC-SHA1":
        raise BadHeader("signature_method_rejected")
    if found.get("oauth_version", "1.0") != "1.0":
        raise BadHeader("version_rejected")
    if not found["oauth_timestamp"].isdigit():
        raise BadHeader("parameter_rejected")
    return found


def encoded(text: str) -> str:
    return quote(text, safe="-._~")


def signature(method: str, url: str, given: dict[str, str], consumer_secret: str, token_secret: str) -> str:
    """What oauth_signature has to be; the URL has no query."""
    pairs = sorted(
        (encoded(name), encoded(value)) for name, value in given.items() if name not in ("realm", "oauth_signature")
    )
    joined = "&".join(f"{name}={value}" for name, value in pairs)
    base = "&".join(encoded(part) for part in (method.upper(), url, joined))
    key = f"{encoded(consumer_secret)}&{encoded(token_secret)}"
    return base64.b64encode(hmac.new(key.encode(), base.encode(), hashlib.sha1).digest()).decode()
