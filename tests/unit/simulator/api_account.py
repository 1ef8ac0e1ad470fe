# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The API account of a tenant's organisation at Apple: what gets an access token, written apart from our client."""

from __future__ import annotations

import time
import uuid

import jwt
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant

__all__ = ["bearer"]


def bearer(tenant: Tenant, token_url: str, scope: str = "school.api") -> dict[str, str]:
    """The header of every call."""
    now, client = int(time.time()), tenant.school_client_id
    claims = {"sub": client, "iss": client, "aud": "https://account.apple.com/auth/oauth2/v2/token"}
    claims |= {"iat": now, "exp": now + 60, "jti": str(uuid.uuid4())}
    key = tenant.school_private_key.replace("EC PRIVATE KEY", "PRIVATE KEY")
    form = {
        "grant_type": "client_credentials",
        "client_id": client,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": jwt.encode(claims, key, algorithm="ES256", headers={"kid": tenant.school_key_id}),
        "scope": scope,
    }
    answer = requests.post(token_url, data=form, timeout=10)
    answer.raise_for_status()
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}
