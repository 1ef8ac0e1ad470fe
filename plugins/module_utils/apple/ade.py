# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple's device enrolment service (ADE): OAuth 1.0a opens a session, the session's token opens the rest.

AccessRefused: the server token is refused, or may not do this. TermsNotSigned: a person must accept Apple's terms.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from .._errors import AccessRefused, ServiceError
from .._http import HttpClient, Response
from .ade_refusals import ade_refusal, is_session_over

with suppress(ImportError):
    from requests_oauthlib import OAuth1

if TYPE_CHECKING:
    import requests

    from ..credentials.server_token import ServerToken

__all__ = ["ADE_URL", "AdeClient"]

ADE_URL = "https://mdmenrollment.apple.com"
SESSION_HEADER = "X-ADM-Auth-Session"
HEADERS = {"X-Server-Protocol-Version": "10", "Content-Type": "application/json;charset=UTF8"}


class AdeClient:
    """One client a token: Apple is not known to serve two sessions of one token side by side."""

    def __init__(
        self,
        token: ServerToken,
        *,
        base_url: str = ADE_URL,
        ca_path: str | None = None,
        timeout: float = 30,
        sleep: Callable[[float], None] = time.sleep,
        session: requests.Session | None = None,
    ) -> None:
        self._token = token
        self._auth_session: str | None = None
        self._http = HttpClient(
            base_url, headers=HEADERS, ca_path=ca_path, timeout=timeout, sleep=sleep, session=session
        )

    def close(self) -> None:
        self._http.close()

    def account(self) -> dict[str, Any]:
        """The server entry and its organisation: server_uuid, server_name, org_name, org_id_hash, org_type, …"""
        return self._request("GET", "/account", idempotent=True).json()

    def _request(self, method: str, path: str, *, json: Any = None, idempotent: bool = False) -> Response:
        """With the session we have; once more with a new one where the far side has ended it."""
        for last in (False, True):
            if self._auth_session is None:
                self._auth_session = self._new_session()
            try:
                answer = self._http.request(
                    method, path, json=json, headers={SESSION_HEADER: self._auth_session}, idempotent=idempotent
                )
            except AccessRefused as error:
                if last or not is_session_over(error.details["status"], error.details["body"]):
                    raise self._translated(error) from error
                self._auth_session = None
            else:
                self._auth_session = answer.headers.get(SESSION_HEADER) or self._auth_session
                return answer
        raise AssertionError("the second turn returns or raises")

    def _new_session(self) -> str:
        token = self._token
        auth = OAuth1(token.consumer_key, token.consumer_secret, token.access_token, token.access_secret, realm="ADM")
        try:
            answer = self._http.request("GET", "/session", auth=auth, idempotent=True)
        except AccessRefused as error:
            raise self._translated(error) from error
        session = answer.json().get("auth_session_token")
        if not isinstance(session, str) or not session:
            raise ServiceError("Apple's device enrolment service gave no session token. Run again in some minutes.")
        return session

    def _translated(self, error: AccessRefused) -> ServiceError:
        return ade_refusal(
            error.details["status"], error.details["body"], skew=self._http.clock_skew, details=error.details
        )
