# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The administrator at Apple's portals: does what the orders' instructions ask, by the simulator's pages."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from .simulator.client import Tenant

__all__ = ["fetch", "follow_instructions"]

DOWNLOADS = {
    "push_certificate": "MDM_ Vendor, Inc._Certificate.pem",
    "server_token": "school_Token_smime.p7m",
    "content_token": "school.vpptoken",
}


def follow_instructions(order_store: Path, tenants: Sequence[Tenant]) -> list[str]:
    """Fetch what every order waits for and drop it into its inbox; the orders' folders that got something."""
    served = []
    for tenant in tenants:
        for order in waiting_orders(order_store, tenant):
            credential = order.name.split("-")[0]
            request = next(order.glob("upload_this_to_apple.*"), None)
            data = fetch(tenant, credential, request.read_bytes() if request else b"")
            (order / "inbox" / DOWNLOADS[credential]).write_bytes(data)
            served.append(str(order))
    return served


def fetch(tenant: Tenant, credential: str, request: bytes) -> bytes:
    if credential == "push_certificate":
        return tenant.portal_renew(request)
    if credential == "server_token":
        return tenant.server_token(request)
    return tenant.content_token_download()


def waiting_orders(order_store: Path, tenant: Tenant) -> Iterator[Path]:
    for journal in sorted(order_store.glob(f"{tenant.name}/*/journal.jsonl")):
        states = [state for line in journal.read_text().splitlines() if (state := json.loads(line)["state"])]
        if states[-1] == "handed_off":
            yield journal.parent
