# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The client of Apple School Manager's API against the simulated service: tokens, pace, pages, refusals."""

from __future__ import annotations

import json
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import (
    AccessRefused,
    ConfigurationError,
    ServiceError,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.school import SchoolClient, log_rows
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.school_account import ApiAccount, SharedState
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

Make = Callable[..., SchoolClient]
NO_LIMITS = {"reads": 0, "writes": 0}


@pytest.fixture
def school(world: World) -> Tenant:
    return world.tenant("school", devices=7, other_servers=["Other MDM"])


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Make]:
    """Each call: a client as another process would have it, sharing what processes share."""
    made: list[SchoolClient] = []

    def make(tenant: Tenant, **changes: Any) -> SchoolClient:
        key = changes.pop("private_key", tenant.school_private_key.encode())
        account = ApiAccount(changes.pop("client_id", tenant.school_client_id), tenant.school_key_id, key)
        shared = {name: changes[name] for name in ("clock", "sleep") if name in changes}
        state = SharedState(str(tmp_path / "shared"), account, NO_LIMITS, **shared)
        urls = {"api_url": tenant.school_url, "token_url": tenant.school_token_url}
        made.append(SchoolClient(account, state, **urls, **changes))
        return made[-1]

    yield make
    for each in made:
        each.close()


def tokens(world: World) -> int:
    return len(world.requests(path_regex="/oauth2/"))


def test_devices_and_servers(school: Tenant, client: Make) -> None:
    school.switch(school_page_size=3)
    found = list(client(school).devices())
    assert sorted(device["serialNumber"] for device in found) == sorted(school.serials)
    assert {device["status"] for device in found} == {"ASSIGNED"}
    ours, other = client(school).servers()
    assert (ours["serverName"], ours["deviceCount"], other["deviceCount"]) == (school.server_name, 7, 0)
    assert sorted(client(school).devices_of(ours["id"])) == sorted(school.serials)
    assert client(school).assigned_server(school.serials[0]) == ours["id"]
    assert client(school).device("UNKNOWN00001") is None and client(school).assigned_server("UNKNOWN00001") is None


def test_all_processes_share_one_token(school: Tenant, client: Make, world: World, tmp_path: Path) -> None:
    world.forget_requests()
    for _process in range(3):
        client(school).servers()
    assert tokens(world) == 1
    (shared,) = (tmp_path / "shared").iterdir()
    assert stat.S_IMODE(shared.stat().st_mode) == 0o600


def test_a_token_that_ended_is_renewed_and_the_call_repeated(
    school: Tenant, client: Make, world: World, tmp_path: Path
) -> None:
    client(school).servers()
    (shared,) = (tmp_path / "shared").iterdir()
    shared.write_text(json.dumps({**json.loads(shared.read_text()), "token": "of-yesterday"}))
    world.forget_requests()
    assert len(client(school).servers()) == 2
    assert tokens(world) == 1


def test_a_damaged_shared_file_is_made_anew(school: Tenant, client: Make, tmp_path: Path) -> None:
    client(school).servers()
    (shared,) = (tmp_path / "shared").iterdir()
    shared.write_text("{")
    assert client(school).servers()


