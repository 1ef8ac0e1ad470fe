# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether Apple would let an erased device enrol again: its enrolment profile at the device enrolment service, by NanoDEP.

Source: Apple, "Get device details" and "Device"."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ..._errors import ServiceError
from ..._http import HttpClient
from ..._portions import portions
from ..protocol import Evidence, Found

__all__ = ["EnrolmentProfiles"]

DEVICES_AT_ONCE = 1000
FOUND = "SUCCESS"
UNKNOWN = "NOT_ACCESSIBLE"
HAS_ONE = ("assigned", "pushed")
NOT_KNOWN = {
    "en": "Apple's device enrolment service does not have it under this server's token, so it would not enrol again by itself."
    " Assign it to this MDM server in Apple School Manager or Apple Business, and give it an enrolment profile.",
    "ja": "Apple の自動デバイス登録で、このサーバのトークンに割り当てられていないため、消去後に自動で再登録されません。Apple School"
    " Manager または Apple Business でこの MDM サーバに割り当て、登録プロファイルを設定してください。",
}
NO_PROFILE = {
    "en": "It has no enrolment profile at Apple, so it would not enrol again by itself. Assign one to it (NanoDEP, or the MDM"
    " server that defines the profiles).",
    "ja": "Apple 側で登録プロファイルが割り当てられていないため、消去後に自動で再登録されません。NanoDEP などで登録プロファイルを"
    "割り当ててください。",
}
NOT_TOLD = {
    "en": "Apple could not tell whether it has an enrolment profile. Run again later.",
    "ja": "登録プロファイルの有無を Apple に確認できませんでした。時間をおいてもう一度実行してください。",
}


class EnrolmentProfiles:
    """Each device is asked about once a run. check: asks Apple for the account, and raises what is wrong with the token."""

    def __init__(
        self, client: HttpClient, dep_name: str, path_prefix: str, check: Callable[[], Mapping[str, Any]]
    ) -> None:
        self._client = client
        self._path = f"{path_prefix.rstrip('/')}/proxy/{quote(dep_name, safe='')}/devices"
        self._check = check
        self._known: dict[str, Mapping[str, Any]] = {}

    def hindrances(self, devices: Sequence[str]) -> dict[str, Evidence]:
        """The devices that would not come back, and why."""
        for part in portions([device for device in devices if device not in self._known], DEVICES_AT_ONCE):
            self._known |= dict.fromkeys(part, {}) | self._ask(part)
        told = {device: _hindrance(self._known[device]) for device in devices}
        return {device: hindrance for device, hindrance in told.items() if hindrance}

    def _ask(self, devices: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        body = {"devices": list(devices)}
        answer = self._client.request("POST", self._path, json=body, idempotent=True, expect=(200, 400, 401, 403, 502))
        if answer.status == 200:
            told: dict[str, Mapping[str, Any]] = answer.json().get("devices") or {}
            return told
        self._check()
        raise ServiceError(
            f"Apple's device enrolment service did not tell about the devices (HTTP {answer.status} from {answer.asked})."
            " Nothing was sent. Run again in some minutes.",
            status=answer.status,
            body=self._client.without_secrets(answer.text[:4096]),
        )


def _hindrance(told: Mapping[str, Any]) -> Evidence | None:
    """told: what Apple has of the device; empty if it is not in the answer."""
    status = told.get("response_status", UNKNOWN)
    if status == UNKNOWN:
        return Evidence(Found.FAILED, NOT_KNOWN)
    if status != FOUND:
        return Evidence(Found.PENDING, NOT_TOLD)
    has_one = told.get("profile_uuid") and told.get("profile_status") in HAS_ONE
    return None if has_one else Evidence(Found.FAILED, NO_PROFILE)
