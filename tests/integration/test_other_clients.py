# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Programs of others, as they are published, at the simulated Apple under its real host names: judges that know neither us
nor our simulator. pyaxm and NanoAXM speak to School and Business Manager, NanoMDM pushes through APNs."""

from __future__ import annotations

import importlib
import plistlib
import re
import time
import uuid
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import requests
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.school import SchoolClient
from ansible_collections.nendo.apple_mdm.plugins.module_utils.apple.school_account import ApiAccount, SharedState
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import Site
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.simulator.device_http import Connected
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import Device

LOGS = "https://store.blobstore.apple.com/"
ASK = {"RequestType": "DeviceInformation", "Queries": ["SerialNumber"]}


@pytest.fixture(autouse=True)
def apples_names(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """For these tests and all that they start."""
    for name, value in world.proxy.environment().items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def new_tenant(world: World) -> Callable[..., Tenant]:
    def make(**wishes: Any) -> Tenant:
        return world.tenant(f"others-{uuid.uuid4().hex[:8]}", **wishes)

    return make


# Our own client, with the addresses that it has built in


@pytest.mark.parametrize("product", ["school", "business"])
def test_our_client_at_its_default_addresses(new_tenant: Callable[..., Tenant], tmp_path: Path, product: str) -> None:
    tenant = new_tenant(api_product=product, devices=3)
    tenant.switch(school_page_size=2)
    account = ApiAccount(tenant.school_client_id, tenant.school_key_id, tenant.school_private_key.encode())
    client = SchoolClient(account, SharedState(str(tmp_path), account, {"reads": 0, "writes": 0}))
    try:
        assert sorted(each["serialNumber"] for each in client.devices()) == sorted(tenant.serials)
        done = client.activity(client.unassign(client.servers()[0]["id"], tenant.serials))
        assert done and done["downloadUrl"].startswith(LOGS)
        assert client.log(done["downloadUrl"]) == dict.fromkeys(tenant.serials, ("SUCCESS", ""))
    finally:
        client.close()


# pyaxm, whose addresses are those of Apple Business


@pytest.fixture
def firm(new_tenant: Callable[..., Tenant]) -> Tenant:
    return new_tenant(api_product="business", devices=4, other_servers=["Other MDM"])


@pytest.fixture
def pyaxm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Its module client; it looks after an activity sooner than after ten seconds."""
    try:
        with warnings.catch_warnings(record=True):  # what it is made of is deprecated
            found = importlib.import_module("pyaxm.client")
    except ImportError:
        nano_servers.absent("pyaxm is not here (tests/integration/requirements.txt)")
    monkeypatch.setattr(found, "time", SimpleNamespace(sleep=lambda _seconds: time.sleep(0.1)))
    return found


@pytest.fixture
def axm(pyaxm: ModuleType, firm: Tenant, tmp_path: Path) -> Any:
    key = tmp_path / "key.pem"
    key.write_text(firm.school_private_key)
    return pyaxm.Client(firm.school_client_id, firm.school_key_id, str(key), str(tmp_path / "token.json"))


def refusal_of_pyaxm() -> type[Exception]:
    refusal: type[Exception] = importlib.import_module("pyaxm.abm_requests").DeviceError
    return refusal


def test_pyaxm_reads_devices_and_servers(axm: Any, firm: Tenant) -> None:
    firm.switch(school_page_size=3)
    assert sorted(each.id for each in axm.list_devices()) == sorted(firm.serials)
    one = axm.get_device(firm.serials[0]).attributes
    assert (one.serialNumber, one.status, one.releasedFromOrgDateTime) == (firm.serials[0], "ASSIGNED", None)
    with pytest.raises(refusal_of_pyaxm(), match="The specified resource doesn't exist"):
        axm.get_device("UNKNOWN")
    ours, other = axm.list_mdm_servers()
    assert (ours.attributes.serverName, ours.attributes.deviceCount) == (firm.server_name, 4)
    assert sorted(each.id for each in axm.list_devices_in_mdm_server(ours.id)) == sorted(firm.serials)
    assert axm.list_devices_in_mdm_server(other.id) == []
    assert axm.get_device_server_assignment(firm.serials[0]).id == ours.id


