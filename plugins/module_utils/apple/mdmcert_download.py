# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""mdmcert.download, a community service that signs push certificate requests and answers by e-mail."""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable

from .._errors import AccessRefused
from .._http import HttpClient

__all__ = ["MDMCERT_DOWNLOAD_URL", "sign_request"]

MDMCERT_DOWNLOAD_URL = "https://mdmcert.download"
PATH = "/api/v1/signrequest"


def sign_request(
    csr: bytes,
    email: str,
    api_key: str,
    delivery_certificate: bytes,
    *,
    url: str = MDMCERT_DOWNLOAD_URL,
    ca_path: str | None = None,
    timeout: float = 30,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Ask for a signature. What comes back goes by e-mail to the registered address, as a file enveloped to the
    delivery certificate, whose key is not the push key. All files are PEM. Every call sends one e-mail."""
    client = HttpClient(url, ca_path=ca_path, timeout=timeout, sleep=sleep)
    body = {
        "csr": b64encode(csr).decode(),
        "email": email,
        "key": api_key,
        "encrypt": b64encode(delivery_certificate).decode(),
    }
    try:
        answer = client.request("POST", PATH, json=body, expect=(200, 400, 401, 403)).json()
    finally:
        client.close()
    if answer.get("result") != "success":
        reason = str(answer.get("reason") or "no reason was given").replace(api_key, "********")[:200]
        raise AccessRefused(
            f"mdmcert.download did not sign the request: {reason}. No e-mail is on its way. Register the address {email}"
            " at mdmcert.download first and check the API key, or sign with a vendor certificate of your own.",
            reason=reason,
        )
