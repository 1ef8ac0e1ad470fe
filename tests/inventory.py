# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An inventory, as a user writes it, for the simulator's tenants."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .simulator.client import Tenant

__all__ = ["server_options", "write_inventory"]


def server_options(tenant: Tenant, folder: Path) -> dict[str, Any]:
    """The option mdm of the modules. folder: takes the files that an administrator has."""
    folder.mkdir(parents=True, exist_ok=True)
    return clomo_options(tenant, folder) if hasattr(tenant, "clomo_url") else nanomdm_options(tenant, folder)


def clomo_options(tenant: Tenant, folder: Path) -> dict[str, Any]:
    options = {
        "driver": "clomo",
        "url": tenant.clomo_url,
        "domain": tenant.clomo_domain,
        "username": tenant.clomo_account,
        "password": tenant.clomo_password,
        "contact_name": "School Office",
        "contact_email": tenant.apple_account,
        "apple_account": tenant.apple_account,
        "session_path": str(folder / f"{tenant.name}-session.json"),
    }
    return options | ({"totp_secret": tenant.clomo_totp_secret} if tenant.clomo_totp_secret else {})


def nanomdm_options(tenant: Tenant, folder: Path) -> dict[str, Any]:
    content_token = folder / f"{tenant.name}.vpptoken"
    if tenant.content_token and not content_token.exists():
        content_token.touch(mode=0o600)
        content_token.write_text(tenant.content_token)
    options = {
        "driver": "nanomdm",
        "url": tenant.url,
        "api_key": tenant.api_key,
        "dep_url": tenant.dep_url,
        "dep_api_key": tenant.dep_api_key,
        "dep_name": tenant.dep_name,
        "content_token_path": str(content_token),
        "apps_and_books_url": tenant.apps_and_books_url,
        "apns_url": tenant.apns_url,
        "apple_ca_path": tenant.apns_ca,
    }
    if tenant.push_certificate_pem:
        in_use = folder / f"{tenant.name}.pem"
        if not in_use.exists():
            in_use.write_text(tenant.push_certificate_pem)
        options["push_certificate_path"] = str(in_use)
    return options


def host_variables(tenant: Tenant, folder: Path) -> dict[str, Any]:
    # CLOMO PANEL does not tell whose content token it has
    told = {"content_token_organization": tenant.organization} if hasattr(tenant, "clomo_url") else {}
    return {
        **told,
        "apple_mdm_server": server_options(tenant, folder),
        "push_certificate_apple_account": tenant.apple_account,
        "push_certificate_vendor_certificate_path": tenant.vendor_certificate,
        "push_certificate_vendor_privatekey_path": tenant.vendor_private_key,
        "push_certificate_vendor_chain_path": tenant.vendor_chain,
        "push_certificate_portal_url": tenant.portal_url,
        "server_token_server_name": tenant.server_name,
        "server_token_portal_url": tenant.business_url,
        "content_token_portal_url": tenant.business_url,
    }


def write_inventory(
    path: Path, tenants: Sequence[Tenant], *, order_store: str, variables: dict[str, Any] | None = None
) -> Path:
    """variables: more group variables. The files that an administrator has lie beside the inventory."""
    group = {
        "ansible_connection": "local",
        "ansible_python_interpreter": sys.executable,
        "apple_mdm_order_store": order_store,
        **(variables or {}),
    }
    hosts = {tenant.name: host_variables(tenant, path.parent / "files") for tenant in tenants}
    path.write_text(json.dumps({"mdm_tenants": {"hosts": hosts, "vars": group}}, indent=2, ensure_ascii=False))
    return path
