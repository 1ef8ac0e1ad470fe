# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Apple tells of devices by NanoDEP, and which of them would not come back after an erase."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ServiceError, TermsNotSigned
from ansible_collections.nendo.apple_mdm.plugins.module_utils._http import HttpClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.nanomdm.enrolment_profiles import EnrolmentProfiles
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.protocol import Found
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import Answer, FarSide, as_json

DEVICE = "C02XK0AB0001"
HAS_ONE = {"response_status": "SUCCESS", "profile_status": "assigned", "profile_uuid": "88FC4E37"}


class Apple:
    """check: what a look at the account tells."""

    def __init__(self, far_side: FarSide) -> None:
        self.far_side = far_side
        self.refusals: list[Exception] = []
        self.client = HttpClient(far_side.url, auth=("depserver", "key"), timeout=5, sleep=lambda _seconds: None)
        self.profiles = EnrolmentProfiles(self.client, "sakura school", "/dep/", self.check)

    def check(self) -> Mapping[str, Any]:
        for refusal in self.refusals:
            raise refusal
        return {}

    def tells(self, **devices: Mapping[str, Any]) -> None:
        self.far_side.answers = [as_json({"devices": devices})]


@pytest.fixture
def apple() -> Iterator[Apple]:
    with FarSide(as_json({})) as far_side:
        made = Apple(far_side)
        yield made
        made.client.close()


@pytest.mark.parametrize(
    ("told", "found", "said"),
    [
        pytest.param(HAS_ONE, None, "", id="assigned"),
        pytest.param({**HAS_ONE, "profile_status": "pushed"}, None, "", id="pushed"),
        pytest.param({**HAS_ONE, "profile_status": "removed"}, Found.FAILED, "no enrolment profile", id="removed"),
        pytest.param({**HAS_ONE, "profile_status": "empty"}, Found.FAILED, "no enrolment profile", id="empty"),
        pytest.param({**HAS_ONE, "profile_uuid": ""}, Found.FAILED, "no enrolment profile", id="without a name"),
        pytest.param({"response_status": "NOT_ACCESSIBLE"}, Found.FAILED, "does not have it", id="another server's"),
        pytest.param({}, Found.FAILED, "does not have it", id="not in the answer"),
        pytest.param({"response_status": "FAILED"}, Found.PENDING, "could not tell", id="not told"),
    ],
)
def test_who_would_not_come_back(apple: Apple, told: dict[str, Any], found: Found | None, said: str) -> None:
    apple.tells(**({DEVICE: told} if told else {}))
    hindrance = apple.profiles.hindrances([DEVICE]).get(DEVICE)
    assert (hindrance and hindrance.found) == found
    if hindrance and hindrance.reason:
        assert said in hindrance.reason["en"] and hindrance.reason["ja"]
    (asked,) = apple.far_side.asked
    assert (asked.method, asked.path) == ("POST", "/dep/proxy/sakura%20school/devices")
    assert json.loads(asked.body) == {"devices": [DEVICE]}


def test_many_are_asked_about_at_once_and_once_a_run(apple: Apple) -> None:
    devices = [f"C02XK0AB{number:04}" for number in range(1500)]
    apple.tells(**dict.fromkeys(devices, HAS_ONE))
    for _time in range(2):
        assert apple.profiles.hindrances(devices) == {}
    assert [len(json.loads(asked.body)["devices"]) for asked in apple.far_side.asked] == [1000, 500]
    assert apple.profiles.hindrances([]) == {} and len(apple.far_side.asked) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 502])
def test_a_refusal_is_told_as_that_of_the_token(apple: Apple, status: int) -> None:
    apple.far_side.answers = [Answer(status, b"T_C_NOT_SIGNED")]
    apple.refusals = [TermsNotSigned("terms")]
    with pytest.raises(TermsNotSigned):
        apple.profiles.hindrances([DEVICE])
    apple.refusals = []
    with pytest.raises(ServiceError, match=f"HTTP {status}.*Nothing was sent"):
        apple.profiles.hindrances([DEVICE])
