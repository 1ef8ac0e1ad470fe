# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import asm_unassign, campaign_info
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

CAMPAIGN = "graduation-2027"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def school(world: World) -> Tenant:
    return world.tenant("school", devices=6, other_servers=["Other MDM"])


def asm(tenant: Tenant, tmp_path: Path, **changes: Any) -> dict[str, Any]:
    return {
        "client_id": tenant.school_client_id,
        "key_id": tenant.school_key_id,
        "private_key": tenant.school_private_key,
        "api_url": tenant.school_url,
        "token_url": tenant.school_token_url,
        "cache_path": str(tmp_path / "cache"),
        "reads_per_minute": 0,
        "writes_per_hour": 0,
        **changes,
    }


@pytest.fixture
def run(school: Tenant, tmp_path: Path) -> Run:
    def unassign(check: bool = False, **params: Any) -> dict[str, Any]:
        usual = {
            "campaign": CAMPAIGN,
            "confirm": CAMPAIGN,
            "tenant": school.name,
            "ledger": str(tmp_path / "ledger.db"),
            "devices": school.serials[:4],
            "server_name": school.server_name,
            "asm": asm(school, tmp_path),
            "wait_timeout": 0,
        }
        given = {name: value for name, value in {**usual, **params}.items() if value is not None}
        return run_module(asm_unassign, check, **given)

    return unassign


