# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""MDM servers: the options of every driver, and the driver that a tenant's options choose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .._errors import ConfigurationError

if TYPE_CHECKING:
    from .protocol import MdmDriver

__all__ = ["OPTIONS", "driver_for"]

OPTIONS: dict[str, dict[str, Any]] = {
    "driver": {"type": "str", "choices": ["clomo", "nanomdm"], "default": "nanomdm"},
    "url": {"type": "str"},
    "username": {"type": "str"},
    "api_key": {"type": "str", "no_log": True},
    "path_prefix": {"type": "str", "default": "/v1"},
    "push_topic": {"type": "str"},
    "push_certificate_path": {"type": "path"},
    "dep_url": {"type": "str"},
    "dep_username": {"type": "str", "default": "depserver"},
    "dep_api_key": {"type": "str", "no_log": True},
    "dep_name": {"type": "str"},
    "dep_path_prefix": {"type": "str", "default": ""},
    "content_token_path": {"type": "path", "no_log": False},
    "apps_and_books_url": {"type": "str", "default": "https://vpp.itunes.apple.com/mdm/v2"},
    "mdm_id": {"type": "str"},
    "mdm_name": {"type": "str"},
    "claim_content_token": {"type": "bool", "default": False, "no_log": False},
    "probe_apns": {"type": "bool", "default": False},
    "apns_url": {"type": "str", "default": "https://api.push.apple.com"},
    "ca_path": {"type": "path"},
    "apple_ca_path": {"type": "path"},
    "timeout": {"type": "int", "default": 30},
    "domain": {"type": "str"},
    "password": {"type": "str", "no_log": True},
    "totp_secret": {"type": "str", "no_log": True},
    "contact_name": {"type": "str"},
    "contact_email": {"type": "str"},
    "country": {"type": "str", "default": "JP"},
    "apple_account": {"type": "str"},
    "vpp_organization": {"type": "str", "default": "全社"},
    "licence_check_app": {"type": "str"},
    "time_zone": {"type": "str", "default": "Asia/Tokyo"},
    "labels": {"type": "dict"},
    "browser_path": {"type": "path"},
    "session_path": {"type": "path"},
    "headless": {"type": "bool", "default": True},
    "command_pace_seconds": {"type": "float", "default": 0.0},
    "evidence_path": {"type": "path"},
}


def driver_for(options: Mapping[str, Any]) -> MdmDriver:
    """The driver for a tenant. options: as OPTIONS has them; what is absent, null or empty counts as not given."""
    given = {name: spec["default"] for name, spec in OPTIONS.items() if "default" in spec}
    given.update({name: value for name, value in options.items() if value not in (None, "")})
    unknown = sorted(set(given) - set(OPTIONS))
    if unknown:
        raise ConfigurationError(f"The MDM server's options have no {', '.join(unknown)}: see the driver's page.")
    if given["driver"] == "nanomdm":
        from .nanomdm.driver import NanoMdmDriver

        return NanoMdmDriver({"username": "nanomdm", **given})
    if given["driver"] == "clomo":
        from .clomo.driver import ClomoDriver

        return ClomoDriver({"url": "https://clomo.com", **given})
    raise ConfigurationError(f"There is no MDM driver {given['driver']!r}; there are clomo and nanomdm.")