def test_pyaxm_moves_devices_and_reads_the_log(axm: Any, firm: Tenant, world: World, tmp_path: Path) -> None:
    firm.switch(school_activity_seconds=0.3, school_failing=firm.serials[:1])
    ours, other = axm.list_mdm_servers()
    unassigned = axm.assign_unassign_device_to_mdm_server(firm.serials, ours.id, "UNASSIGN_DEVICES")
    assert (unassigned.attributes.status, unassigned.attributes.subStatus) == ("COMPLETED", "COMPLETED_WITH_ERROR")
    assert unassigned.attributes.downloadUrl.startswith(LOGS)
    log = Path(importlib.import_module("pyaxm.utils").download_activity_csv(unassigned, str(tmp_path))).read_text()
    assert f"{firm.serials[0]},FAILURE" in log and f"{firm.serials[1]},SUCCESS" in log
    plain = unassigned.attributes.downloadUrl.replace(LOGS, f"{world.url}/blobstore/")
    assert requests.get(plain, timeout=10).text.splitlines() == log.splitlines()
    assert [axm.get_device(serial).attributes.status for serial in firm.serials[:2]] == ["ASSIGNED", "UNASSIGNED"]
    firm.switch(school_failing=[])
    assigned = axm.assign_unassign_device_to_mdm_server(firm.serials[1:], other.id, "ASSIGN_DEVICES")
    assert (assigned.attributes.status, assigned.attributes.subStatus) == ("COMPLETED", "COMPLETED_WITH_SUCCESS")
    assert sorted(each.id for each in axm.list_devices_in_mdm_server(other.id)) == sorted(firm.serials[1:])


@pytest.mark.parametrize("shown", [False, True], ids=["404", "with its date"])
def test_pyaxm_releases_a_device(axm: Any, firm: Tenant, shown: bool) -> None:
    firm.switch(school_released_shown=shown)
    assert axm.release_devices(firm.serials[:1]).attributes.subStatus == "COMPLETED_WITH_SUCCESS"
    assert sorted(each.id for each in axm.list_devices()) == sorted(firm.serials[1:])
    if shown:
        assert axm.get_device(firm.serials[0]).attributes.releasedFromOrgDateTime is not None
    else:
        with pytest.raises(refusal_of_pyaxm()):
            axm.get_device(firm.serials[0])


@pytest.mark.parametrize("absent", [True, False], ids=["404", "null"])
def test_pyaxm_and_a_device_without_a_server(axm: Any, firm: Tenant, absent: bool) -> None:
    """Apple does not say how it answers. pyaxm takes 404 and no null; clients that are at work against Apple take null, so
    the simulator has both, and null is not its mistake."""
    firm.switch(school_unassigned_404=absent)
    server = axm.list_mdm_servers()[0].id
    axm.assign_unassign_device_to_mdm_server(firm.serials[:1], server, "UNASSIGN_DEVICES")
    with pytest.raises(refusal_of_pyaxm() if absent else ValueError):
        axm.get_device_server_assignment(firm.serials[0])


# NanoAXM, which serves many organisations of both products


