# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A graduation on CLOMO PANEL, in a real browser against the simulated panel, by the modules that the play uses.

Warnings have the numbers of the facts sheet's chapter 10. To save time most tests begin with a device as if it had been
collected; that collecting gives the same is tested in the first."""

from __future__ import annotations

import json
import uuid
import zipfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.plugins.filter.graduation import graduation_plan
from ansible_collections.nendo.apple_mdm.plugins.module_utils._time import now_utc
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo import panel as clomo_panel
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.driver import ClomoDriver
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.drivers import driver_for
from ansible_collections.nendo.apple_mdm.plugins.modules import campaign_run
from ansible_collections.nendo.apple_mdm.tests.integration.clomo_classes import (
    AGENT,
    GAME,
    MDM_PROFILE,
    QUICK,
    RESTRICTIONS,
    VINTAGES,
    WIFI,
    Class_,
    class_of,
    quick,
)
from ansible_collections.nendo.apple_mdm.tests.integration.graduations import (
    CONFIRMED,
    Graduation,
    events_to,
    settings,
)
from ansible_collections.nendo.apple_mdm.tests.integration.nano_site import LEDGER_KEY
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.tiers import first_in_test
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

REMOVALS = ("remove_profile", "remove_app", "revoke_licence", "delete")
DESTRUCTIVE = (*REMOVALS, "purge", "erase", "delete_user", "delete_users")
TICKS = ("clomo_ticked_keep_apps", "clomo_ticked_return", "clomo_ticked_carry_over")
DETAILS = (
    "serial",
    "os_version",
    "owner",
    "owner_mail",
    "organization",
    "supervised",
    "lost_mode",
    "find_my",
    "ade",
)
BEFORE_DELETE = ("profiles", "apps", "licences")
BEFORE_USERS = {"donate": (*BEFORE_DELETE, "delete", "unassign"), "reassign": ("wipe",)}

pytestmark = pytest.mark.usefixtures("chromium")


def reason(group: Class_, step: str, device: str | None = None) -> str:
    told = group.record(device or group.devices[0], step).reason
    return told["en"] if told else ""


def state(group: Class_, step: str, device: str | None = None) -> str:
    return group.states(step)[device or group.devices[0]]


# Both outcomes from the beginning to the end


@pytest.mark.parametrize("vintage", first_in_test(VINTAGES))
def test_pattern_1_devices_are_given_away(world: World, tmp_path: Path, vintage: str) -> None:
    """2.5, all rows, and 6.2 for several users."""
    with class_of(world, tmp_path, "donate", 2, others=1, switches={"clomo_vintage": vintage}) as group, quick():
        bystander = group.tenant.panel_device(group.tenant.serials[-1])
        group.finish()
        for told in group.tenant.panel_devices(group.devices):
            assert (told["deleted"], told["erased"], told["records"], told["licences"]) == (1, 0, [], [])
            assert sorted(told["removed_profiles"]) == [RESTRICTIONS, WIFI]
            assert told["removed_apps"] == [AGENT]
            assert group.tenant.assigned[told["serial"]] is None or not group.tenant.assigned[told["serial"]]
        assert group.tenant.panel_device(group.tenant.serials[-1]) == bystander
        counts = [group.counted(kind) for kind in ("remove_profile", "remove_app", "revoke_licence", "delete")]
        assert all(count == dict.fromkeys(group.devices, 1) for count in counts)
        assert not group.mails() & {f"s{number:05}@{group.tenant.clomo_domain}.example" for number in (1, 2)}
        assert [act[0] for act in group.acts("delete_users", "delete_user")] == ["delete_users"]
        assert "3年生/3年1組" in group.tenant.panel_organizations, "somebody is left in it"


@pytest.mark.parametrize("vintage", first_in_test(VINTAGES))
def test_pattern_2_devices_are_handed_on(world: World, tmp_path: Path, vintage: str) -> None:
    """2.6, with the list of ADE devices, 6.2 for one user, and 6.3."""
    switches = {"clomo_vintage": vintage, "clomo_ade_missing": True}
    with class_of(world, tmp_path, "reassign", 1, others=0, switches=switches) as group, quick():
        group.finish()
        (told,) = group.tenant.panel_devices(group.devices)
        (record,) = told["records"]
        assert (told["erased"], told["enrolments"], told["deleted"]) == (1, 2, 0)
        assert (record["state"], record["owner"], record["tags"], record["memo"]) == ("managed", "", [], "")
        assert record["ade"], "the list of ADE devices was fetched"
        assert group.counted("erase") == {group.devices[0]: 1}
        assert [act[0] for act in group.acts("delete_users", "delete_user")] == ["delete_user"]
        assert "3年生/3年1組" not in group.tenant.panel_organizations, "nobody is left in it"


def test_what_is_collected(world: World, tmp_path: Path) -> None:
    """2.5, row 1."""
    with class_of(world, tmp_path, "donate", 1, others=1) as group, quick():
        group.plan()
        result = group.step("collect")
        (told,) = result["devices"]
        known = group.facts(group.devices[0])
        known["app_names"] = told["app_names"]  # the panel's names
        assert {name: told[name] for name in known} == known
        assert told["tags"] == ["貸出"] and told["last_answer_at"]
        seen = group.tenant.panel_device(group.devices[0])["seen"]
        assert seen == ["DeviceInformation", "ProfileList", "InstalledApplicationList"]
        assert group.acts(*DESTRUCTIVE) == []


# The order of things


def test_warning_12_and_20_nothing_is_deleted_before_the_removals_are_proven(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.wait_timeout = 2
        group.collected()
        group.tenant.panel_set(group.devices, off=True)
        for _run in range(2):
            told = [group.step(name) for name in ("profiles", "apps", "licences", "delete", "users")]
        assert state(group, "profiles") == "pending"
        assert group.counted("remove_profile") == {group.devices[0]: 1}, "it waits there already"
        assert [one["summary"]["pending"] for one in told] == [1, 1, 1, 1, 1]
        assert group.acts("remove_app", "delete", "delete_user") == []
        assert f"{now_utc() + timedelta(days=7):%Y-%m}" in reason(group, "profiles"), "when CLOMO gives it up"


def test_warning_6_an_expired_push_certificate(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0, push_days_left=-1) as group, quick():
        group.plan()
        result = group.try_step("collect")
        assert result["failed"] and "expired on" in result["msg"]
        assert group.acts() == []


def test_warning_14_a_work_smart_configuration(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.tenant.panel_set(group.devices, work_smart="校内学習")
        group.plan()
        group.run()
        assert state(group, "profiles") == "failed" and "校内学習" in reason(group, "profiles")
        assert group.acts(*DESTRUCTIVE) == [], "it keeps everything"


def test_warning_14_the_panel_refuses_what_was_not_known(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 2, others=0, licences=0) as group, quick():
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.tenant.panel_set([group.devices[1]], work_smart="校内学習")
        group.step("delete")
        assert group.states("delete") == {group.devices[0]: "done", group.devices[1]: "failed"}
        assert "Work Smart" in reason(group, "delete", group.devices[1])


def test_warning_15_a_record_stays_struck_through_until_its_certificates_are_revoked(
    world: World, tmp_path: Path
) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0, licences=0) as group, quick():
        group.wait_timeout = 2
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.tenant.panel_set(group.devices, certificates=["校内 CA"])
        group.step("delete")
        assert "校内 CA" in reason(group, "delete")
        assert state(group, "delete") in ("pending", "planned")
        group.tenant.panel_set(group.devices, certificates=[])
        group.step("delete")
        assert state(group, "delete") == "done"
        told = group.tenant.panel_device(group.devices[0])
        assert (told["deleted"], told["records"]) == (1, [])


@pytest.mark.parametrize("strikes", [False, True], ids=["stays", "struck through"])
def test_warning_15_licences_go_first(world: World, tmp_path: Path, strikes: bool) -> None:
    """The first deletion only takes them back."""
    switches = {"clomo_first_delete_strikes": strikes}
    with class_of(world, tmp_path, "donate", 1, others=0, switches=switches) as group, quick():
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.step("delete")
        group.step("delete")
        assert state(group, "delete") == "done"
        told = group.tenant.panel_device(group.devices[0])
        assert (told["deleted"], told["records"], told["licences"]) == (1, [], [])


@pytest.mark.parametrize("ticked", [False, True], ids=["unticked", "ticked"])
def test_warning_16_boxes_of_the_deletion(world: World, tmp_path: Path, ticked: bool) -> None:
    switches = dict.fromkeys(TICKS, ticked)
    with class_of(world, tmp_path, "donate", 1, others=0, licences=0, switches=switches) as group, quick():
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.step("delete")
        (act,) = [act for act in group.tenant.panel_acts if act["kind"] == "delete"]
        assert act["options"] == {"with_apps": False}


@pytest.mark.parametrize("ticked", [False, True], ids=["unticked", "ticked"])
def test_warning_16_boxes_of_the_erase(world: World, tmp_path: Path, ticked: bool) -> None:
    switches = dict.fromkeys(TICKS, ticked)
    with class_of(world, tmp_path, "reassign", 1, others=0, switches=switches) as group, quick():
        group.collected()
        group.step("wipe")
        (act,) = [act for act in group.tenant.panel_acts if act["kind"] == "erase"]
        assert act["options"] == {"return_to_service": True, "carry_over": False}
        assert state(group, "wipe") == "done"


# Seven days


def test_warning_18_a_removal_that_died_is_given_again(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group:
        group.wait_timeout = 1
        with quick():
            group.collected()
            group.tenant.panel_set(group.devices, off=True)
            group.step("profiles")
        assert state(group, "profiles") == "pending"
        with later(world, 7.5):
            group.step("profiles")
            assert group.counted("remove_profile") == {group.devices[0]: 1}, "it may still come"
        with later(world, 9):
            group.step("profiles")
            assert group.counted("remove_profile") == {group.devices[0]: 2}
            group.tenant.panel_set(group.devices, off=False)
            group.tenant.settled()
            group.step("profiles")
        assert state(group, "profiles") == "done"


def test_warning_18_an_erase_that_died_is_never_given_again(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0) as group:
        group.wait_timeout = 1
        with quick():
            group.collected()
            group.tenant.panel_set(group.devices, off=True)
            group.step("wipe")
        assert state(group, "wipe") == "pending" and "gives the command up on" in reason(group, "wipe")
        with later(world, 9):
            group.tenant.panel_set(group.devices, off=False)
            group.step("wipe")
            group.step("wipe")
        assert state(group, "wipe") == "failed" and "never took it" in reason(group, "wipe")
        assert group.counted("erase") == {group.devices[0]: 1}


def test_warning_19_a_notice_is_no_evidence(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.wait_timeout = 2
        group.collected()
        group.tenant.panel_set(group.devices, mute=["RemoveProfile"])
        group.step("profiles")
        assert state(group, "profiles") == "pending"


def test_a_device_that_refuses(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0, switches={"clomo_failure_lines": True}) as group, quick():
        group.collected()
        group.tenant.panel_set(group.devices, failing=["RemoveProfile"])
        group.step("profiles")
        assert state(group, "profiles") == "failed" and "refused RemoveProfile" in reason(group, "profiles")


@pytest.mark.parametrize(("outcome", "steps"), [("donate", ["delete"]), ("reassign", [])])
def test_warning_13_that_a_profile_may_stay_is_told_before(
    world: World, tmp_path: Path, outcome: str, steps: list[str]
) -> None:
    with class_of(world, tmp_path, outcome, 1, others=0) as group:
        told = group.plan(check=True)
    assert list(told["notices"]) == steps
    lines = "\n".join(graduation_plan(told, "school", outcome))
    assert ("keeps the MDM profile" in lines and "MDM プロファイルが端末に残ります" in lines) == bool(steps)


@pytest.mark.parametrize("devices", first_in_test([4, 1]))
@pytest.mark.parametrize("when", ["before", "after"])
def test_an_erase_whose_answer_is_lost_is_given_once(world: World, tmp_path: Path, when: Any, devices: int) -> None:
    with class_of(world, tmp_path, "reassign", devices, others=0) as group, quick():
        group.collected()
        world.fault("/commands/erase$", "POST", when=when, status=502)
        told = group.try_step("wipe", confirm=group.name, max_devices=devices)
        world.no_faults()
        assert told["failed"] and group.states("wipe") == dict.fromkeys(group.devices, "in_doubt")
        group.step("wipe")
        assert group.states("wipe") == dict.fromkeys(group.devices, "done")
        assert [told["erased"] for told in group.tenant.panel_devices(group.devices)] == [1] * devices


def test_an_erase_that_was_refused_is_never_given_again(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0, switches={"clomo_failure_lines": True}) as group, quick():
        group.collected()
        group.tenant.panel_set(group.devices, failing=["EraseDevice"])
        group.step("wipe")
        group.tenant.panel_set(group.devices, failing=[])
        group.step("wipe")
        assert state(group, "wipe") == "failed" and "refused to be erased" in reason(group, "wipe")
        assert group.counted("erase") == {group.devices[0]: 1}


# People


@pytest.mark.parametrize("outcome", BEFORE_USERS)
def test_warning_21_a_user_who_has_another_device_stays(world: World, tmp_path: Path, outcome: str) -> None:
    with class_of(world, tmp_path, outcome, 1, others=1) as group, quick():
        group.collected()
        mail = group.facts(group.devices[0])["owner_mail"]
        group.tenant.panel_colleague("hand_over", serial=group.tenant.serials[-1], mail=mail)
        group.tenant.panel_colleague("vanish", serial=group.devices[0])
        group.settle(*BEFORE_USERS[outcome])
        result = group.step("users")
        assert group.tenant.serials[-1] in result["pending"][0]["reason"]["en"]
        assert mail in group.mails() and group.acts("delete_user", "delete_users") == []


@pytest.mark.parametrize("survive", [True, False], ids=["together", "one by one"])
def test_the_users_of_a_class_are_deleted(world: World, tmp_path: Path, survive: bool) -> None:
    """More than the list shows at once. Of users who are deleted one by one each has a message of his own."""
    users = 40 if survive else 36
    switches = {"clomo_ticks_survive_scrolling": survive}
    with class_of(world, tmp_path, "donate", users, others=0, switches=switches) as group, quick():
        group.devices = group.devices if survive else [group.devices[0], group.devices[-1]]
        group.collected()
        for device in group.devices:
            group.tenant.panel_colleague("vanish", serial=device)
        group.settle(*BEFORE_USERS["donate"])
        group.step("users")
        assert group.states("users") == dict.fromkeys(group.devices, "done")
        kinds = [kind for kind, _serials in group.acts("delete_user", "delete_users")]
        assert kinds == (["delete_users"] if survive else ["delete_user"] * 2)


def test_warning_23_administrators_stay(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.collected(owner="システム管理者", owner_mail=group.tenant.clomo_account)
        group.settle(*BEFORE_USERS["donate"])
        group.step("users")
        assert state(group, "users") == "failed" and "administrator" in reason(group, "users")
        assert group.tenant.clomo_account in group.mails()


def test_warning_26_only_empty_organisations_go(world: World, tmp_path: Path) -> None:
    """Where the panel would delete whoever is in one."""
    switches = {"clomo_organization_cascade": True}
    with class_of(world, tmp_path, "donate", 1, others=1, switches=switches) as group, quick():
        group.collected()
        group.settle(*BEFORE_USERS["donate"], "users")
        group.step("organizations")
        assert state(group, "organizations") == "skipped"
        assert group.acts("delete_organization") == []


def test_warning_25_an_activation_lock(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0) as group, quick():
        group.collected(find_my=True)
        group.step("wipe")
        assert state(group, "wipe") == "failed" and "Activation Lock" in reason(group, "wipe")
        assert group.acts("erase") == []


# Another administrator


@pytest.mark.parametrize("step", ["profiles", "apps", "licences", "delete", "wipe"])
def test_another_owner_since_the_last_run_stops_the_device(world: World, tmp_path: Path, step: str) -> None:
    outcome = "reassign" if step == "wipe" else "donate"
    with class_of(world, tmp_path, outcome, 1, others=0) as group, quick():
        group.collected()
        group.tenant.panel_colleague("hand_over", serial=group.devices[0], mail="new@sakura.example")
        if step == "delete":
            group.settle(*BEFORE_DELETE)
        group.step(step)
        assert state(group, step) == "failed" and "another owner" in reason(group, step)
        assert group.acts(*DESTRUCTIVE) == []


def later(world: World, days: float) -> Any:
    """The world's clock and the driver's."""
    world.clock(days=days)
    return quick(lambda: now_utc() + timedelta(days=days))


@pytest.fixture(autouse=True)
def _now(world: World) -> Any:
    yield
    world.clock()


def test_another_owner_while_it_is_looked_at(world: World, tmp_path: Path) -> None:
    """Between the list and the pane."""
    with class_of(world, tmp_path, "reassign", 1, others=0) as group, quick():
        group.collected()
        serial = group.devices[0]
        act = {"at": r"/devices/\d+$", "act": "hand_over", "serial": serial, "mail": "new@sakura.example"}
        group.tenant.switch(clomo_colleague=[act])
        group.step("wipe")
        assert state(group, "wipe") == "failed" and "another owner" in reason(group, "wipe")
        assert group.acts("erase") == []


def test_a_renamed_device_is_the_same(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0) as group, quick():
        group.collected()
        act = {"at": "ask/window$", "act": "rename", "serial": group.devices[0], "name": "iPad-99999"}
        group.tenant.switch(clomo_colleague=[act])
        group.step("wipe")
        assert state(group, "wipe") == "done"


def test_a_record_that_vanishes_before_the_last_press(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.collected()
        group.tenant.switch(clomo_colleague=[{"at": "commands/", "act": "vanish", "serial": group.devices[0]}])
        group.step("profiles")
        assert state(group, "profiles") == "failed" and "refused" in reason(group, "profiles")


@pytest.mark.parametrize("seed", first_in_test(range(12), 2))
def test_rows_that_move_never_make_a_wrong_row_be_acted_on(world: World, tmp_path: Path, seed: int) -> None:
    """Rows appear, vanish and change places at every request, and the list is drawn anew all the time."""
    switches = {
        "clomo_device_order": ["contact", "name"][seed % 2],
        "clomo_grid_refresh_ms": 300,
        "clomo_busy_seed": seed,
    }
    with class_of(world, tmp_path, "donate", 3, others=40, licences=0, switches=switches) as group, quick():
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.tenant.switch(clomo_busy_serials=group.tenant.serials[3:30])
        group.step("delete")
        group.tenant.switch(clomo_busy_serials=[])
        assert group.states("delete") == dict.fromkeys(group.devices, "done")
        assert group.counted("delete") == dict.fromkeys(group.devices, 1)


@pytest.mark.parametrize(
    ("outcome", "kinds"),
    first_in_test([("donate", ("profile_list", "app_list", *REMOVALS)), ("reassign", ("device_information", "erase"))]),
)
def test_a_class_gets_each_command_once_for_all(
    world: World, tmp_path: Path, outcome: str, kinds: Sequence[str]
) -> None:
    with class_of(world, tmp_path, outcome, 10, others=3) as group, quick():
        group.finish(runs=1)
        assert [(kind, sorted(serials)) for kind, serials in group.acts(*kinds)] == [
            (kind, sorted(group.devices)) for kind in kinds
        ]
        assert world.requests(group.tenant.name, "/numbers/devices"), "all were ticked by the head of the list"


def panes_opened(world: World, group: Class_) -> list[str]:
    asked = world.requests(group.tenant.name, "/panel/[^/]+/devices/")
    return sorted(entry["path"].rpartition("/")[2] for entry in asked)


@pytest.mark.parametrize("order", first_in_test(["serial", "owner"]))
def test_the_file_of_devices_spares_their_panes(world: World, tmp_path: Path, order: str) -> None:
    """Where it tells all that the panes do, whatever its columns stand in; the list of ADE devices is fetched, too."""
    switches = {"clomo_export_columns": "all", "clomo_export_order": order, "clomo_ade_missing": True}
    with class_of(world, tmp_path, "reassign", 9, others=3, switches=switches) as group, quick():
        by_pane = {device: group.facts(device) for device in group.devices}
        group.finish(runs=1)
        assert panes_opened(world, group) == []
        by_file = group.ledger.facts(group.name)
        for device in group.devices:
            assert {name: by_file[device][name] for name in DETAILS} == {
                name: by_pane[device][name] for name in DETAILS
            }
        assert group.counted("erase") == dict.fromkeys(group.devices, 1)
        assert all(record["ade"] for told in group.tenant.panel_devices(group.devices) for record in told["records"])


def test_a_file_that_lacks_something_is_of_no_use(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 9, others=0) as group, quick():
        group.finish(runs=1)
        files = world.requests(group.tenant.name, "/export/devices")
        assert len(files) == 1, "asked for once a run"
        assert len(panes_opened(world, group)) >= 2 * len(group.devices)
        assert group.counted("erase") == dict.fromkeys(group.devices, 1)


def test_the_file_of_devices_does_not_hide_another_owner(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 9, others=0, switches={"clomo_export_columns": "all"}) as group, quick():
        group.tenant.panel_set(group.devices, activation_lock=True)
        group.plan()
        group.run()
        assert group.states("wipe") == dict.fromkeys(group.devices, "failed")
        group.tenant.panel_colleague("hand_over", serial=group.devices[1], mail="new@sakura.example")
        group.run()
        assert group.states("collect") == {**dict.fromkeys(group.devices, "done"), group.devices[1]: "failed"}
        assert "another owner" in reason(group, "collect", group.devices[1])


@pytest.mark.parametrize(
    "lacking", first_in_test(["devices.exchange", "devices.export", "devices.encoding", "devices.export_now"])
)
def test_a_panel_that_offers_no_such_file_is_read_by_its_panes(world: World, tmp_path: Path, lacking: str) -> None:
    with class_of(world, tmp_path, "reassign", 8, others=0, switches={"clomo_export_columns": "all"}) as group, quick():
        group.options = {"labels": {lacking: "これはない"}}
        group.tenant.panel_set(group.devices, activation_lock=True)
        group.plan()
        group.run()
        assert group.states("collect") == dict.fromkeys(group.devices, "done")
        assert len(panes_opened(world, group)) >= len(group.devices)
        assert not world.requests(group.tenant.name, "/export/devices")


def test_a_file_that_does_not_come_stops_nothing(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 8, others=0, switches={"clomo_export_columns": "all"}) as group, quick():
        world.fault("/export/devices", when="before", status=502)
        group.finish(runs=1)
        world.no_faults()
        assert group.counted("erase") == dict.fromkeys(group.devices, 1)
        assert len(world.requests(group.tenant.name, "/export/devices")) == 1, "asked for once a run"


@pytest.mark.parametrize("items", first_in_test(["union", "intersection"]))
def test_only_devices_with_the_same_profiles_go_together(world: World, tmp_path: Path, items: str) -> None:
    with class_of(world, tmp_path, "donate", 4, others=1, switches={"clomo_bulk_items": items}) as group, quick():
        alike, less = group.devices[:3], group.devices[3]
        group.tenant.panel_set([less], profiles=[MDM_PROFILE, WIFI])
        group.plan()
        group.step("collect")
        group.step("profiles")
        assert group.states("profiles") == dict.fromkeys(group.devices, "done")
        assert sorted(sorted(serials) for _kind, serials in group.acts("remove_profile")) == sorted(
            [sorted(alike), [less]]
        )
        removed = {
            told["serial"]: sorted(told["removed_profiles"]) for told in group.tenant.panel_devices(group.devices)
        }
        assert removed == {**dict.fromkeys(alike, sorted([WIFI, RESTRICTIONS])), less: [WIFI]}


def test_what_the_panel_does_not_offer_for_all_is_removed_one_by_one(world: World, tmp_path: Path) -> None:
    """A colleague took a profile off one device after it was collected."""
    with (
        class_of(world, tmp_path, "donate", 3, others=0, switches={"clomo_bulk_items": "intersection"}) as group,
        quick(),
    ):
        group.plan()
        group.step("collect")
        group.tenant.panel_set([group.devices[2]], profiles=[MDM_PROFILE, WIFI])
        group.tenant.panel_collect([group.devices[2]])
        group.step("profiles")
        assert group.states("profiles") == dict.fromkeys(group.devices, "done")
        assert sorted(serials for _kind, serials in group.acts("remove_profile")) == [
            [device] for device in sorted(group.devices)
        ]


@pytest.mark.parametrize("step", ["profiles", "delete", "wipe"])
def test_another_owner_among_several_stops_that_device_alone(world: World, tmp_path: Path, step: str) -> None:
    outcome = "reassign" if step == "wipe" else "donate"
    with class_of(world, tmp_path, outcome, 4, others=0, licences=0) as group, quick():
        group.collected()
        if step == "delete":
            group.settle(*BEFORE_DELETE)
        group.tenant.panel_colleague("hand_over", serial=group.devices[1], mail="new@sakura.example")
        group.step(step)
        others = [group.devices[0], *group.devices[2:]]
        assert group.states(step) == {**dict.fromkeys(others, "done"), group.devices[1]: "failed"}
        assert "another owner" in reason(group, step, group.devices[1])
        assert [sorted(serials) for _kind, serials in group.acts(*DESTRUCTIVE)] == [sorted(others)]


@pytest.mark.parametrize("survive", first_in_test([True, False]), ids=["survive", "vanish"])
def test_many_are_deleted_at_once_where_ticks_last(world: World, tmp_path: Path, survive: bool) -> None:
    switches = {"clomo_ticks_survive_scrolling": survive}
    with class_of(world, tmp_path, "donate", 60, others=3, licences=0, switches=switches) as group, quick():
        group.devices = [group.tenant.serials[place] for place in (0, 30, 61)]
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.step("delete")
        assert group.states("delete") == dict.fromkeys(group.devices, "done")
        presses = [sorted(serials) for _kind, serials in group.acts("delete")]
        assert presses == ([sorted(group.devices)] if survive else presses) and len(presses) == (1 if survive else 3)


# What the panel shows otherwise


@pytest.mark.parametrize("informs", [False, True])
def test_the_last_ok_may_only_inform(world: World, tmp_path: Path, informs: bool) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0, switches={"clomo_last_ok_informs": informs}) as group:
        with quick():
            group.collected()
            group.step("wipe")
        assert state(group, "wipe") == "done" and group.counted("erase") == {group.devices[0]: 1}


def test_an_old_row_stays_beside_the_new_one(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0, switches={"clomo_return_new_row": True}) as group, quick():
        group.collected()
        group.step("wipe")
        assert state(group, "wipe") == "done"


def test_a_device_without_an_owner_is_erased(world: World, tmp_path: Path) -> None:
    """That it is back is told by its answer."""
    with class_of(world, tmp_path, "reassign", 1, others=0) as group, quick():
        group.tenant.panel_colleague("hand_over", serial=group.devices[0], mail="")
        group.collected()
        group.step("wipe")
        assert state(group, "wipe") == "done"
        assert group.counted("erase") == {group.devices[0]: 1}


def test_a_device_that_does_not_come_back(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0) as group, quick():
        group.wait_timeout = 2
        group.collected()
        group.tenant.panel_set(group.devices, returns=False)
        for _run in range(2):
            group.step("wipe")
            assert state(group, "wipe") == "pending" and "not in Devices again yet" in reason(group, "wipe")
        group.tenant.panel_enrols(group.devices[0])
        group.step("wipe")
        assert state(group, "wipe") == "done" and group.counted("erase") == {group.devices[0]: 1}


def test_warning_17_a_device_that_was_erased_by_hand(world: World, tmp_path: Path) -> None:
    """The panel does not notice, and so nothing is proven."""
    with class_of(world, tmp_path, "reassign", 1, others=0) as group, quick():
        group.wait_timeout = 2
        group.collected()
        group.tenant.panel_erased_by_hand(group.devices[0])
        group.step("wipe")
        assert state(group, "wipe") == "pending"


def test_a_command_that_is_not_offered(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "reassign", 1, others=0, switches={"clomo_hidden_commands": ["erase"]}) as group:
        with quick():
            group.collected()
            group.step("wipe")
        assert state(group, "wipe") == "failed" and "does not offer" in reason(group, "wipe")


@pytest.mark.parametrize("known", [False, True])
def test_a_panel_with_words_of_its_own(world: World, tmp_path: Path, known: bool) -> None:
    switches = {"clomo_moved_labels": {"構成プロファイルを削除": "プロファイルを取り除く"}}
    with class_of(world, tmp_path, "donate", 1, others=0, switches=switches) as group, quick():
        group.options = {"labels": {"command.remove_profile": "プロファイルを取り除く"}} if known else {}
        group.collected()
        group.step("profiles")
        assert state(group, "profiles") == ("done" if known else "failed")
        assert known or "command.remove_profile" in reason(group, "profiles")


def test_a_command_that_is_only_offered_for_one(world: World, tmp_path: Path) -> None:
    switches = {"clomo_single_commands": ["delete"]}
    with class_of(world, tmp_path, "donate", 2, others=0, licences=0, switches=switches) as group, quick():
        group.collected()
        group.settle(*BEFORE_DELETE)
        group.step("delete")
        assert sorted(serials for _kind, serials in group.acts("delete")) == sorted(
            [device] for device in group.devices
        )


def test_licences_that_are_shown_late(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0, switches={"clomo_licences_shown_late": True}) as group:
        with quick():
            group.collected()
            group.step("licences")
        assert state(group, "licences") == "done" and group.counted("revoke_licence") == {group.devices[0]: 1}


def test_apps_by_name_and_identifier(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0, licences=3) as group, quick():
        group.plan()
        group.step("collect")
        first, second, _third = [app for app in group.facts(group.devices[0])["apps"] if app not in (AGENT, GAME)]
        name = group.ledger.facts(group.name)[group.devices[0]]["app_names"][second]
        group.step("apps", apps=[first, name, GAME])
        told = group.tenant.panel_device(group.devices[0])
        assert sorted(told["removed_apps"]) == sorted([AGENT, first, second]) and GAME in told["apps"]


def test_a_dry_run_presses_nothing(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.collected()
        before = group.tenant.panel_acts
        told = [group.step(name, check=True) for name in ("profiles", "apps", "licences")]
        assert [one["to_do"] for one in told] == [group.devices] * 3
        clicks = {one["step"]: one["labels"] for one in group.plan(check=True)["clicks"]}
        assert clicks["profiles"][3:] == ["構成プロファイルを削除", "次へ", "校内 Wi-Fi", "機能制限", "実行", "OK"]
        assert clicks["delete"][3:] == [
            "デバイスを削除する",
            "次へ",
            "実行",
            "OK",
            "YES と入力してください",
            "デバイスを削除",
            "OK",
        ]
        assert clicks["apps"][5:] == ["CLOMO MDM Agent", "実行", "OK"]
        assert group.tenant.panel_acts == before


def test_pictures_and_pace(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.options = {"evidence_path": str(tmp_path / "pictures"), "command_pace_seconds": 1.5}
        group.plan()
        group.step("collect")
        at = [act["at"] for act in group.tenant.panel_acts]
        assert len(at) == 3 and len(set(at)) == 3
        taken = sorted(path.name for path in (tmp_path / "pictures").rglob("*.png"))
        assert [name[5:] for name in taken] == [
            f"command-{name}.png" for name in ("information", "profile-list", "app-list")
        ]


def test_a_trace_tells_of_the_newest_acts_alone(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a year group's would fill the memory."""
    monkeypatch.setattr(clomo_panel, "TRACED", 20)
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        driver = driver_for(group.mdm)
        assert isinstance(driver, ClomoDriver)
        opened = driver.panel
        with opened.work():
            for _rest in range(15):
                opened.rest()
            at_first = acts_traced(opened)
            for _rest in range(30):
                opened.rest()
            assert acts_traced(opened) < at_first
        driver.close()