@pytest.mark.parametrize(("kind", "period", "limit"), [("reads", 60, 20), ("writes", 3600, 10)])
def test_the_pace_is_that_of_all_processes(kind: str, period: int, limit: int, school: Tenant, tmp_path: Path) -> None:
    now = [1000.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    account = ApiAccount(school.school_client_id, school.school_key_id, school.school_private_key.encode())
    processes = [
        SharedState(str(tmp_path), account, {"reads": 20, "writes": 10}, clock=lambda: now[0], sleep=sleep)
        for _process in range(2)
    ]
    for number in range(2 * limit + 1):
        processes[number % 2].wait_for_turn(kind)
        now[0] += 1
    assert now[0] - 1000 >= 2 * period and len(waits) == 2


def test_a_change_waits_as_long_as_apple_says_and_is_made_once(school: Tenant, client: Make, world: World) -> None:
    world.fault(path_regex="/orgDeviceActivities", status=429, headers={"Retry-After": "17"}, times=2)
    waits: list[float] = []
    (server, _other) = client(school).servers()
    name = client(school, sleep=waits.append).unassign(server["id"], school.serials[:2])
    assert waits == [17, 17]
    assert client(school).activity(name)["status"] == "COMPLETED"  # type: ignore[index]
    assert list(school.refresh().assigned.values()).count("") == 2


def test_a_change_that_may_have_been_made_is_not_repeated(school: Tenant, client: Make, world: World) -> None:
    (server, _other) = client(school).servers()
    world.forget_requests()
    world.fault(path_regex="/orgDeviceActivities", status=502, when="after")
    with pytest.raises(ServiceError):
        client(school).unassign(server["id"], school.serials[:2])
    assert len(world.writes(path_regex="orgDeviceActivities")) == 1


def test_a_wait_that_is_too_long_is_told(school: Tenant, client: Make, world: World) -> None:
    (server, _other) = client(school).servers()
    world.fault(path_regex="/orgDeviceActivities", status=429, headers={"Retry-After": "1800"})
    with pytest.raises(ServiceError, match="1800 seconds of patience. Nothing was changed"):
        client(school).unassign(server["id"], school.serials[:2])


def test_the_log_of_an_activity(school: Tenant, client: Make) -> None:
    school.switch(school_failing=school.serials[:1])
    (server, _other) = client(school).servers()
    name = client(school).unassign(server["id"], school.serials[:2])
    activity = client(school).activity(name)
    assert activity and activity["subStatus"] == "COMPLETED_WITH_ERROR"
    assert client(school).log(activity["downloadUrl"]) == {
        school.serials[0]: ("FAILURE", "DEVICE_LOCKED"),
        school.serials[1]: ("SUCCESS", ""),
    }
    assert client(school).activity("00000000-0000-0000-0000-000000000000") is None


def test_a_log_with_short_rows_and_other_columns() -> None:
    text = "\ufeffOPERATION,UNASSIGN\n\nserial_number,x,operation_status\nC02A,1,SUCCESS\nC02B\n\n"
    assert log_rows(text) == {"C02A": ("SUCCESS", ""), "C02B": ("", "")}


def test_apples_words_for_a_refusal(school: Tenant, client: Make) -> None:
    with pytest.raises(ServiceError, match="There is no server NONE .ENTITY_ERROR.RELATIONSHIP.INVALID") as refused:
        client(school).unassign("NONE", school.serials[:1])
    assert (refused.value.status, refused.value.details["code"]) == (409, "ENTITY_ERROR.RELATIONSHIP.INVALID")


def test_release_is_of_business_alone(world: World, client: Make) -> None:
    business = world.tenant("firm", api_product="business")
    client(business).release(business.serials[:1])
    assert client(business).device(business.serials[0]) is None
    assert client(business).account.product == "business"


# Accounts


@pytest.mark.parametrize("form", ["PKCS8", "TraditionalOpenSSL"])
def test_the_proper_forms_of_the_key(school: Tenant, client: Make, form: str) -> None:
    """Apple's own file, which the other tests use, has the heading of the one and the content of the other."""
    proper = school.school_private_key.replace("EC PRIVATE KEY", "PRIVATE KEY")
    key = serialization.load_pem_private_key(proper.encode(), None)
    pem = key.private_bytes(
        serialization.Encoding.PEM, getattr(serialization.PrivateFormat, form), serialization.NoEncryption()
    )
    assert client(school, private_key=pem, client_id=f"{school.school_client_id}\n").servers()


def other_key(kind: str) -> bytes:
    made: Any = {
        "RSA": lambda: rsa.generate_private_key(65537, 2048),
        "P-384": lambda: ec.generate_private_key(ec.SECP384R1()),
    }[kind]()
    pem: bytes = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return pem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        pytest.param(lambda: {"client_id": "my-school"}, "SCHOOLAPI", id="client id"),
        pytest.param(lambda: {"private_key": b"no key"}, "cannot be read", id="no key"),
        pytest.param(lambda: {"private_key": other_key("RSA")}, "another kind", id="RSA"),
        pytest.param(lambda: {"private_key": other_key("P-384")}, "another kind", id="P-384"),
    ],
)
def test_an_account_that_cannot_be_one(
    school: Tenant, client: Make, world: World, change: Callable[[], dict[str, Any]], said: str
) -> None:
    world.forget_requests()
    with pytest.raises(ConfigurationError, match=said):
        client(school, **change())
    assert world.requests() == []


def test_another_accounts_key(world: World, school: Tenant, client: Make) -> None:
    other = world.tenant("other")
    with pytest.raises(AccessRefused, match="did not accept the API account SCHOOLAPI") as refused:
        client(school, private_key=other.school_private_key.encode()).servers()
    assert "PRIVATE" not in str(refused.value.details)


def test_an_assertion_is_short_lived(school: Tenant) -> None:
    import jwt

    account = ApiAccount(school.school_client_id, school.school_key_id, school.school_private_key.encode())
    now = time.time()
    claims = jwt.decode(account.assertion(now), options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 600 and abs(claims["iat"] - now) < 2
    assert school.school_private_key not in repr(account)