@pytest.mark.parametrize("product", ["school", "business"])
def test_nanoaxm_reads_and_unassigns(new_tenant: Callable[..., Tenant], world: World, product: str) -> None:
    tenant = new_tenant(api_product=product)
    with nano_servers.nanoaxm() as url:
        call = proxied(url, tenant, product)
        servers = call("/mdmServers")["data"]
        assert [each["attributes"]["serverName"] for each in servers] == [tenant.server_name]
        found = call("/orgDevices?limit=2")
        assert found["links"]["next"].startswith(f"https://api-{product}.apple.com/v1/orgDevices?")
        begun = call("/orgDeviceActivities", unassigning(servers[0]["id"], tenant.serials))
        assert call(f"/orgDeviceActivities/{begun['data']['id']}")["data"]["attributes"]["status"] == "COMPLETED"
        assert set(tenant.refresh().assigned.values()) == {""}
        before = len(world.requests(path_regex="/oauth2/v2/token$"))
        world.fault(f"/api-{product}/", tenant=tenant.name, status=401)
        assert call(f"/orgDevices/{tenant.serials[0]}")["data"]["attributes"]["status"] == "UNASSIGNED"
        assert len(world.requests(path_regex="/oauth2/v2/token$")) == before + 1, "it asked for a new token, once"


def proxied(url: str, tenant: Tenant, product: str) -> Callable[..., Any]:
    """NanoAXM's proxy with the tenant's account: GET, or POST where there is a body."""
    auth = ("nanoaxm", nano_servers.API_KEY)
    about = {"axm_name": tenant.name, "client_id": tenant.school_client_id, "key_id": tenant.school_key_id}
    key = {"private_key": ("key.pem", tenant.school_private_key)}
    requests.post(f"{url}/authcreds", data=about, files=key, auth=auth, timeout=30).raise_for_status()

    def call(path: str, body: Any = None) -> Any:
        method, address = "POST" if body else "GET", f"{url}/proxy/{product}/{tenant.name}/v1{path}"
        answer = requests.request(method, address, json=body, auth=auth, timeout=30)
        answer.raise_for_status()
        return answer.json()

    return call


def unassigning(server: str, serials: list[str]) -> dict[str, Any]:
    relations = {
        "mdmServer": {"data": {"type": "mdmServers", "id": server}},
        "devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]},
    }
    about = {"type": "orgDeviceActivities", "attributes": {"activityType": "UNASSIGN_DEVICES"}}
    return {"data": {**about, "relationships": relations}}


# NanoMDM, whose pushes go through APNs


class Pushed(Device):
    """An iPad whose push token is one that the world's APNs gave out."""

    given = ""

    def enrol(self, awaiting: bool = False) -> None:
        super().enrol(awaiting)
        self.push_token = self.given


class School:
    """A NanoMDM with the push certificate of a tenant, and devices enrolled there that Apple's push service knows."""

    def __init__(self, site: Site, tenant: Tenant) -> None:
        self.site, self.tenant = site, tenant
        self.devices = [self.enrolled(udid, facts["token"]) for udid, facts in tenant.enrollments.items()]

    def enrolled(self, udid: str, token: str) -> Connected:
        device = Pushed(f"C02XK{udid[:6]}", self.tenant.push_topic, udid=udid)
        device.given = token
        connected = Connected(device, self.site.url, self.site.identities.sign(device.serial))
        connected.enrol()
        return connected

    def call(self, method: str, path: str, data: Any = None) -> requests.Response:
        auth = ("nanomdm", nano_servers.API_KEY)
        return requests.request(method, f"{self.site.url}/v1/{path}", data=data, auth=auth, timeout=30)

    def ask(self, *devices: Connected) -> requests.Response:
        """A question, sent with a push."""
        ids = ",".join(connected.device.udid for connected in devices)
        return self.call("PUT", f"enqueue/{ids}", plistlib.dumps({"CommandUUID": str(uuid.uuid4()), "Command": ASK}))

    def push(self, *devices: Connected) -> requests.Response:
        return self.call("GET", f"push/{','.join(connected.device.udid for connected in devices)}")

    def pushes(self, connected: Connected) -> list[int]:
        """How APNs answered every push for this device's token that came with the certificate of our topic."""
        path = f"^/3/device/{connected.device.push_token}$"
        return [entry["status"] for entry in self.tenant.world.requests(self.tenant.name, path)]

    def answered(self, connected: Connected) -> list[str | None]:
        """The UUID of every command whose answer nendo-events was told of."""
        events = self.site.ledger.events.find(enrollment_ids=[connected.device.udid], topics=["mdm.Connect"])
        return [event.command_uuid for event in events]

    def woken(self, connected: Connected) -> list[str]:
        """A device connects because it was pushed: what it was asked then."""
        self.site.awaited(lambda: 200 in self.pushes(connected))
        return connected.connect()