def acts_traced(opened: clomo_panel.Panel) -> int:
    """How many there are; another trace begins."""
    trace = opened._browser.trace() if opened._browser else None
    assert trace is not None
    with zipfile.ZipFile(trace) as file:
        lines = file.read("trace.trace").decode().splitlines()
    trace.unlink()
    return sum(json.loads(line)["type"] == "before" for line in lines)


def test_tenants_of_both_kinds_in_one_play(world: World, tmp_path: Path) -> None:
    name = uuid.uuid4().hex[:8]
    nano = world.tenant(f"nano-{name}", devices=2, managed=True, licences=1)
    panel = world.tenant(f"panel-{name}", mdm="clomo", devices=3, licences=1)
    panel.switch(**QUICK)
    ledger = str(tmp_path / "ledger.db")
    (tmp_path / "nano").mkdir()
    (tmp_path / "panel").mkdir()
    at_nano, at_panel = settings(nano, tmp_path / "nano", ledger), settings(panel, tmp_path / "panel", ledger)
    at_panel["graduation_wait_timeout"] = 60
    play = Graduation(
        tmp_path,
        {},
        {
            "nano_donate": (nano.serials[:1], {**at_nano, "graduation_outcome": "donate"}),
            "panel_donate": (panel.serials[:1], {**at_panel, "graduation_outcome": "donate"}),
            "panel_reassign": (panel.serials[1:2], {**at_panel, "graduation_outcome": "reassign"}),
        },
    )
    with events_to(ledger, tmp_path, nano):
        dry = play.run("--check")
        assert dry.code == 0, dry.output
        assert "「デバイスを初期化」" in dry.output and panel.panel_acts == []
        for _run in range(3):
            ran = play.run(*CONFIRMED)
            assert ran.code == 0, ran.output
            if "pending / 待機中" not in ran.output or "Run again" not in ran.output:
                break
    given, handed_on, other = panel.panel_devices()
    assert (given["deleted"], given["records"]) == (1, [])
    assert (handed_on["erased"], [record["owner"] for record in handed_on["records"]]) == (1, [""])
    assert (other["deleted"], other["erased"], len(other["records"])) == (0, 0, 1)
    assert [user["role"] for user in panel.panel_users] != [] and len(panel.panel_users) == 2
    assert [device["unenrolled"] for device in nano.managed()] == [1, 0]


