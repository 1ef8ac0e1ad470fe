# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Customers of the panel: made up with the credentials of a tenant, and told to tests."""

from __future__ import annotations

import base64
import datetime
import hashlib
import secrets
from typing import Any

from ..pki import SHARED_KEYS, YEAR, key_pem, pem, self_signed
from ..state import Clomo, KeyPair, ReportLine, ServiceToken, Tenant, Wizard, plain
from ..world import World, iso, token

PREFIX = "/clomo"
OLD_LINES = 60
TAGS = ("[Success]", "[success]", "[SUCCESS]")


def customer(world: World, tenant: Tenant, totp: bool, organizations: list[str]) -> Clomo:
    """A customer whose key is at the server entry already, as after the first set-up."""
    number = hashlib.sha256(f"{tenant.name} ADE".encode()).digest()[0] % SHARED_KEYS
    key = world.pki.shared_key(number)
    certificate = pem(self_signed("CLOMO MDM", key, world.now() - YEAR, world.now() + 20 * YEAR))
    tenant.servers[0].public_key = certificate
    return Clomo(
        domain=tenant.name.lower(),
        account=f"admin@{tenant.name.lower()}.example",
        password=token(16),
        totp_secret=base64.b32encode(secrets.token_bytes(20)).decode() if totp else None,
        organizations=organizations,
        key_pair=KeyPair(certificate, key_pem(key)),
        apple_account=tenant.account,
        licences={asset["adamId"]: asset["totalCount"] for asset in tenant.locations[0].assets},
        reports=old_lines(world),
    )


def old_lines(world: World) -> list[ReportLine]:
    """What the daily information commands left, the oldest first."""
    steps = (
        "[Registered] Command DeviceInformation was registered.",
        "[Send Command] Command DeviceInformation was sending to device.",
        "{tag} Command DeviceInformation execute successful.",
    )
    start = world.now() - datetime.timedelta(days=OLD_LINES / len(steps))
    return [
        ReportLine(
            iso(start + datetime.timedelta(hours=8 * number)),
            steps[number % len(steps)].format(tag=TAGS[number // len(steps) % len(TAGS)]),
        )
        for number in range(OLD_LINES)
    ]


def take_over(world: World, tenant: Tenant, clomo: Clomo, organization: str) -> None:
    """The tenant's credentials go from the nano servers to the panel."""
    if tenant.nanomdm.pairs:
        clomo.push = tenant.nanomdm.pairs.popitem()[1]
        clomo.wizard = Wizard(clomo.push.private_key, "certificate")
    dep = tenant.nanodep.names.pop(tenant.dep_name, None)
    clomo.ade = dep.tokens if dep else None
    location = tenant.locations[0]
    if location.tokens:
        in_use = location.tokens[-1]
        clomo.service_tokens[organization] = ServiceToken(location.name, in_use.text, in_use.not_after)


def described(world: World, clomo: Clomo) -> dict[str, Any]:
    return {
        "clomo_url": f"{world.url}{PREFIX}",
        "clomo_login_url": f"{world.url}{PREFIX}/panel/{clomo.domain}/login",
        "clomo_domain": clomo.domain,
        "clomo_account": clomo.account,
        "clomo_password": clomo.password,
        "clomo_totp_secret": clomo.totp_secret,
        "clomo_organizations": clomo.organizations,
        "clomo_apple_account": clomo.apple_account,
        "clomo_wizard_step": clomo.wizard.step if clomo.wizard else None,
        "clomo_service_tokens": {name: plain(one) for name, one in clomo.service_tokens.items()},
    }
