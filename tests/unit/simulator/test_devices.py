# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices that live in the world, enrolled in the embedded NanoMDM, and the events that a webhook gets of them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import plistlib
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
import requests
from ansible_collections.nendo.apple_mdm.tests.simulator import client
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import App, Device
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import FarSide, as_json

KEY = "webhook-key"
MDM = "com.example.mdm"
ERASE = {"RequestType": "EraseDevice", "ReturnToService": {"Enabled": True}}
REMOVE_MDM = {"RequestType": "RemoveProfile", "Identifier": MDM}
ASK = {"RequestType": "DeviceInformation", "Queries": ["SerialNumber", "OSVersion"]}


class Receiver(FarSide):
    """Takes the events of a webhook."""

    def __init__(self) -> None:
        super().__init__(as_json({}))

    def events(self, topic: str = "", *, idle: bool = False) -> list[dict[str, Any]]:
        """As they came; those that only ask for work are left out."""
        every = [json.loads(asked.body) for asked in self.asked]
        chosen = [each for each in every if topic in ("", each["topic"])]
        return [each for each in chosen if idle or each.get("acknowledge_event", {}).get("status") != "Idle"]

    def responses(self) -> dict[str, dict[str, Any]]:
        """What devices answered, by CommandUUID; of several the last."""
        told = [each["acknowledge_event"] for each in self.events("mdm.Connect")]
        return {each["command_uuid"]: payload(each) for each in told}

    def topics(self) -> Counter[str]:
        return Counter(each["topic"] for each in self.events())