@pytest.fixture
def school(site: Site, new_tenant: Callable[..., Tenant]) -> School:
    tenant = new_tenant(enrollments=[str(uuid.uuid4()).upper() for _device in range(2)])
    school = School(site, tenant)
    pair = tenant.push_certificate_pem + tenant.push_private_key_pem
    stored = school.call("PUT", "pushcert", pair)
    assert stored.json()["topic"] == tenant.push_topic
    return school


def test_a_push_wakes_the_device_and_its_answer_arrives(school: School) -> None:
    first, second = school.devices
    answer = school.ask(first)
    told = answer.json()
    assert (answer.status_code, told["request_type"]) == (200, "DeviceInformation")
    assert uuid.UUID(told["status"][first.device.udid]["push_result"])
    assert (school.pushes(first), school.pushes(second)) == ([200], [])
    assert school.woken(first) == ["DeviceInformation"]
    school.site.awaited(lambda: told["command_uuid"] in school.answered(first))
    assert school.push(second).status_code == 200 and school.pushes(second) == [200]


def test_what_is_said_of_a_device_that_left(school: School) -> None:
    """Evidence that its MDM profile is gone. The command is in the queue all the same, whatever the status says."""
    left, there = school.devices
    school.tenant.enroll(left.device.udid, False)
    asked, pushed, both = school.ask(left), school.push(left), school.push(left, there)
    assert (asked.status_code, pushed.status_code, both.status_code) == (500, 500, 207)
    for answer in (asked, pushed, both):
        told = answer.json()["status"][left.device.udid]
        assert re.fullmatch(
            r"push HTTP status: 410: APNs push error: Unregistered: timestamp \d{13}", told["push_error"]
        )
        assert uuid.UUID(told["push_result"]), "a refused push has a result, too"
    assert not {"command_error", "push_error"} & set(asked.json()) and "command_error" not in str(asked.json())
    assert set(both.json()["status"][there.device.udid]) == {"push_result"}
    assert left.connect() == ["DeviceInformation"]


def test_other_refusals_are_told_apart_from_that(school: School) -> None:
    stranger, known = school.enrolled(str(uuid.uuid4()).upper(), "0" * 64), school.devices[0]
    assert push_error(school, stranger) == "push HTTP status: 400: APNs push error: BadDeviceToken"
    school.tenant.switch(apns_bad_certificate=True)
    assert push_error(school, known) == "push HTTP status: 403: APNs push error: BadCertificate"
    nobody = school.call("GET", "push/nobody").json()["status"]["nobody"]
    assert nobody == {"push_error": "push data missing for id"}


def push_error(school: School, connected: Connected) -> str:
    answer = school.push(connected)
    assert answer.status_code == 500
    return str(answer.json()["status"][connected.device.udid]["push_error"])


def test_a_reason_in_a_goaway_frame_loses_the_answer_and_more(school: School) -> None:
    """NanoMDM v0.9.0 panics there: with one id the answer is lost though the command is queued, with several it dies."""
    first = school.devices[0]
    school.tenant.switch(apns_goaway=True, apns_bad_certificate=True)
    with pytest.raises(requests.ConnectionError):
        school.ask(first)
    assert first.connect() == ["DeviceInformation"]
    with pytest.raises(requests.ConnectionError):
        school.push(*school.devices)
    with pytest.raises(requests.ConnectionError):
        school.call("GET", "push/nobody")
