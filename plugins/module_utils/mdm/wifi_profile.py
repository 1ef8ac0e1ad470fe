# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Wi-Fi file that goes with an erase: whether it is a configuration profile by which a device finds a network.

A device that is erased with anything else stays without a network, and somebody has to go there."""

from __future__ import annotations

import plistlib
from typing import Any
from xml.parsers.expat import ExpatError

from .._errors import ConfigurationError
from .._libraries import require

__all__ = ["checked_wifi_profile"]

WIFI = "com.apple.wifi.managed"
SEQUENCE = b"\x30"  # the first byte of a signed profile, which is CMS in DER
CURE = "Give a .mobileconfig with the network's name and password, as Apple Configurator or an MDM server makes it."


def checked_wifi_profile(data: bytes, path: str) -> bytes:
    """The same bytes. ConfigurationError for what is no profile with a Wi-Fi payload. path: for the message."""
    if refusal := _refusal(data):
        raise ConfigurationError(f"{path} {refusal} Nothing was sent. {CURE}")
    return data


def _refusal(data: bytes) -> str | None:
    if not data.strip():
        return "is empty."
    profile = _property_list(_signed_content(data) if data.startswith(SEQUENCE) else data)
    if not isinstance(profile, dict) or profile.get("PayloadType") != "Configuration":
        return "is no configuration profile, or a damaged one."
    if "EncryptedPayloadContent" in profile:
        return "is encrypted for one device, so others cannot read the network in it."
    payloads = profile.get("PayloadContent")
    if not isinstance(payloads, list) or not any(_is_wifi(payload) for payload in payloads):
        return f"is a configuration profile without a Wi-Fi network ({WIFI})."
    return None


def _is_wifi(payload: Any) -> bool:
    return isinstance(payload, dict) and payload.get("PayloadType") == WIFI


def _property_list(data: bytes) -> Any:
    try:
        return plistlib.loads(data)
    except (ValueError, ExpatError, KeyError, IndexError, TypeError, AttributeError, OverflowError, RecursionError):
        return None


def _signed_content(data: bytes) -> bytes:
    require("asn1crypto")
    from asn1crypto import cms

    try:
        return bytes(cms.ContentInfo.load(data)["content"]["encap_content_info"]["content"].native)
    except Exception:  # asn1crypto parses lazily and fails in many ways on damaged files
        return b""