def test_devices_leave_the_server_once(run: Run, school: Tenant, world: World, tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    world.forget_requests()
    predicted = run(True, confirm=None, records_path=str(records))
    assert (predicted["changed"], predicted["summary"]["to_do"], predicted["to_do"]) == (
        True,
        4,
        sorted(school.serials[:4]),
    )
    assert world.writes(path_regex="orgDeviceActivities") == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache"]
    done = run(records_path=str(records))
    assert (done["changed"], done["summary"]["done"], done["failures"], done["pending"]) == (True, 4, [], [])
    assert [school.refresh().assigned[serial] for serial in school.serials] == [""] * 4 + [
        school.refresh().assigned[school.serials[5]]
    ] * 2
    assert [json.loads(line)["state"] for line in records.read_text().splitlines()] == ["done"] * 4
    assert records.stat().st_mode & 0o777 == 0o600
    again, predicted = run(), run(True)
    assert not again["changed"] and not predicted["changed"]
    assert len(world.writes(path_regex="orgDeviceActivities")) == 1
    asked: dict[str, Any] = {
        "campaign": CAMPAIGN,
        "ledger": str(tmp_path / "ledger.db"),
        "devices": [school.serials[0]],
    }
    told = run_module(campaign_info, **asked, with_records=True)
    assert told["steps"] == [{"step": "unassign", "states": {"done": 4}, "devices": 4}]
    assert told["records"][0]["evidence"]["assigned"] is False


def test_many_devices_are_read_back_by_pages(run: Run, world: World, tmp_path: Path) -> None:
    big = world.tenant("big", devices=60)
    world.forget_requests()
    done = run(devices=big.serials, tenant="big", server_name=big.server_name, asm=asm(big, tmp_path))
    assert done["summary"]["done"] == 60
    assert len(world.requests("big", "orgDevices|relationships/devices")) <= 3


@pytest.mark.parametrize("unknown_409", [False, True])
def test_a_device_that_the_organisation_does_not_have(
    run: Run, school: Tenant, world: World, unknown_409: bool
) -> None:
    school.switch(school_unknown_serial_409=unknown_409)
    done = run(devices=[*school.serials[:2], "UNKNOWN00001"])
    assert (done["summary"]["done"], done["summary"]["failed"]) == (2, 1)
    assert done["failures"][0]["device"] == "UNKNOWN00001"
    assert "no device of this serial number" in done["failures"][0]["reason"]["en"]


def test_a_device_of_another_server_is_left_alone(run: Run, school: Tenant, world: World) -> None:
    done = run(server_name="Other MDM")
    assert done["summary"]["failed"] == 4 and "another server" in done["failures"][0]["reason"]["en"]
    assert world.writes(path_regex="orgDeviceActivities") == []


@pytest.mark.parametrize("linkage_404", [False, True])
def test_a_device_that_has_left_already_is_done(run: Run, school: Tenant, world: World, linkage_404: bool) -> None:
    run(campaign="earlier", confirm="earlier")
    school.switch(school_unassigned_404=linkage_404)
    world.forget_requests()
    done = run()
    assert done["summary"]["done"] == 4 and world.writes(path_regex="orgDeviceActivities") == []


@pytest.mark.parametrize(
    ("switches", "summary"),
    [
        pytest.param({"school_activity_seconds": 3600}, {"pending": 4}, id="runs"),
        pytest.param({"school_lag_seconds": 3600}, {"pending": 4}, id="not shown yet"),
        pytest.param({"school_activity_fails": True}, {"failed": 4}, id="gave up"),
        pytest.param({"school_no_log": True}, {"done": 4}, id="no log"),
    ],
)
def test_what_becomes_of_an_activity(
    run: Run, school: Tenant, world: World, switches: dict[str, Any], summary: dict[str, int]
) -> None:
    school.switch(**switches)
    done = run()
    assert {name: count for name, count in done["summary"].items() if count} == summary
    world.forget_requests()
    if "pending" in summary:
        assert not run()["changed"] and world.writes(path_regex="orgDeviceActivities") == []


def test_a_device_that_apple_does_not_release_fails_alone(run: Run, school: Tenant) -> None:
    school.switch(school_failing=school.serials[:1])
    done = run()
    assert (done["summary"]["done"], done["summary"]["failed"]) == (3, 1)
    assert done["failures"] == [
        {
            "device": school.serials[0],
            "state": "failed",
            "reason": {
                "en": "Apple did not unassign the device: DEVICE_LOCKED.",
                "ja": "Apple が割り当てを解除しませんでした (DEVICE_LOCKED)。",
            },
        }
    ]
    school.switch(school_failing=[])
    assert run()["summary"]["done"] == 4


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_settled_by_the_assignments(run: Run, world: World, when: Literal["before", "after"]) -> None:
    world.fault(path_regex="orgDeviceActivities", reset=True, when=when)
    assert "running again is safe" in run()["msg"]
    world.forget_requests()
    second = run()
    assert second["summary"]["done" if when == "after" else "pending"] == 4
    assert world.writes(path_regex="orgDeviceActivities") == [], "in doubt is not sent again before it is settled"


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param({"confirm": None}, "confirm is not graduation-2027", id="not confirmed"),
        pytest.param({"confirm": "graduation-2026"}, "confirm is not graduation-2027", id="another campaign"),
        pytest.param({"max_devices": 3}, "4 devices are more than max_devices", id="too many"),
        pytest.param({"devices": ["no serial!"]}, "is no serial number", id="no serial number"),
        pytest.param({"server_name": "Nobody's MDM"}, "0 device management services are named", id="server"),
    ],
)
def test_what_is_refused_before_anything_is_sent(run: Run, world: World, params: dict[str, Any], said: str) -> None:
    world.forget_requests()
    assert said in run(**params)["msg"]
    assert world.writes(path_regex="orgDeviceActivities") == []


def test_devices_in_a_file(run: Run, school: Tenant, tmp_path: Path) -> None:
    listed = tmp_path / "devices.csv"
    listed.write_text("\ufeff# grade 6\n" + "".join(f"{serial.lower()},iPad\n" for serial in school.serials[:2]) + "\n")
    assert run(devices=None, devices_path=str(listed))["summary"]["done"] == 2


def test_no_secret_in_the_result_or_the_ledger(run: Run, school: Tenant, tmp_path: Path) -> None:
    key = school.school_private_key.splitlines()[1]
    assert key not in str(run())
    assert all(key.encode() not in path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
