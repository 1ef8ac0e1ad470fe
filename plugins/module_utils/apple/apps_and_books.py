# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple's Apps and Books service (management API v2) with one content token, hence for one location.

Every answer is searched for an error number, those with HTTP 200 too. Addresses are built from the base address;
those that service/config names are not followed, so that the token goes to no other host.
"""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from .._errors import AccessRefused, ServiceError
from .._http import HttpClient

if TYPE_CHECKING:
    import requests

__all__ = ["APPS_AND_BOOKS_URL", "AppsAndBooksClient"]

APPS_AND_BOOKS_URL = "https://vpp.itunes.apple.com/mdm/v2"
LOCATION_KEYS = ("uId", "mdmInfo", "tokenExpirationDate")
A_SECOND = 15  # requests that a location may make, in the example that Apple gives of the service's configuration
WALKS = 3
UNKNOWN_EVENT = 9708
PAGE_GONE = (9650, 9721)  # the index is out of range; the version is not known
NEW_TOKEN = (
    "Nothing was changed. A person with the role of content manager downloads the location's content token from Apple"
    " School Manager or Apple Business Manager, once, and that newest file is put in use"
)
REFUSALS = {
    9601: f"Apps and Books wants a content token and got none that it knows. {NEW_TOKEN}.",
    9621: f"The content token has expired. {NEW_TOKEN}.",
    9622: f"Apps and Books does not know this content token: the file is damaged or of another kind. {NEW_TOKEN}.",
    9625: (
        "The content token has been revoked: a newer one was downloaded for this location, or the downloader's"
        f" password was changed. If the newer file is at hand, use that one. {NEW_TOKEN}."
    ),
    9637: "The account that downloaded this content token may not do that. A content manager downloads a new one.",
    9722: f"Apps and Books could not read the content token that was sent: the file is damaged. {NEW_TOKEN}.",
}


class AppsAndBooksClient:
    """location: uId, mdmInfo and tokenExpirationDate as the newest answer with the token told them."""

    def __init__(
        self,
        bearer: str,
        *,
        base_url: str = APPS_AND_BOOKS_URL,
        ca_path: str | None = None,
        timeout: float = 30,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
        session: requests.Session | None = None,
    ) -> None:
        self.location: Mapping[str, Any] = {}
        self._sleep = sleep
        self._monotonic = monotonic
        self._answered: deque[float] = deque(maxlen=A_SECOND)
        headers = {"Authorization": f"Bearer {bearer}"}
        self._http = HttpClient(
            base_url, headers=headers, ca_path=ca_path, timeout=timeout, sleep=sleep, session=session
        )

    def close(self) -> None:
        self._http.close()

    def service_config(self) -> dict[str, Any]:
        """Limits and error numbers. Answers to any token, also a revoked one: no proof of a token. Its rate is kept from now on."""
        told = self._request("GET", "/service/config")
        a_second = (told.get("limits") or {}).get("maxRequestPerSecond")
        self._answered = deque(self._answered, maxlen=max(int(a_second or A_SECOND), 1))
        return told

    def client_config(self) -> dict[str, Any]:
        """The location and its settings; the cheapest proof of a token."""
        return self._located("GET", "/client/config")

    def claim(self, mdm_info: Mapping[str, str]) -> dict[str, Any]:
        """Write who manages the location: id, name and metadata. Overwrites what another server wrote."""
        return self._located("POST", "/client/config", json={"mdmInfo": dict(mdm_info)})

    def assets_page(self, page_index: int | None = None) -> dict[str, Any]:
        params = {} if page_index is None else {"pageIndex": str(page_index)}
        return self._located("GET", "/assets", params=params)

    def assets(self) -> list[dict[str, Any]]:
        """Every asset, all of one state of the stock."""
        return self._walk("/assets", "assets", {}) or []

    def assignments(self, serial: str) -> list[dict[str, Any]]:
        """Those of a device: adamId, pricingParam, and serialNumber or clientUserId."""
        return self._walk("/assignments", "assignments", {"serialNumber": serial}) or []

    def every_assignment(self, most_calls: int) -> list[dict[str, Any]] | None:
        """None where that takes more calls."""
        return self._walk("/assignments", "assignments", {}, most_calls)

    def disassociate(self, assets: Sequence[tuple[str, str]], serials: Sequence[str]) -> str:
        """The id of the event that takes each of the assets (adamId, pricingParam) from each of the devices."""
        body = {
            "assets": [{"adamId": adam_id, "pricingParam": pricing} for adam_id, pricing in assets],
            "serialNumbers": list(serials),
        }
        return str(self._located("POST", "/assets/disassociate", json=body, idempotent=False)["eventId"])

    def event(self, event_id: str) -> dict[str, Any] | None:
        """eventStatus (PENDING, COMPLETE, FAILED), numRequested, numCompleted, failures; None once Apple has forgotten it."""
        try:
            return self._located("GET", "/status", params={"eventId": event_id})
        except ServiceError as error:
            if error.details.get("error_number") == UNKNOWN_EVENT:
                return None
            raise

    def _walk(
        self, path: str, key: str, params: Mapping[str, str], most_calls: int | None = None
    ) -> list[dict[str, Any]] | None:
        """Every page, all of one state: a walk during which it changed is begun again. None where it takes more calls."""
        for _walk in range(WALKS):
            found: list[dict[str, Any]] = []
            page = self._located("GET", path, params=params)
            if most_calls is not None and int(page.get("totalPages") or 1) > most_calls:
                return None
            version = page.get("versionId")
            while page.get("versionId") == version:
                found.extend(page.get(key) or [])
                if page.get("nextPageIndex") is None:
                    return found
                page = self._next_page(path, {**params, "pageIndex": str(page["nextPageIndex"])})
        raise ServiceError(
            f"The stock of apps and books changed during each of {WALKS} readings. Nothing was changed by us. Run"
            " again when nobody is buying or assigning.",
            changing=True,
        )

    def _next_page(self, path: str, params: Mapping[str, str]) -> dict[str, Any]:
        """One of another state where the list has changed so much that the page is not there any more."""
        try:
            return self._located("GET", path, params=params)
        except ServiceError as error:
            if error.details.get("error_number") in PAGE_GONE:
                return {"versionId": ""}
            raise

    def _located(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        answer = self._request(method, path, **arguments)
        self.location = {key: answer[key] for key in LOCATION_KEYS if key in answer}
        return answer

    def _request(self, method: str, path: str, *, idempotent: bool = True, **arguments: Any) -> dict[str, Any]:
        """Reads may be repeated, and a write that says the same again."""
        self._keep_the_rate()
        try:
            answer = self._http.request(method, path, idempotent=idempotent, **arguments).json()
        except ServiceError as error:
            number, message = _error_of(error.details.get("body", ""))
            if number is None:
                raise
            raise _refusal(number, message, error.details) from error
        finally:
            self._answered.append(self._monotonic())
        if "errorNumber" in answer:
            number, message = _error_in(answer)
            raise _refusal(number, message, {"method": method, "request_path": path, "status": 200})
        return answer

    def _keep_the_rate(self) -> None:
        """A second lasts from an earlier answer, so that no time on the way shortens it."""
        if len(self._answered) == self._answered.maxlen:
            pause = self._answered[0] + 1 - self._monotonic()
            if pause > 0:
                self._sleep(pause)


def _error_of(body: str) -> tuple[int | None, str]:
    try:
        parsed = json.loads(body)
    except ValueError:
        return None, ""
    return _error_in(parsed) if isinstance(parsed, dict) else (None, "")


def _error_in(answer: Mapping[str, Any]) -> tuple[int | None, str]:
    number = answer.get("errorNumber")
    return (number if isinstance(number, int) else None), str(answer.get("errorMessage", ""))[:200]


def _refusal(number: int | None, message: str, details: Mapping[str, Any]) -> ServiceError:
    details = {**details, "error_number": number}
    if number in REFUSALS:
        return AccessRefused(f"{REFUSALS[number]} (Apple's number {number}.)", **details)
    if number in (9646, 9729, 9603):
        return ServiceError(
            f"Apps and Books cannot serve us now (Apple's number {number}: {message}). Run again in some minutes.",
            **details,
        )
    return ServiceError(f"Apps and Books refused the call (Apple's number {number}: {message}).", **details)
