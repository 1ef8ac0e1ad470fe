# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple School Manager's API and Apple Business's, as far as other clients than ours use them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.api_account import bearer

Call = Callable[..., requests.Response]


def calls_of(tenant: Tenant, product: str = "school") -> Call:
    """GET, or POST where there is a body, with the tenant's account."""
    headers = bearer(tenant, tenant.school_token_url, f"{product}.api")

    def call(path: str, body: Any = None) -> requests.Response:
        method = "GET" if body is None else "POST"
        return requests.request(method, tenant.school_url + path, json=body, headers=headers, timeout=10)

    return call


@pytest.fixture
def tenant(world: World) -> Tenant:
    return world.tenant("school", other_servers=["Other MDM"])


@pytest.fixture
def call(tenant: Tenant) -> Call:
    return calls_of(tenant)


def activity(kind: str, serials: list[str], server: str | None = None) -> dict[str, Any]:
    relations: dict[str, Any] = {"devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]}}
    if server:
        relations["mdmServer"] = {"data": {"type": "mdmServers", "id": server}}
    about = {"type": "orgDeviceActivities", "attributes": {"activityType": kind}}
    return {"data": {**about, "relationships": relations}}


def test_one_server_and_that_of_a_device(tenant: Tenant, call: Call) -> None:
    first = call("/mdmServers").json()["data"][0]
    one = call(f"/mdmServers/{first['id']}").json()
    assert one["data"] == first
    assert one["links"]["self"] == f"{tenant.school_url}/mdmServers/{first['id']}"
    assert call(f"/orgDevices/{tenant.serials[0]}/assignedServer").json()["data"] == first
    for path in ("/mdmServers/UNKNOWN", "/orgDevices/UNKNOWN/assignedServer"):
        answer = call(path)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("absent", [False, True], ids=["null", "404"])
def test_a_device_without_a_server(tenant: Tenant, call: Call, absent: bool) -> None:
    tenant.switch(school_unassigned_404=absent)
    (server, _other) = (each["id"] for each in call("/mdmServers").json()["data"])
    assert call("/orgDeviceActivities", activity("UNASSIGN_DEVICES", tenant.serials[:1], server)).status_code == 201
    for path in ("relationships/assignedServer", "assignedServer"):
        answer = call(f"/orgDevices/{tenant.serials[0]}/{path}")
        assert answer.status_code == (404 if absent else 200)
        assert absent or answer.json()["data"] is None


@pytest.mark.parametrize("lock", ["NONE", "USER", "MDM"])
def test_activation_lock(tenant: Tenant, call: Call, lock: str) -> None:
    serial = tenant.serials[0]
    tenant.switch(school_activation_locks={} if lock == "NONE" else {serial: lock})
    told = call(f"/orgDevices/{serial}/activationLockStatus").json()["data"]
    assert (told["type"], told["id"]) == ("activationLockStatus", serial)
    assert told["attributes"] == {"isLocked": lock != "NONE", "lockType": lock}
    assert call("/orgDevices/UNKNOWN/activationLockStatus").status_code == 404


@pytest.mark.parametrize(
    ("path", "kind", "fields"),
    [
        ("/orgDevices", "orgDevices", ["serialNumber", "status"]),
        ("/orgDevices/{serial}", "orgDevices", ["deviceModel"]),
        ("/mdmServers", "mdmServers", ["serverName"]),
        ("/mdmServers/{server}", "mdmServers", ["deviceCount", "serverName"]),
        ("/orgDevices/{serial}/assignedServer", "mdmServers", ["serverType"]),
        ("/orgDevices/{serial}/activationLockStatus", "activationLockStatus", ["lockType"]),
    ],
)
def test_only_the_fields_that_were_asked_for(
    tenant: Tenant, call: Call, path: str, kind: str, fields: list[str]
) -> None:
    server = call("/mdmServers").json()["data"][0]["id"]
    query = f"?fields[{kind}]={','.join(fields)}"
    data = call(path.format(serial=tenant.serials[0], server=server) + query).json()["data"]
    for each in data if isinstance(data, list) else [data]:
        assert sorted(each["attributes"]) == sorted(fields)


@pytest.mark.parametrize("shown", [False, True], ids=["404", "with its date"])
def test_a_released_device_is_in_no_list(world: World, shown: bool) -> None:
    firm = world.tenant("firm", api_product="business")
    firm.switch(school_released_shown=shown)
    call = calls_of(firm, "business")
    gone, *left = firm.serials
    server = call("/mdmServers").json()["data"][0]["id"]
    assert call("/orgDeviceActivities", activity("RELEASE_DEVICES", [gone])).status_code == 201
    for path in ("/orgDevices", f"/mdmServers/{server}/relationships/devices"):
        assert sorted(each["id"] for each in call(path).json()["data"]) == sorted(left)
    answer = call(f"/orgDevices/{gone}")
    assert answer.status_code == (200 if shown else 404)
    if shown:
        told = answer.json()["data"]["attributes"]
        assert (told["status"], told["releasedFromOrgDateTime"][:4]) == ("UNASSIGNED", f"{world.now():%Y}")
    assert call(f"/orgDevices/{gone}/relationships/assignedServer").status_code == 404
    assert call(f"/orgDevices/{left[0]}").json()["data"]["attributes"]["releasedFromOrgDateTime"] is None


def test_an_activity_and_its_log_have_addresses(tenant: Tenant, call: Call) -> None:
    server = call("/mdmServers").json()["data"][0]["id"]
    begun = call("/orgDeviceActivities", activity("UNASSIGN_DEVICES", tenant.serials, server)).json()
    own = f"{tenant.school_url}/orgDeviceActivities/{begun['data']['id']}"
    assert begun["links"]["self"] == f"{tenant.school_url}/orgDeviceActivities"
    assert begun["data"]["links"]["self"] == own
    done = call(f"/orgDeviceActivities/{begun['data']['id']}").json()
    assert (done["links"]["self"], done["data"]["links"]["self"]) == (own, own)
    address = done["data"]["attributes"]["downloadUrl"]
    assert "response-content-disposition=attachment%3Bfilename%3D%22" in address
    assert "serial_number" in requests.get(address, timeout=10).text
