# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The simulator's NanoMDM beside the real one: the same story of a device makes the same events at the webhook."""

from __future__ import annotations

import base64
import json
import plistlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests
from ansible_collections.nendo.apple_mdm.tests.integration import nano_servers
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.simulator.device_http import Connected, Identities
from ansible_collections.nendo.apple_mdm.tests.simulator.devices import Device
from ansible_collections.nendo.apple_mdm.tests.unit.far_side import FarSide, as_json

SERIAL = "C02XK0AB0001"
TOPIC = "com.apple.mgmt.External.e0bd1eac-1f17-4c8e-8a63-dd17d3dd35d9"
KEY = "webhook-key"
EVENT_SECONDS = 20
ASK = {"RequestType": "DeviceInformation", "Queries": ["SerialNumber", "OSVersion"]}
ERASE = {"RequestType": "EraseDevice", "ReturnToService": {"Enabled": True}}


class Embedded:
    def __init__(self, tenant: Tenant, receiver: FarSide) -> None:
        self.tenant, self.receiver, self.url, self.api_key = tenant, receiver, tenant.url, tenant.api_key
        self.enrollment_id = tenant.managed()[0]["udid"]
        tenant.webhook(receiver.url, KEY)
        tenant.switch(nanomdm_faulty_queue=True)

    def enrol(self) -> None:
        self.tenant.enrol_all()
        self.tenant.settled()

    def connect(self) -> None:
        self.tenant.device_connects(self.tenant.serials[0])
        self.tenant.settled()

    def set(self, **facts: Any) -> None:
        self.tenant.device_set(**facts)


class Real:
    api_key = nano_servers.API_KEY

    def __init__(self, url: str, identities: Identities, receiver: FarSide) -> None:
        self.url, self.receiver = url, receiver
        self.connected = Connected(Device(SERIAL, TOPIC), url, identities.sign(SERIAL))
        self.enrollment_id = self.connected.device.udid

    def enrol(self) -> None:
        self.connected.enrol()

    def connect(self) -> None:
        self.connected.connect()

    def set(self, **facts: Any) -> None:
        for name, value in facts.items():
            setattr(self.connected.device, name, value)


def enqueue(site: Embedded | Real, name: str, command: dict[str, Any]) -> str:
    body = plistlib.dumps({"CommandUUID": name, "Command": command})
    url = f"{site.url}/v1/enqueue/{site.enrollment_id}?nopush=1"
    answer = requests.put(url, data=body, auth=("nanomdm", site.api_key), timeout=10)
    return str(answer.json().get("command_error", ""))


def story(site: Embedded | Real) -> Iterator[str]:
    """What the server said to a command that it did not take. An iteration is a chapter."""
    site.enrol()
    yield ""
    site.set(not_now=2, checks_out=True)
    remove = {"RequestType": "RemoveProfile", "Identifier": "com.example.wifi"}
    for name, command in (("a", ASK), ("b", {"RequestType": "SecurityInfo"}), ("c", remove)):
        enqueue(site, name, command)
    site.connect()
    site.connect()
    yield enqueue(site, "a", ASK)
    for put_off in (1, 2):
        site.set(not_now=put_off)
        enqueue(site, f"{put_off} put off", {"RequestType": "SecurityInfo"})
        enqueue(site, f"{put_off} behind it", ASK)
        site.connect()
        site.connect()
        enqueue(site, f"{put_off} later", ASK)
        site.connect()
    yield ""
    enqueue(site, "erase", ERASE)
    enqueue(site, "behind the erase", ASK)
    site.connect()
    site.connect()
    yield ""
    enqueue(site, "configured", {"RequestType": "DeviceConfigured"})
    enqueue(site, "leave", {"RequestType": "RemoveProfile", "Identifier": "com.example.mdm"})
    site.connect()
    yield ""


def chapters(site: Embedded | Real, lengths: list[int] | None = None) -> list[Any]:
    """Of each chapter, the events in the order of their dates; lengths: how many events to wait for in each, else none."""
    found: list[Any] = []
    for refusal in story(site):
        deadline = time.monotonic() + EVENT_SECONDS
        while lengths and len(site.receiver.asked) < lengths[len(found) // 2] and time.monotonic() < deadline:
            time.sleep(0.02)
        events = [json.loads(asked.body) for asked in site.receiver.asked]
        assert all(asked.headers["X-Hmac-Signature"] for asked in site.receiver.asked)
        site.receiver.asked.clear()
        found += [refusal, [outline(event) for event in sorted(events, key=date_of)]]
    return found


def date_of(event: dict[str, Any]) -> tuple[str, str]:
    """Go leaves out trailing zeros."""
    second, _dot, rest = event["created_at"].partition(".")
    return second[:19], rest.rstrip("Z").partition("+")[0].ljust(9, "0")


def outline(event: dict[str, Any]) -> dict[str, Any]:
    """Without what differs from run to run."""
    about = dict(event.get("acknowledge_event") or event["checkin_event"])
    payload = plistlib.loads(base64.b64decode(about.pop("raw_payload")))
    assert about.pop("ids") == {"id": about["udid"], "type": "Device"}
    assert payload["UDID"] == about.pop("udid")
    return {"topic": event["topic"], "keys": sorted(event), "payload": sorted(payload), **about}


def test_both_tell_the_same_story(world: World, tmp_path: Path) -> None:
    with FarSide(as_json({})) as receiver:
        ours = chapters(Embedded(world.tenant("embedded-story", devices=1, managed=True), receiver))
    lengths = [len(chapter) for chapter in ours[1::2]]
    identities = Identities(tmp_path)
    with FarSide(as_json({})) as receiver:
        webhook = ("-webhook-url", receiver.url, "-webhook-hmac-key", KEY)
        with nano_servers.nanomdm(identities.path, *webhook) as url:
            theirs = chapters(Real(url, identities, receiver), lengths)
    assert ours == theirs
    statuses = [each.get("status") or each["topic"] for chapter in ours[1::2] for each in chapter]
    assert statuses.count("mdm.CheckOut") == 1 and statuses.count("NotNow") == 5
