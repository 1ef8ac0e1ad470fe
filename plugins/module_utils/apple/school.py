# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple School Manager API and Apple Business API, which differ in address and scope only.

Every call waits for its turn (SharedState). A read may be repeated; a write only after 429 or a token that had ended,
when it was certainly not done. Unknown fields and values are let through. Source: developer.apple.com/documentation/
appleschoolmanagerapi and applebusinessapi.
"""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

from .._errors import AccessRefused, ServiceError
from .._http import HttpClient, Response, retry_after_seconds
from .school_account import READ, WRITE, ApiAccount, SharedState

if TYPE_CHECKING:
    import requests

__all__ = ["SchoolClient"]

API_URLS = {"school": "https://api-school.apple.com/v1", "business": "https://api-business.apple.com/v1"}
TOKEN_URL = "https://account.apple.com/auth/oauth2/token"
PAGE = 1000
LONGEST_WAIT = 300
PRODUCTS = {"school": "Apple School Manager", "business": "Apple Business"}


class SchoolClient:
    """One organisation, as far as the role of its API account sees it."""

    def __init__(
        self,
        account: ApiAccount,
        state: SharedState,
        *,
        api_url: str | None = None,
        token_url: str = TOKEN_URL,
        ca_path: str | None = None,
        timeout: float = 30,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
        session: requests.Session | None = None,
    ) -> None:
        self.account = account
        self._state = state
        self._sleep = sleep
        self._clock = clock
        options: dict[str, Any] = {"ca_path": ca_path, "timeout": timeout, "sleep": sleep}
        self._options = options
        accept = {"Accept": "application/json"}
        self._api = HttpClient(api_url or API_URLS[account.product], headers=accept, session=session, **options)
        self._token_url = token_url
        self._token: str | None = None

    def close(self) -> None:
        self._api.close()

    def devices(self) -> Iterator[dict[str, Any]]:
        """Every device of the organisation: its attributes. GET orgDevices."""
        for entry in self._pages("/orgDevices"):
            yield _attributes(entry)

    def device(self, serial: str) -> dict[str, Any] | None:
        """None where the organisation has no such device. GET orgDevices/{id}."""
        answer = self._read(f"/orgDevices/{quote(serial, safe='')}", absent=True)
        return None if answer is None else _attributes(answer["data"])

    def assigned_server(self, serial: str) -> str | None:
        """The id of the server; None where it has none or the organisation has no such device."""
        answer = self._read(f"/orgDevices/{quote(serial, safe='')}/relationships/assignedServer", absent=True)
        return ((answer or {}).get("data") or {}).get("id") or None

    def servers(self) -> list[dict[str, Any]]:
        """id and attributes of every device management service. GET mdmServers."""
        return [{"id": entry["id"], **entry.get("attributes", {})} for entry in self._pages("/mdmServers")]

    def devices_of(self, server_id: str) -> Iterator[str]:
        """The serial numbers assigned to a server. GET mdmServers/{id}/relationships/devices."""
        for entry in self._pages(f"/mdmServers/{quote(server_id, safe='')}/relationships/devices"):
            yield entry["id"]

    def unassign(self, server_id: str, serials: Collection[str]) -> str:
        """The id of the activity that takes the devices from the server. POST orgDeviceActivities."""
        server = {"mdmServer": {"data": {"type": "mdmServers", "id": server_id}}}
        return self._begin("UNASSIGN_DEVICES", serials, server)

    def release(self, serials: Collection[str]) -> str:
        """The id of the activity by which the devices leave the organisation, for good. Apple Business only."""
        return self._begin("RELEASE_DEVICES", serials, {})

    def activity(self, activity_id: str) -> dict[str, Any] | None:
        """status, subStatus, downloadUrl, …; None once Apple has forgotten it (30 days)."""
        answer = self._read(f"/orgDeviceActivities/{quote(activity_id, safe='')}", absent=True)
        return None if answer is None else _attributes(answer["data"])

    def log(self, url: str) -> dict[str, tuple[str, str]]:
        """What an activity's log says by serial number: status and sub-status. The address is signed: no token goes there."""
        parts = urlsplit(url)
        client = HttpClient(f"{parts.scheme}://{parts.netloc}", **self._options)
        try:
            path = f"{parts.path}?{parts.query}" if parts.query else parts.path
            return log_rows(client.request("GET", path, idempotent=True).text)
        finally:
            client.close()

    # Calls

    def _begin(self, kind: str, serials: Collection[str], relations: Mapping[str, Any]) -> str:
        devices = {"devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]}}
        data = {"type": "orgDeviceActivities", "attributes": {"activityType": kind}}
        body = {"data": {**data, "relationships": {**relations, **devices}}}
        return str(self._write("/orgDeviceActivities", body)["data"]["id"])

    def _pages(self, path: str) -> Iterator[dict[str, Any]]:
        """Entries of every page, each once: a list that moves meanwhile may show one twice."""
        seen: set[str] = set()
        query: dict[str, str] = {"limit": str(PAGE)}
        while True:
            answer = self._read(path, query) or {}
            for entry in answer.get("data") or []:
                if entry["id"] not in seen:
                    seen.add(entry["id"])
                    yield entry
            cursor = ((answer.get("meta") or {}).get("paging") or {}).get("nextCursor")
            if not cursor:
                return
            query = {"limit": str(PAGE), "cursor": cursor}

    def _read(
        self, path: str, params: Mapping[str, str] | None = None, *, absent: bool = False
    ) -> dict[str, Any] | None:
        answer = self._call(READ, "GET", path, (200, 404) if absent else (200,), params=params, idempotent=True)
        return None if answer.status == 404 else answer.json()

    def _write(self, path: str, body: Any) -> dict[str, Any]:
        deadline = self._clock() + LONGEST_WAIT
        while True:
            answer = self._call(WRITE, "POST", path, (201, 429), json=body)
            if answer.status == 201:
                return answer.json()
            wait = retry_after_seconds(answer.headers.get("Retry-After"), 60)
            if self._clock() + wait > deadline:
                raise ServiceError(
                    f"{PRODUCTS[self.account.product]} allows no more changes now: it wants {wait:.0f} seconds of patience."
                    " Nothing was changed. Run again after that.",
                    status=429,
                )
            self._sleep(wait)

    def _call(self, kind: str, method: str, path: str, expect: Sequence[int], **arguments: Any) -> Response:
        """With the shared token; once more with a new one where that had ended."""
        self._token = self._state.token(self._new_token)
        for last in (False, True):
            self._state.wait_for_turn(kind)
            try:
                headers = {"Authorization": f"Bearer {self._token}"}
                return self._api.request(method, path, headers=headers, expect=expect, **arguments)
            except AccessRefused as error:
                if last or error.status != 401:
                    raise self._refusal(error) from error
                self._token = self._state.token(self._new_token, refused=self._token)
            except ServiceError as error:
                raise self._refusal(error) from error
        raise AssertionError("unreachable")

    def _new_token(self) -> tuple[str, int]:
        parts = urlsplit(self._token_url)
        client = HttpClient(f"{parts.scheme}://{parts.netloc}", **self._options)
        form = {
            "grant_type": "client_credentials",
            "client_id": self.account.client_id,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": self.account.assertion(self._clock()),
            "scope": f"{self.account.product}.api",
        }
        try:
            answer = client.request(
                "POST", parts.path, data=urlencode(form).encode(), headers=FORM, idempotent=True
            ).json()
            return str(answer["access_token"]), int(answer["expires_in"])
        except ServiceError as error:
            if error.status not in (400, 401, 403):
                raise
            raise AccessRefused(
                f"Apple did not accept the API account {self.account.client_id}. Nothing was changed. Check client_id,"
                " key_id and private key, that the key was not revoked, and that this host's clock is right.",
                status=error.status,
            ) from error
        finally:
            client.close()

    def _refusal(self, error: ServiceError) -> ServiceError:
        """With Apple's own words for it, where there are any."""
        told = _told(error.details.get("body", ""))
        details = {**error.details, "code": told[0] if told else None}
        product = PRODUCTS[self.account.product]
        if error.status == 403:
            return AccessRefused(
                f"The API account may not do this in {product} ({told[1] if told else 'HTTP 403'}). Nothing was changed."
                " An administrator gives its role the right to view and assign devices.",
                **details,
            )
        return type(error)(f"{product}: {told[1]} ({told[0]}). Nothing was changed." if told else str(error), **details)


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def log_rows(text: str) -> dict[str, tuple[str, str]]:
    """An activity's log: some lines, then a table headed by serial_number; rows may be short."""
    rows = iter(csv.reader(io.StringIO(text.lstrip("\ufeff"))))
    heads = next((row for row in rows if row and row[0].strip() == "serial_number"), [])
    found = {}
    for row in rows:
        told = dict(zip((head.strip() for head in heads), row, strict=False))
        if told.get("serial_number"):
            found[told["serial_number"].strip()] = (
                told.get("operation_status", "").strip(),
                told.get("operation_substatus", "").strip(),
            )
    return found


def _attributes(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {"serialNumber": entry.get("id"), **(entry.get("attributes") or {})}


def _told(body: str) -> tuple[str, str] | None:
    """Code and detail of the first error of Apple's answer."""
    try:
        first = json.loads(body)["errors"][0]
        return str(first["code"]), str(first.get("detail") or first.get("title"))[:300]
    except (ValueError, KeyError, IndexError, TypeError):
        return None
