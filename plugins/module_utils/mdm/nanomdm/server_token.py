# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The server token on NanoDEP, which makes the key pair, decrypts Apple's file and speaks to Apple for us."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from ..._errors import (
    AccessRefused,
    AppleMdmError,
    ConfigurationError,
    FileRefused,
    OtherOwner,
    RequestLost,
    ServiceError,
)
from ..._http import HttpClient, Response
from ..protocol import Ability, InUse
from .answers import moment, says_absent

__all__ = ["ServerTokenPort"]

READING = ("pkcs7", "asn1", "mime", "base64", "json", "invalid character", "eof")  # words of an unreadable file
PUBLIC_KEY_DAYS = "365"  # NanoDEP's own choice of a day is shorter than a hand-off


class ServerTokenPort:
    """Answers that hold the token's secrets are cut down to the consumer key and the expiry before they go on."""

    abilities = frozenset({Ability.READ, Ability.REQUEST, Ability.UPLOAD, Ability.CHECK, Ability.CHECK_ANYTIME})

    def __init__(self, client: HttpClient, dep_name: str, path_prefix: str) -> None:
        self._client = client
        self._dep_name = dep_name
        self._prefix = path_prefix.rstrip("/")
        self._segment = quote(dep_name, safe="")

    def assumed(self) -> InUse | None:
        return None

    def read(self, identity: str | None) -> InUse | None:
        try:
            return self._in_use(self._client.request("GET", self._path("v1/tokens"), idempotent=True))
        except ServiceError as error:
            if error.status == 500 and says_absent(error):
                return None
            raise _with_hint(error) from error

    def request(self) -> bytes:
        """NanoDEP makes a new key pair at every call and forgets the one before. The name in it is new each time, so
        that a token made for an older key is told by its recipient."""
        params = {"cn": f"{self._dep_name} {secrets.token_hex(4)}", "validity_days": PUBLIC_KEY_DAYS}
        try:
            answer = self._client.request("GET", self._path("v1/tokenpki"), params=params)
        except ServiceError as error:
            raise _with_hint(error) from error
        if not answer.body.startswith(b"-----BEGIN CERTIFICATE-----"):
            raise ServiceError(f"{answer.asked} did not give a certificate. Check dep_url and dep_path_prefix.")
        return answer.body

    def examine(self, received: bytes, private_key: bytes | None, known: InUse | None) -> Mapping[str, Any]:
        raise ServiceError("Only NanoDEP can decrypt this server token, and it stores what it decrypts.")

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        try:
            return self._in_use(self._client.request("PUT", self._path("v1/tokenpki"), data=received, idempotent=True))
        except ServiceError as error:
            raise _upload_refusal(error, self._dep_name) from error

    def check(self) -> Mapping[str, Any]:
        """Apple's account answer through NanoDEP's proxy. NanoDEP answers 502 for what Apple's /session refused."""
        answer = self._client.request(
            "GET", self._path("proxy") + "/account", idempotent=True, expect=(200, 401, 403, 502)
        )
        if answer.status == 200:
            account = answer.json()
            return {key: account.get(key) for key in ("server_uuid", "server_name", "org_name")}
        raise self._check_refusal(answer)

    def _in_use(self, answer: Response) -> InUse:
        tokens = answer.json()
        identity = tokens.get("consumer_key")
        if not isinstance(identity, str) or not identity:
            raise ServiceError(f"{answer.asked} told no consumer key. Check dep_url and dep_path_prefix.")
        not_after = moment(tokens.get("access_token_expiry"), self._client.host)
        return InUse(identity, not_after, facts={"dep_name": self._dep_name})

    def _path(self, endpoint: str) -> str:
        return f"{self._prefix}/{endpoint}/{self._segment}"

    def _check_refusal(self, answer: Response) -> AppleMdmError:
        from ...apple.ade_refusals import ade_refusal, is_refusal

        details = {"method": "GET", "request_path": self._path("proxy") + "/account", "status": answer.status}
        if answer.status == 401 and answer.headers.get("WWW-Authenticate", "").startswith("Basic"):
            return ConfigurationError(
                f"NanoDEP at {self._client.host} refused our key (HTTP 401). Nothing was changed. Check dep_api_key.",
                **details,
            )
        body = self._client.without_secrets(answer.text[:4096])
        if answer.status == 502 and not body.strip():
            return ServiceError(
                f"NanoDEP could not ask Apple for {self._dep_name}: it holds no token under that name, or does not"
                " reach Apple. Nothing was changed. Look into NanoDEP's log.",
                **details,
            )
        if answer.status == 502 and not is_refusal(body):
            return ServiceError(
                f"Apple's device enrolment service failed at the sign-in, as NanoDEP tells: {body[:200]}. Nothing was"
                " changed. Run again in some minutes.",
                **details,
            )
        status = answer.status if answer.status != 502 else (403 if "FORBIDDEN" in body else 401)
        return ade_refusal(status, body, skew=self._client.clock_skew, details={**details, "body": body})


def _with_hint(error: ServiceError) -> ServiceError:
    if error.status in (400, 404):
        return ServiceError(
            f"There is no NanoDEP at this address (HTTP {error.status}). Check dep_url, dep_path_prefix and dep_name.",
            **error.details,
        )
    return error


def _upload_refusal(error: ServiceError, dep_name: str) -> ServiceError:
    """NanoDEP's own words tell the reason; its status is 500 for nearly all."""
    body = error.details.get("body", "")
    if isinstance(error, AccessRefused) or error.status not in (400, 500):
        return _with_hint(error)
    if "mismatched consumer key" in body:
        return OtherOwner(
            f"This server token is of another server entry than the one NanoDEP uses for {dep_name} (other consumer"
            " key). NanoDEP did not take it and goes on with the token it has. Upload the same public key to the right"
            " entry, download that entry's token and put it in the place of this one. The wrong entry's own MDM server"
            " may need a new token now, since a download ends the older one.",
            **error.details,
        )
    if says_absent(error):
        return RequestLost(
            f"NanoDEP has no key pair for {dep_name} and cannot open the token; the token in use stays. It has perhaps"
            " lost its storage.",
            **error.details,
        )
    if "recipient" in body or "decrypt" in body:
        return RequestLost(
            f"NanoDEP cannot open this server token: somebody had it make a newer key pair for {dep_name} after the"
            " order's. The token in use stays.",
            **error.details,
        )
    if error.status == 500 and not any(word in body.lower() for word in READING):
        return error
    return FileRefused(
        f"NanoDEP could not make a token of this file ({' '.join(body.split())[:200]}). The token in use stays. Send the"
        " .p7m file as it was downloaded, or download it again.",
        **error.details,
    )
