# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.modules import asm_unassign, campaign_info, campaign_plan
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

CAMPAIGN = "graduation-2027"
Run = Callable[..., dict[str, Any]]


@pytest.fixture
def school(world: World) -> Tenant:
    return world.tenant("school", devices=6, assets=3, licences=2)


@pytest.fixture
def asm(school: Tenant, tmp_path: Path) -> dict[str, Any]:
    return {
        "client_id": school.school_client_id,
        "key_id": school.school_key_id,
        "private_key": school.school_private_key,
        "api_url": school.school_url,
        "token_url": school.school_token_url,
        "cache_path": str(tmp_path / "cache"),
        "reads_per_minute": 0,
        "writes_per_hour": 0,
    }


@pytest.fixture
def run(school: Tenant, asm: dict[str, Any], tmp_path: Path) -> Run:
    def plan(check: bool = False, **params: Any) -> dict[str, Any]:
        usual = {
            "campaign": CAMPAIGN,
            "confirm": CAMPAIGN,
            "tenant": school.name,
            "outcome": "donate",
            "ledger": str(tmp_path / "ledger.db"),
            "devices": school.serials[:4],
            "mdm": {"url": school.url, "api_key": school.api_key},
            "content_token": school.content_token,
            "apps_and_books_url": school.apps_and_books_url,
            "asm": asm,
            "server_name": school.server_name,
        }
        given = {name: value for name, value in {**usual, **params}.items() if value is not None}
        return run_module(campaign_plan, check, **given)

    return plan


def test_a_dry_run_writes_nothing_and_tells_what_stands_in_the_way(
    run: Run, school: Tenant, world: World, tmp_path: Path
) -> None:
    world.forget_requests()
    told = run(True, confirm=None, devices=[*school.serials[:3], "UNKNOWN00001"])
    assert told["changed"] and told["devices"] == 4
    assert told["steps"] == ["collect", "profiles", "apps", "licences", "delete", "unassign"]
    assert told["absent"]["users"]["en"].startswith("NanoMDM keeps no users")
    assert world.writes(path_regex="orgDeviceActivities|disassociate|enqueue") == []
    assert [path.name for path in tmp_path.iterdir()] == ["cache"]
    assert told["summary"]["unassign"] == {"to_do": 4, "stopped": 1}
    steps = {each["device"]: each["steps"] for each in told["plan"]}
    assert all(steps[serial] == told["steps"] for serial in school.serials[:3])
    assert "licences" not in steps["UNKNOWN00001"], "it has none"
    assert {each["stopped_by"]["step"] for each in told["plan"]} == {"collect"}, "none has enrolled"


def test_devices_enter_once(run: Run, school: Tenant, tmp_path: Path) -> None:
    assert run()["changed"] and not run()["changed"] and not run(True)["changed"]
    told = run_module(campaign_info, campaign=CAMPAIGN, ledger=str(tmp_path / "ledger.db"), devices=school.serials)
    assert told["devices"] == {"done": 0, "pending": 4, "failed": 0, "unknown": 2}
    assert {each["step"] for each in told["pending"]} == {"collect"}
    assert {step["step"]: step["states"] for step in told["steps"]} == {
        "users": {"skipped": 4},
        "organizations": {"skipped": 4},
    }


def test_no_step_of_another_outcome_and_no_other_outcome(run: Run, school: Tenant, world: World) -> None:
    run(outcome="reassign")
    assert "entered the campaign to reassign" in run()["msg"]
    assert "entered the campaign to reassign" in run(True)["msg"]
    assert "belong to another tenant" in run(tenant="other")["msg"]


def test_a_step_of_another_outcome_sends_nothing(
    run: Run, school: Tenant, asm: dict[str, Any], world: World, tmp_path: Path
) -> None:
    run(outcome="reassign")
    usual: dict[str, Any] = {"campaign": CAMPAIGN, "confirm": CAMPAIGN, "tenant": school.name}
    usual |= {"ledger": str(tmp_path / "ledger.db"), "devices": school.serials[:1]}
    refused = run_module(asm_unassign, **usual, asm=asm, server_name=school.server_name)
    assert "does not go with unassign" in refused["msg"]
    assert world.writes(path_regex="orgDeviceActivities") == []


def test_what_the_inventory_does_not_tell_how_is_left_out(run: Run) -> None:
    told = run(content_token=None, asm=None, server_name=None)
    assert told["steps"] == ["collect", "profiles", "apps", "delete"]
    assert {"licences", "unassign"} <= set(told["absent"])


@pytest.mark.parametrize(
    ("params", "said"),
    [
        pytest.param({"confirm": None}, "confirm is not graduation-2027", id="not confirmed"),
        pytest.param({"max_devices": 3}, "4 devices are more than max_devices", id="too many"),
        pytest.param({"roster_path": "/nowhere.csv"}, "/nowhere.csv cannot be read", id="no roster"),
    ],
)
def test_what_is_refused(run: Run, params: dict[str, Any], said: str, tmp_path: Path) -> None:
    assert said in run(**params)["msg"]
    assert not (tmp_path / "ledger.db").exists()


@pytest.mark.parametrize(("outcome", "refused"), [("reassign", True), ("donate", False)])
def test_a_wrong_wifi_file_is_told_by_the_plan_of_those_who_are_erased(
    run: Run, tmp_path: Path, outcome: str, refused: bool
) -> None:
    wifi = tmp_path / "wifi.mobileconfig"
    wifi.write_text("<plist/>")
    told = run(True, outcome=outcome, wifi_profile_path=str(wifi))
    assert ("no configuration profile" in told.get("msg", "")) is refused


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_a_roster(run: Run, school: Tenant, tmp_path: Path, encoding: str) -> None:
    one, other, twice, absent = school.serials[:4]
    roster = tmp_path / "roster.csv"
    rows = f"組,シリアル番号,氏名\r\n6-1,{one.lower()},山田\r\n6-2,{other},田中\r\n6-1,{twice},鈴木\r\n6-1,{twice},佐藤\r\n"
    roster.write_bytes(rows.encode(encoding))
    told = run(True, roster_path=str(roster), roster_class="6-1")
    assert [each["device"] for each in told["plan"]] == [one] and told["plan"][0]["owner"] == "山田"
    reasons = {each["device"]: each["reason"]["en"] for each in told["left_out"]}
    assert "in class 6-2, not in 6-1" in reasons[other]
    assert "2 times" in reasons[twice] and "does not have it" in reasons[absent]


def test_a_roster_without_serial_numbers(run: Run, tmp_path: Path) -> None:
    roster = tmp_path / "roster.csv"
    roster.write_text("<html>")
    assert "no column with serial numbers" in run(True, roster_path=str(roster))["msg"]


def test_no_secret_in_the_result(run: Run, school: Tenant) -> None:
    for told in (run(True), run()):
        assert school.school_private_key.splitlines()[1] not in str(told)
        assert school.content_token.strip() not in str(told) and school.api_key not in str(told)
