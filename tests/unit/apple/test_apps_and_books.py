# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Apps and Books client: errors in every form, pages of one state, whose location it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import AccessRefused, ServiceError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.apps_and_books import AppsAndBooksClient
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import Answer, FarSide, as_json


@pytest.fixture
def far_side() -> Iterator[FarSide]:
    with FarSide(as_json({"uId": "1"})) as server:
        yield server


@pytest.fixture
def waits() -> list[float]:
    return []


@pytest.fixture
def client(far_side: FarSide, waits: list[float]) -> Iterator[AppsAndBooksClient]:
    client = AppsAndBooksClient("b3V0ZXI=", base_url=far_side.url + "/mdm/v2", sleep=waits.append)
    yield client
    client.close()


def error(number: int, status: int, **headers: str) -> Answer:
    return as_json({"errorNumber": number, "errorMessage": "in Apple's words"}, status, **headers)


def page(version: str, names: list[str], following: int | None = None) -> Answer:
    body: dict[str, Any] = {"versionId": version, "assets": [{"adamId": name} for name in names]}
    return as_json(body if following is None else {**body, "nextPageIndex": following})


def test_the_location_is_told(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [as_json({"uId": "7", "mdmInfo": {"id": "x"}, "locationName": "Chuo"})]
    assert client.client_config()["locationName"] == "Chuo"
    assert client.location == {"uId": "7", "mdmInfo": {"id": "x"}}
    assert far_side.asked[0].path == "/mdm/v2/client/config"
    assert far_side.asked[0].headers["Authorization"] == "Bearer b3V0ZXI="


def test_service_config_says_nothing_of_the_location(far_side: FarSide, client: AppsAndBooksClient) -> None:
    client.client_config()
    far_side.answers = [as_json({"limits": {}})]
    client.service_config()
    assert client.location == {"uId": "1"}


def test_a_claim(far_side: FarSide, client: AppsAndBooksClient) -> None:
    client.claim({"id": "me", "name": "My server", "metadata": "m"})
    assert far_side.asked[0].method == "POST" and far_side.asked[0].headers["Content-Type"] == "application/json"
    assert json.loads(far_side.asked[0].body) == {"mdmInfo": {"id": "me", "name": "My server", "metadata": "m"}}


@pytest.mark.parametrize(
    ("number", "status", "words"),
    [
        (9601, 401, "wants a content token"),
        (9621, 401, "expired"),
        (9622, 401, "does not know"),
        (9625, 401, "revoked"),
        (9637, 403, "may not"),
        (9722, 401, "damaged"),
        (9625, 200, "revoked"),
    ],
)
def test_a_dead_token(far_side: FarSide, client: AppsAndBooksClient, number: int, status: int, words: str) -> None:
    far_side.answers = [error(number, status)]
    with pytest.raises(AccessRefused, match=words) as caught:
        client.client_config()
    assert (caught.value.details["error_number"], caught.value.status) == (number, status)
    assert len(far_side.asked) == 1
    assert "b3V0ZXI=" not in str(caught.value) + str(caught.value.details)


@pytest.mark.parametrize(("number", "status"), [(9646, 429), (9729, 503)])
def test_a_busy_service_is_asked_again(
    far_side: FarSide, client: AppsAndBooksClient, waits: list[float], number: int, status: int
) -> None:
    far_side.answers = [error(number, status, Retry_After="4"), error(number, status), as_json({"uId": "7"})]
    assert client.client_config() == {"uId": "7"}
    assert waits == [4, 2]
    far_side.answers = [error(number, status)]
    with pytest.raises(ServiceError, match="some minutes"):
        client.client_config()


def test_other_refusals_and_other_errors(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [error(9723, 400)]
    with pytest.raises(ServiceError, match=r"9723: in Apple's words"):
        client.claim({})
    far_side.answers = [Answer(500, b"<html>")]
    with pytest.raises(ServiceError, match="HTTP 500"):
        client.client_config()


def test_assets_of_several_pages(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [page("v1", ["1", "2"], 1), page("v1", ["3"])]
    assert [asset["adamId"] for asset in client.assets()] == ["1", "2", "3"]
    assert [asked.path for asked in far_side.asked] == ["/mdm/v2/assets", "/mdm/v2/assets?pageIndex=1"]


def test_a_stock_that_changed_is_read_again(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [page("v1", ["1"], 1), page("v2", ["9"], 2), page("v2", ["1"], 1), page("v2", ["2"])]
    assert [asset["adamId"] for asset in client.assets()] == ["1", "2"]


def test_a_stock_that_never_rests(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [page(f"v{number}", ["1"], 1) for number in range(6)]
    with pytest.raises(ServiceError, match="changed during each"):
        client.assets()


@pytest.mark.parametrize("number", [9650, 9721])
def test_a_list_that_became_shorter_is_read_again(far_side: FarSide, client: AppsAndBooksClient, number: int) -> None:
    far_side.answers = [page("v1", ["1"], 1), error(number, 400), page("v2", ["1"])]
    assert [asset["adamId"] for asset in client.assets()] == ["1"]
    far_side.answers = [page("v1", ["1"], 1), error(9602, 400)]
    with pytest.raises(ServiceError, match="9602"):
        client.assets()


def assigned(version: str, total: int, following: int | None = None) -> Answer:
    more = {"nextPageIndex": following} if following is not None else {}
    return as_json({"assignments": [{"adamId": version}], "versionId": "v", "totalPages": total, **more})


def test_every_assignment_unless_that_takes_too_many_calls(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [assigned("1", 2, 1), assigned("2", 2)]
    assert client.every_assignment(2) == [{"adamId": "1"}, {"adamId": "2"}]
    far_side.answers = [assigned("1", 3, 1)]
    assert client.every_assignment(2) is None and len(far_side.asked) == 3


def test_an_event_that_apple_has_forgotten(far_side: FarSide, client: AppsAndBooksClient) -> None:
    far_side.answers = [error(9708, 400)]
    assert client.event("gone") is None
    far_side.answers = [error(9602, 400)]
    with pytest.raises(ServiceError):
        client.event("odd")


@pytest.mark.parametrize(("told", "a_second"), [({}, 15), ({"maxRequestPerSecond": 4}, 4)], ids=["not told", "told"])
def test_no_more_in_a_second_than_the_service_takes(far_side: FarSide, told: dict[str, int], a_second: int) -> None:
    now = 0.0

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds

    client = AppsAndBooksClient("b3V0ZXI=", base_url=far_side.url + "/mdm/v2", sleep=sleep, monotonic=lambda: now)
    far_side.answers = [as_json({"limits": told})]
    client.service_config()
    asked = []
    for _call in range(40):
        client.client_config()
        asked.append(now)
    client.close()
    assert all(later - earlier >= 1 for earlier, later in zip(asked, asked[a_second:], strict=False))
    assert now == 40 // a_second, "and no more seconds than that takes"


def test_what_was_refused_counts_too(far_side: FarSide) -> None:
    waits: list[float] = []
    client = AppsAndBooksClient(
        "b3V0ZXI=", base_url=far_side.url + "/mdm/v2", sleep=waits.append, monotonic=lambda: 0.0
    )
    far_side.answers = [*(error(9625, 400) for _call in range(15)), as_json({"uId": "1"})]
    for _call in range(15):
        with pytest.raises(ServiceError):
            client.client_config()
    client.client_config()
    client.close()
    assert waits == [1.0]
