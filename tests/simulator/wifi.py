# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A configuration profile with a Wi-Fi network, as an administrator gives it to the erase."""

from __future__ import annotations

import plistlib
from typing import Any

__all__ = ["WIFI_PROFILE", "profile_of"]


def profile_of(*payload_types: str, **more: Any) -> dict[str, Any]:
    """With an otherwise empty payload of each type."""
    payloads = [
        {
            "PayloadType": payload_type,
            "PayloadIdentifier": f"com.example.setup.{number}",
            "PayloadUUID": f"8F4C2B6E-7C1D-4B0A-9D3E-0000000000{number:02}",
            "PayloadVersion": 1,
        }
        for number, payload_type in enumerate(payload_types)
    ]
    return {
        "PayloadType": "Configuration",
        "PayloadIdentifier": "com.example.setup",
        "PayloadUUID": "8F4C2B6E-7C1D-4B0A-9D3E-5A6B7C8D9E0F",
        "PayloadVersion": 1,
        "PayloadContent": payloads,
        **more,
    }


WIFI_PROFILE = plistlib.dumps(profile_of("com.apple.wifi.managed"))