def payload(event: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = plistlib.loads(base64.b64decode(event["raw_payload"]))
    return message


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    running = Receiver()
    with running:
        yield running


@pytest.fixture
def school(world: World, receiver: Receiver) -> Tenant:
    tenant = world.tenant("school", devices=4, managed=True)
    tenant.webhook(receiver.url + "/events", KEY)
    return tenant


def udid(tenant: Tenant, number: int) -> str:
    return str(tenant.managed([tenant.serials[number]])[0]["udid"])


def enqueue(
    tenant: Tenant, ids: list[str], command: dict[str, Any], name: str | None = None, *, push: bool = True
) -> dict[str, Any]:
    name = name or str(uuid.uuid4())
    body = plistlib.dumps({"CommandUUID": name, "Command": command})
    url = f"{tenant.url}/v1/enqueue/{','.join(ids)}{'' if push else '?nopush=1'}"
    answer = requests.put(url, data=body, auth=("nanomdm", tenant.api_key), timeout=10)
    return {"code": answer.status_code, **answer.json()}


def told(tenant: Tenant, number: int) -> dict[str, Any]:
    return tenant.managed([tenant.serials[number]])[0]


# Events


def test_a_receiver_learns_of_all_enrolments(school: Tenant, receiver: Receiver) -> None:
    school.enrol_all()
    school.settled()
    assert receiver.topics() == {"mdm.Authenticate": 4, "mdm.TokenUpdate": 4}
    messages = [payload(each["checkin_event"]) for each in receiver.events("mdm.Authenticate")]
    assert sorted(each["SerialNumber"] for each in messages) == sorted(school.serials)
    update = receiver.events("mdm.TokenUpdate")[0]["checkin_event"]
    assert update["token_update_tally"] == 1 and update["ids"] == {"id": update["udid"], "type": "Device"}
    assert payload(update)["Topic"] == school.push_topic and payload(update)["AwaitingConfiguration"] is False
    assert [each["enrolments"] for each in school.managed()] == [1] * 4, "they did not enrol again"


def test_events_are_signed_and_dated_to_a_part_of_a_second(school: Tenant, receiver: Receiver) -> None:
    school.enrol_all()
    school.settled()
    dates = []
    for asked in receiver.asked:
        signature = base64.b64encode(hmac.digest(KEY.encode(), asked.body, hashlib.sha256)).decode()
        assert (asked.method, asked.path, asked.headers["X-Hmac-Signature"]) == ("POST", "/events", signature)
        dates.append(json.loads(asked.body)["created_at"])
    assert len(set(dates)) == 8 and all("." in date for date in dates)
    assert len({json.loads(asked.body)["event_id"] for asked in receiver.asked}) == 8


def test_the_date_of_an_event_is_that_of_the_world(world: World, school: Tenant, receiver: Receiver) -> None:
    world.clock(days=400)
    school.enrol_all()
    school.settled()
    date = datetime.fromisoformat(receiver.events()[0]["created_at"][:19] + "+00:00")
    assert abs(date - world.now()) < timedelta(minutes=1)


def test_no_signature_without_a_key_and_no_event_without_a_webhook(world: World, receiver: Receiver) -> None:
    plain = world.tenant("plain", devices=1, managed=True)
    plain.enrol_all()
    plain.settled()
    assert receiver.asked == []
    plain.webhook(receiver.url)
    plain.enrol_all()
    plain.settled()
    assert len(receiver.asked) == 2 and "X-Hmac-Signature" not in receiver.asked[0].headers


def test_an_event_is_tried_once(school: Tenant, receiver: Receiver) -> None:
    receiver.answers = [as_json({}, 500)]
    school.enrol_all()
    school.settled()
    assert len(receiver.asked) == 8


def test_a_webhook_that_is_not_there_stops_nobody(school: Tenant, receiver: Receiver) -> None:
    school.webhook("http://127.0.0.1:9", KEY)
    enqueue(school, [udid(school, 0)], ASK, "ask")
    school.settled()
    assert told(school, 0)["seen"] == ["ask"]


def test_lost_doubled_and_late_events(school: Tenant, receiver: Receiver) -> None:
    ids = [each["udid"] for each in school.managed()]
    school.switch(events_lost_next=1)
    enqueue(school, ids, ASK, "one")
    school.settled()
    assert len(receiver.events("mdm.Connect")) == 3
    assert school.refresh().switches["events_lost_next"] == 0, "used up"
    school.switch(events_doubled_next=2)
    enqueue(school, ids, ASK, "two")
    school.settled()
    assert len(receiver.events("mdm.Connect")) == 3 + 6
    receiver.asked.clear()
    school.switch(events_late_next=1)
    enqueue(school, ids[:1], ASK, "late")
    enqueue(school, ids[1:], ASK, "soon")
    school.settled()
    events = receiver.events("mdm.Connect")
    dates = [datetime.fromisoformat(each["created_at"]) for each in events]
    assert len(events) == 4 and dates != sorted(dates)
    assert dates[-1] == min(dates), "the late one came last"


def test_a_fraction_of_the_events_is_lost_the_same_in_each_run(world: World, receiver: Receiver) -> None:
    lost: list[set[str]] = []
    for seed in (1, 1, 2):
        world.reset()
        school = world.tenant("school", devices=60, managed=True)
        school.webhook(receiver.url, KEY)
        school.switch(events_lost=0.3, events_seed=seed)
        receiver.asked.clear()
        enqueue(school, [each["udid"] for each in school.managed()], ASK, "ask")
        school.settled()
        heard = {each["acknowledge_event"]["udid"] for each in receiver.events("mdm.Connect")}
        lost.append({each["udid"] for each in school.managed()} - heard)
    assert lost[0] == lost[1] != lost[2] and 5 < len(lost[0]) < 35


# Its certificates


def test_each_enrolment_gives_a_device_another_identity(school: Tenant, receiver: Receiver) -> None:
    identities = []
    for name in ("one", "two"):
        enqueue(school, [udid(school, 0), udid(school, 1)], {"RequestType": "CertificateList"}, name)
        school.settled()
        told = [each["acknowledge_event"] for each in receiver.events("mdm.Connect")]
        identities += [
            certificate["Data"]
            for each in told
            if each["command_uuid"] == name
            for certificate in plistlib.loads(base64.b64decode(each["raw_payload"]))["CertificateList"]
            if certificate["IsIdentity"]
        ]
        school.device_enrols(school.serials[0])
        school.settled()
    assert len(identities) == 4 and len(set(identities)) == 3, "the other device has kept its own"


# The queue


def test_a_push_makes_a_device_take_its_whole_queue_first_in_first_out(school: Tenant, receiver: Receiver) -> None:
    ids = [udid(school, 0), udid(school, 1)]
    for name in ("a", "b", "c"):
        assert enqueue(school, ids, ASK, name, push=False) == {
            "code": 200,
            "no_push": True,
            "command_uuid": name,
            "request_type": "DeviceInformation",
        }
    school.settled()
    assert receiver.asked == [] and told(school, 0)["queue"] == ["a", "b", "c"]
    answer = requests.get(f"{school.url}/v1/push/{ids[0]}", auth=("nanomdm", school.api_key), timeout=10)
    assert "push_result" in answer.json()["status"][ids[0]]
    school.settled()
    assert (told(school, 0)["seen"], told(school, 0)["queue"]) == (["a", "b", "c"], [])
    assert (told(school, 1)["seen"], told(school, 1)["queue"]) == ([], ["a", "b", "c"])
    assert receiver.responses()["a"]["QueryResponses"] == {"SerialNumber": school.serials[0], "OSVersion": "18.4"}
    assert len(receiver.events(idle=True)) == 1 + len(receiver.events()), "it asked for work once"


def test_a_command_uuid_is_taken_once_for_ever(school: Tenant, receiver: Receiver) -> None:
    one, two = udid(school, 0), udid(school, 1)
    enqueue(school, [one], ASK, "u1")
    school.settled()
    for ids in ([one], [two]):
        refused = enqueue(school, ids, ASK, "u1")
        assert refused["code"] == 500 and "already exists" in refused["command_error"]
    school.settled()
    assert told(school, 1)["seen"] == [] and len(receiver.responses()) == 1


def test_ids_that_nobody_knows_are_taken(school: Tenant) -> None:
    mixed = enqueue(school, ["unknown", udid(school, 0)], ASK, "u1")
    assert mixed["code"] == 207 and "push_error" in mixed["status"]["unknown"]
    school.settled()
    assert told(school, 0)["seen"] == ["u1"]


def test_what_is_put_off_comes_later_and_the_others_go_on(school: Tenant, receiver: Receiver) -> None:
    school.device_set(school.serials[:1], not_now=2)
    for name, command in (("remove", {"RequestType": "SecurityInfo"}), ("ask", ASK)):
        enqueue(school, [udid(school, 0)], command, name, push=False)
    school.device_connects(school.serials[0])
    school.settled()
    statuses = [each["acknowledge_event"]["status"] for each in receiver.events("mdm.Connect")]
    assert sorted(statuses) == ["Acknowledged", "NotNow", "NotNow"], "offered again after the other"
    assert (told(school, 0)["seen"], told(school, 0)["queue"]) == (["ask"], ["remove"])
    school.device_connects(school.serials[0])
    school.settled()
    assert told(school, 0)["seen"] == ["ask", "remove"]


def test_the_queue_of_v090_offers_again_and_loses(school: Tenant, receiver: Receiver) -> None:
    """As the real one does, see tests/integration/test_embedded_nanomdm.py."""
    school.switch(nanomdm_faulty_queue=True)
    seen: list[list[str]] = []
    for put_off in (1, 2):
        school.device_set(school.serials[:1], not_now=put_off)
        enqueue(school, [udid(school, 0)], {"RequestType": "SecurityInfo"}, f"first {put_off}", push=False)
        enqueue(school, [udid(school, 0)], ASK, f"second {put_off}")
        school.settled()
        seen.append(told(school, 0)["seen"][sum(map(len, seen)) :])
    assert seen == [["second 1", "first 1", "second 1"], ["second 2", "second 2"]], "the other is lost"
    assert told(school, 0)["queue"] == []


def test_a_device_that_is_free_again_takes_what_it_put_off(school: Tenant) -> None:
    school.device_set(not_now=99)
    enqueue(school, [udid(school, 0)], {"RequestType": "SecurityInfo"}, "look")
    school.settled()
    assert told(school, 0)["queue"] == ["look"]
    school.device_set(not_now=0)
    school.settled()
    assert told(school, 0)["seen"] == ["look"]


def test_a_device_that_is_off_takes_nothing_until_it_is_on(school: Tenant, receiver: Receiver) -> None:
    school.device_set(school.serials[:1], off=True)
    enqueue(school, [udid(school, 0), udid(school, 1)], ASK, "ask")
    school.settled()
    assert (told(school, 0)["seen"], told(school, 1)["seen"]) == ([], ["ask"])
    school.device_set(off=False)
    school.settled()
    assert told(school, 0)["seen"] == ["ask"] and len(receiver.events("mdm.Connect")) == 2


def test_answers_take_their_time(school: Tenant) -> None:
    school.switch(device_answer_ms=300)
    enqueue(school, [udid(school, 0)], ASK, "ask")
    with pytest.raises(TimeoutError, match="still at work"):
        school.settled(timeout=0.1)
    school.settled()
    assert told(school, 0)["seen"] == ["ask"]


# What becomes of devices


def test_an_erased_device_comes_back_and_its_old_queue_is_gone(school: Tenant, receiver: Receiver) -> None:
    one = udid(school, 0)
    before = school.enrollments[one]
    enqueue(school, [one], ERASE, "erase", push=False)
    enqueue(school, [one], ASK, "after")
    school.settled()
    device = told(school, 0)
    assert (device["erased"], device["enrolments"], device["enrolled"]) == (1, 2, True)
    assert (device["awaiting"], device["seen"], device["queue"]) == (True, ["erase"], [])
    assert device["managed_apps"] == [] and MDM in device["profiles"]
    assert receiver.topics() == {"mdm.Connect": 1, "mdm.Authenticate": 1, "mdm.TokenUpdate": 1}
    after = school.enrollments[one]
    assert (after["enabled"], after["tally"]) == (True, 1) and after["token"] != before["token"]
    enqueue(school, [one], {"RequestType": "DeviceConfigured"})
    school.settled()
    assert told(school, 0)["awaiting"] is False


@pytest.mark.parametrize(
    ("facts", "command"),
    [
        pytest.param({"returns": False}, ERASE, id="does not return"),
        pytest.param({"find_my": True}, ERASE, id="Activation Lock"),
        pytest.param({}, {"RequestType": "EraseDevice"}, id="no Return to Service"),
    ],
)
def test_an_erased_device_that_stays_away(school: Tenant, facts: dict[str, Any], command: dict[str, Any]) -> None:
    school.device_set(school.serials[:1], **facts)
    enqueue(school, [udid(school, 0)], command)
    school.settled()
    device = told(school, 0)
    assert (device["erased"], device["enrolled"], device["enrolments"]) == (1, False, 1)
    refused = enqueue(school, [udid(school, 0)], ASK, "later")
    assert refused["code"] == 500 and "410" in refused["status"][udid(school, 0)]["push_error"]
    school.device_enrols(school.serials[0])
    school.settled()
    again = told(school, 0)
    assert (again["enrolled"], again["enrolments"], again["queue"], again["awaiting"]) == (True, 2, [], False)
    assert len(again["apps"]) == 3 and MDM in again["profiles"], "as the next pupil has it"


def test_a_device_that_does_not_wait_to_be_configured(school: Tenant) -> None:
    school.device_set(awaits=False)
    enqueue(school, [udid(school, 0)], ERASE)
    school.settled()
    assert (told(school, 0)["enrolments"], told(school, 0)["awaiting"]) == (2, False)


def test_a_device_that_is_switched_off_before_its_return_returns_later(school: Tenant) -> None:
    school.switch(device_returns_ms=200)
    enqueue(school, [udid(school, 0)], ERASE)
    while not told(school, 0)["erased"]:
        pass
    school.device_set(off=True)
    school.settled()
    assert told(school, 0)["enrolled"] is False
    school.device_set(off=False)
    school.settled()
    assert told(school, 0)["enrolments"] == 2


@pytest.mark.parametrize("checks_out", [False, True])
def test_the_removal_of_the_mdm_profile_ends_the_enrolment(
    school: Tenant, receiver: Receiver, checks_out: bool
) -> None:
    school.device_set(checks_out=checks_out)
    one = udid(school, 0)
    enqueue(school, [one], REMOVE_MDM, "leave", push=False)
    enqueue(school, [one], ASK, "after")
    school.settled()
    device = told(school, 0)
    assert (device["unenrolled"], device["enrolled"], device["erased"]) == (1, False, 0)
    assert (device["removed_profiles"], device["profiles"]) == ([MDM], [])
    assert device["apps"] == ["com.apple.Keynote", "com.example.game"] and device["managed_apps"] == []
    assert receiver.responses()["leave"]["Status"] == "Acknowledged"
    assert (device["seen"], device["queue"]) == (["leave"], ["after"])
    assert receiver.topics()["mdm.CheckOut"] == checks_out
    assert school.enrollments[one]["enabled"] is not checks_out
    push = requests.get(f"{school.url}/v1/push/{one}", auth=("nanomdm", school.api_key), timeout=10)
    assert push.status_code == 500 and "410" in push.json()["status"][one]["push_error"]


def test_a_device_that_is_handed_on_enrols_anew(school: Tenant, receiver: Receiver) -> None:
    one = udid(school, 0)
    enqueue(school, [one], ASK, "waits", push=False)
    school.device_enrols(school.serials[0])
    school.settled()
    assert (told(school, 0)["enrolments"], told(school, 0)["queue"], told(school, 0)["erased"]) == (2, [], 0)
    assert receiver.topics() == {"mdm.Authenticate": 1, "mdm.TokenUpdate": 1}
    enqueue(school, [one], ASK, "next")
    school.settled()
    assert told(school, 0)["seen"] == ["next"]


# One device


@pytest.fixture
def ipad() -> Callable[..., Device]:
    def made(**facts: Any) -> Device:
        device = Device("C02XK0AB0001", "com.apple.mgmt.External.x", **facts)
        device.enrolling()
        return device

    return made


def answer(device: Device, command: str, **keys: Any) -> dict[str, Any]:
    return device.answer({"CommandUUID": str(uuid.uuid4()), "Command": {"RequestType": command, **keys}})


def code(response: dict[str, Any]) -> int:
    return int(response["ErrorChain"][0]["ErrorCode"])


def test_profiles_and_apps_are_removed_once(ipad: Callable[..., Device]) -> None:
    device = ipad()
    assert answer(device, "RemoveProfile", Identifier="com.example.wifi")["Status"] == "Acknowledged"
    assert code(answer(device, "RemoveProfile", Identifier="com.example.wifi")) == 12075
    assert answer(device, "RemoveApplication", Identifier="com.example.agent")["Status"] == "Acknowledged"
    assert code(answer(device, "RemoveApplication", Identifier="com.example.agent")) == 12029
    assert code(answer(device, "RemoveApplication", Identifier="com.example.game")) == 12029, "not managed"
    assert (device.removed_profiles, device.removed_apps) == (("com.example.wifi",), ("com.example.agent",))
    assert device.enrolled and len(device.seen) == 5


def test_installed_apps_are_more_than_managed_ones(ipad: Callable[..., Device]) -> None:
    installed = answer(ipad(), "InstalledApplicationList")["InstalledApplicationList"]
    managed = answer(ipad(), "ManagedApplicationList")["ManagedApplicationList"]
    assert {each["Identifier"] for each in installed} - set(managed) == {"com.example.game"}
    assert {name: each["ManagementFlags"] for name, each in managed.items()} == {
        "com.example.agent": 1,
        "com.apple.Keynote": 0,
    }
    only = answer(ipad(), "InstalledApplicationList", ManagedAppsOnly=True, Identifiers=["com.apple.Keynote"])
    assert [each["Identifier"] for each in only["InstalledApplicationList"]] == ["com.apple.Keynote"]


def test_a_profile_of_somebody_else_goes_only_when_supervised(ipad: Callable[..., Device]) -> None:
    from ansible_collections.nendo.apple_mdm.tests.simulator.devices import PROFILES, Profile

    own = Profile("com.example.own", "com.apple.vpn.managed", managed=False)
    for supervised, removed in ((True, True), (False, False)):
        device = ipad(supervised=supervised, profiles=(*PROFILES, own))
        response = answer(device, "RemoveProfile", Identifier=own.identifier)
        assert (response["Status"] == "Acknowledged") is removed
        assert removed or code(response) == 12013
        assert len(answer(device, "ProfileList")["ProfileList"]) == (2 if removed else 3)
        assert len(answer(device, "ProfileList", ManagedOnly=True)["ProfileList"]) == 2


def test_what_is_not_understood(ipad: Callable[..., Device]) -> None:
    assert answer(ipad(), "RemoveProfile")["Status"] == "CommandFormatError"
    assert code(answer(ipad(), "Nonsense")) == 12021
    assert code(answer(ipad(lost_mode=True), "EraseDevice")) == 12078


def test_a_device_is_the_same_after_packing(ipad: Callable[..., Device]) -> None:
    device = ipad(battery=0.3, apps=(App("com.example.own"),))
    answer(device, "RemoveProfile", Identifier="com.example.wifi")
    assert Device.unpacked(json.loads(json.dumps(device.packed()))) == device


# The world around them


def test_devices_survive_a_restart(receiver: Receiver) -> None:
    with client.start() as world:
        school = world.tenant("school", devices=3, managed=True, licences=2)
        school.webhook(receiver.url, KEY)
        ids = [each["udid"] for each in school.managed()]
        school.device_set(school.serials[2:], off=True, battery=0.1)
        enqueue(school, ids[:1], ERASE, "erase")
        enqueue(school, ids[2:], ASK, "waits")
        school.settled()
        school.switch(device_wakes_ms=1500)
        enqueue(school, ids[1:2], ASK, "pushed before the stop")
        before = school.managed()
        licences = school.licences
        world.restart()
        school.switch(device_wakes_ms=0)
        after = school.managed()
        assert before[0] == after[0] and before[2] == after[2] and school.licences == licences
        school.device_set(off=False)
        school.settled()
        assert [each["seen"] for each in school.managed()] == [["erase"], ["pushed before the stop"], ["waits"]]
        assert "already exists" in enqueue(school, ids[:1], ERASE, "erase")["command_error"]


def test_every_answer_of_a_tenants_services_can_be_slow(world: World, school: Tenant) -> None:
    other = world.tenant("other")
    school.switch(answer_ms=300)

    def seconds(tenant: Tenant) -> float:
        return requests.get(f"{tenant.url}/version", timeout=10).elapsed.total_seconds()

    assert seconds(school) >= 0.3 > seconds(other)


def test_what_is_not_known_is_told(school: Tenant) -> None:
    with pytest.raises(ValueError, match="no such managed device: X"):
        school.managed(["X"])
    with pytest.raises(ValueError, match="can be set: erased"):
        school.device_set(erased=0)
    with pytest.raises(ValueError, match="http://"):
        school.webhook("https://127.0.0.1/")


def test_a_receiver_that_hangs_does_not_hold_up_the_next_test(world: World, school: Tenant, receiver: Receiver) -> None:
    receiver.hold.clear()
    enqueue(school, [each["udid"] for each in school.managed()], ASK)
    with pytest.raises(TimeoutError):
        school.settled(timeout=0.3)
    world.reset()
    with Receiver() as other:
        again = world.tenant("again", devices=40, managed=True)
        again.webhook(other.url)
        again.enrol_all()
        again.settled(timeout=8)
        assert len(other.asked) == 80


def test_one_command_for_thousands_of_devices(world: World) -> None:
    many = world.tenant("many", devices=3000, managed=True)
    ids = [each["udid"] for each in many.managed()]
    assert enqueue(many, ids, ASK, "ask")["code"] == 200
    many.settled()
    assert all(each["seen"] == ["ask"] for each in many.managed())
