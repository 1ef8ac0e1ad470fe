# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A world with 100,000 managed devices: made in seconds, small, and as quick at its last page as at its first."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any

import requests
from ansible_collections.nendo.apple_mdm.tests.simulator import client
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.api_account import bearer
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import Wire

DEVICES = 100_000
PAGE = 1000
MAKING_SECONDS = 15.0
ANSWER_SECONDS = 1.0  # of a machine that has much else to do
MOST_MEBIBYTES = 600


class Service:
    """JSON over one kept connection; no answer may be slow."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.url, self.session = url, requests.Session()
        self.session.headers.update({"Accept": "application/json", **headers})

    def call(self, path: str, body: Any = None) -> dict[str, Any]:
        answer = self.session.request("POST" if body else "GET", self.url + path, json=body, timeout=30)
        assert answer.ok and answer.elapsed.total_seconds() < ANSWER_SECONDS, (path, answer.elapsed, answer.text[:200])
        told: dict[str, Any] = answer.json()
        return told


def test_a_panel_with_ten_thousand_devices(world: World) -> None:
    before = time.monotonic()
    tenant = world.tenant("panel", mdm="clomo", devices=10_000, licences=2)
    assert time.monotonic() - before < MAKING_SECONDS / 3
    wire = Wire(tenant)
    everybody = wire.numbers()
    for path, more in (
        ("ask/commands", {}),
        ("ask/window", {"command": "remove_profile"}),
        ("commands/profile_list", {}),
        ("commands/delete", {"typed": "YES"}),
    ):
        began = time.monotonic()
        wire.post(path, rows=everybody, **more)
        assert time.monotonic() - began < 3 * ANSWER_SECONDS, path
    for path in ("rows/devices", "rows/users", "rows/reports"):
        began = time.monotonic()
        wire.get(path)
        assert time.monotonic() - began < ANSWER_SECONDS, path
    tenant.settled()
    world.restart()
    assert len(tenant.panel_devices()) == 10_000
    assert tenant.licences == []


def test_a_large_world() -> None:
    with client.start() as world:
        before = time.monotonic()
        tenant = world.tenant("large", devices=DEVICES, managed=True, licences=2)
        assert time.monotonic() - before < MAKING_SECONDS
        assert mebibytes(world) < MOST_MEBIBYTES
        gone = tenant.serials[:PAGE]
        unassign(Service(tenant.school_url, bearer(tenant, tenant.school_token_url)), tenant, gone)
        give_back(Service(tenant.apps_and_books_url, {"Authorization": f"Bearer {tenant.content_token}"}), tenant, gone)
        before = time.monotonic()
        (device,) = tenant.managed(gone[-1:])
        assert len(tenant.managed(tenant.serials[:10_000])) == 10_000
        assert time.monotonic() - before < 5 * ANSWER_SECONDS
        world.restart()
        assert tenant.managed(gone[-1:]) == [device]
        assert list(tenant.assigned.values()).count("") == PAGE and len(tenant.licences) == 2 * (DEVICES - PAGE)


def mebibytes(world: World) -> float:
    """What its process has in memory, where the system tells."""
    status = Path(f"/proc/{world.pid}/status")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text()) if status.exists() else None
    return int(found[1]) / 1024 if found else 0.0


def unassign(school: Service, tenant: Tenant, serials: list[str]) -> None:
    server = school.call("/mdmServers")["data"][0]["id"]
    for path in ("/orgDevices", f"/mdmServers/{server}/relationships/devices"):
        last = school.call(f"{path}?limit={PAGE}&cursor={DEVICES - PAGE}")
        assert len(last["data"]) == PAGE and "next" not in last["links"]
    activity = {
        "type": "orgDeviceActivities",
        "attributes": {"activityType": "UNASSIGN_DEVICES"},
        "relationships": {
            "mdmServer": {"data": {"type": "mdmServers", "id": server}},
            "devices": {"data": [{"type": "orgDevices", "id": serial} for serial in serials]},
        },
    }
    school.call("/orgDeviceActivities", {"data": activity})
    assert school.call(f"/orgDevices/{serials[-1]}")["data"]["attributes"]["status"] == "UNASSIGNED"


def give_back(books: Service, tenant: Tenant, serials: list[str]) -> None:
    tenant.switch(vpp_max_per_second=1000)
    pages = books.call("/assignments")["totalPages"]
    assert len(books.call(f"/assignments?pageIndex={pages - 1}")["assignments"]) == 200
    mine = books.call(f"/assignments?serialNumber={serials[-1]}")["assignments"]
    assets = [{name: one[name] for name in ("adamId", "pricingParam")} for one in mine]
    event = books.call("/assets/disassociate", {"assets": assets, "serialNumbers": serials})["eventId"]
    assert books.call(f"/status?eventId={event}")["numCompleted"] == 2 * PAGE
    assert books.call(f"/assignments?serialNumber={serials[-1]}")["assignments"] == []