def play_of(folder: Path, tenant: Tenant, devices: int, **more: Any) -> Graduation:
    """Some of the tenant's devices are given away by the shipped play."""
    tenant.switch(**QUICK)
    common = {**settings(tenant, folder, str(folder / "ledger.db")), "graduation_wait_timeout": 60}
    return Graduation(
        folder, {**common, **more}, {"leaving": (tenant.serials[:devices], {"graduation_outcome": "donate"})}
    )


@pytest.mark.sweep
def test_two_runs_at_once_give_each_command_once(world: World, tmp_path: Path) -> None:
    """Each with a browser of its own, signed in as the same administrator."""
    tenant = world.tenant(f"panel-{uuid.uuid4().hex[:8]}", mdm="clomo", devices=5, licences=1)
    play = play_of(tmp_path, tenant, 4)
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _run: play.run(*CONFIRMED), range(2)))
    assert [ran.code for ran in both] == [0, 0], "".join(ran.output for ran in both)
    play.run(*CONFIRMED)
    pressed = [(act["kind"], act["serials"]) for act in tenant.panel_acts if "refused" not in act]
    for kind in ("remove_profile", "remove_app", "revoke_licence", "delete"):
        once = Counter(serial for each, serials in pressed if each == kind for serial in serials)
        assert once == dict.fromkeys(tenant.serials[:4], 1), kind
    *gone, other = tenant.panel_devices()
    assert [(told["deleted"], told["records"]) for told in gone] == [(1, [])] * 4
    assert (other["deleted"], len(other["records"])) == (0, 1)


def test_no_secret_is_shown_or_kept(world: World, tmp_path: Path) -> None:
    tenant = world.tenant(f"panel-{uuid.uuid4().hex[:8]}", mdm="clomo", clomo_totp=True, devices=1, licences=1)
    play = play_of(tmp_path, tenant, 1)
    server = dict(play.common["apple_mdm_server"])
    session = Path(server["session_path"])
    told = Graduation(
        tmp_path,
        {**play.common, "apple_mdm_server": {**server, "evidence_path": str(tmp_path / "pictures")}},
        play.groups,
    ).run(*CONFIRMED, "-vvvv")
    assert told.code == 0, told.output
    cookies = [cookie["value"] for cookie in json.loads(session.read_text())["cookies"]]
    key = tenant.school_private_key.splitlines()[1]
    secrets = [tenant.clomo_password, tenant.clomo_totp_secret, key, LEDGER_KEY, *cookies]
    assert cookies and [secret for secret in secrets if secret in told.output] == []
    kept = [
        path for path in tmp_path.rglob("*") if path.is_file() and path not in (session, tmp_path / "inventory.json")
    ]
    shown = {path.name for path in kept for secret in secrets if secret.encode() in path.read_bytes()}
    assert any(path.suffix == ".png" for path in kept) and shown == set()
    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "pictures").rglob("*"))


def test_a_panel_that_is_away_stops_the_run_and_loses_nothing(world: World, tmp_path: Path) -> None:
    with class_of(world, tmp_path, "donate", 1, others=0) as group, quick():
        group.plan()
        group.tenant.switch(clomo_maintenance=True)
        stopped = run_module(campaign_run, **group.course(wait_timeout=group.wait_timeout))
        assert stopped["failed"] and "メンテナンス" in stopped["msg"] and group.acts() == []
        group.tenant.switch(clomo_maintenance=False)
        group.finish(runs=1)
        assert group.counted("delete") == {group.devices[0]: 1}
