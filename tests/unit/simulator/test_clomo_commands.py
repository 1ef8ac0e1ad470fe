# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command's life at CLOMO PANEL, by its requests alone: what Reports tells of it, what becomes of the iPad, what the pane shows."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import Wire

BY = "システム管理者がデバイスにコマンド {} を実行しました"
MINE = "[Registered] Command {} was registered."
SENT = "[Send Command] Command {} was sending to device."
DONE = "[success] Command {} execute successful."


def life(name: str) -> list[str]:
    return [line.format(name) for line in (BY, MINE, SENT, DONE)]


@pytest.mark.parametrize(
    ("command", "request_type"),
    [
        ("device_information", "DeviceInformation"),
        ("profile_list", "ProfileList"),
        ("app_list", "InstalledApplicationList"),
        ("lock", "DeviceLock"),
        ("lost_mode", "EnableLostMode"),
    ],
)
def test_lines_of_a_command_from_the_press_to_its_success(wire: Wire, command: str, request_type: str) -> None:
    serial = wire.tenant.serials[0]
    assert "notice" in wire.order(command, serial)
    assert wire.lines(serial) == life(request_type)
    assert wire.tenant.panel_device(serial)["seen"] == [request_type]


def test_accepted_is_not_done(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_wakes_ms=60_000)
    answer = wire.post("commands/profile_list", rows=wire.numbers(serial))
    assert "実行しました" in answer["notice"]
    assert wire.lines(serial) == life("ProfileList")[:2]
    assert wire.pane(serial)["profiles"] == []


def test_tag_of_a_success_is_written_in_several_ways(wire: Wire) -> None:
    wire.collect()
    tags = {text.split("]")[0] for text in (line["text"] for line in wire.tenant.panel_reports) if "successful" in text}
    assert tags == {"[Success", "[success", "[SUCCESS"}


def test_pane_shows_what_was_collected_last(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    assert (wire.pane(serial)["profiles"], wire.pane(serial)["apps"]) == ([], [])
    wire.collect()
    before = wire.pane(serial)
    assert [one["id"] for one in before["profiles"]] == ["com.clomo.mdm.profile", "school.wifi", "school.restrictions"]
    wire.order("remove_profile", serial, items=["school.wifi", "school.restrictions"])
    wire.order("remove_app", serial, items=["com.clomo.mdm.agent"])
    assert wire.tenant.panel_device(serial)["profiles"] == ["com.clomo.mdm.profile"]
    assert wire.pane(serial)["profiles"] == before["profiles"]
    wire.collect()
    assert [one["id"] for one in wire.pane(serial)["profiles"]] == ["com.clomo.mdm.profile"]
    assert "com.clomo.mdm.agent" not in [one["id"] for one in wire.pane(serial)["apps"]]


def test_one_command_for_each_profile_that_was_chosen(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_collect()
    wire.order("remove_profile", serial, items=["school.wifi", "school.restrictions"])
    assert wire.lines(serial).count(DONE.format("RemoveProfile")) == 2
    assert wire.tenant.panel_device(serial)["removed_profiles"] == ["school.wifi", "school.restrictions"]


def test_what_cannot_be_removed_is_not_offered(wire: Wire) -> None:
    rows = wire.numbers(wire.tenant.serials[0])
    assert wire.post("ask/window", command="remove_profile", rows=rows)["items"] == []
    wire.tenant.panel_collect()
    offered = wire.post("ask/window", command="remove_profile", rows=rows)["items"]
    assert [one["id"] for one in offered] == ["school.wifi", "school.restrictions"]
    apps = wire.post("ask/window", command="remove_app", rows=rows)["items"]
    assert "com.example.game" not in [one["id"] for one in apps]


@pytest.mark.parametrize(
    ("kind", "expected"), [("union", ["school.wifi", "school.restrictions"]), ("intersection", ["school.wifi"])]
)
def test_items_for_several_devices(wire: Wire, kind: str, expected: list[str]) -> None:
    first, second = wire.tenant.serials[:2]
    wire.tenant.switch(clomo_bulk_items=kind)
    wire.tenant.panel_set([second], profiles=["school.wifi"])
    wire.tenant.panel_collect()
    told = wire.post("ask/window", command="remove_profile", rows=wire.numbers(first, second))
    assert [one["id"] for one in told["items"]] == expected
    wire.order("remove_profile", first, second, items=expected)
    assert [one["removed_profiles"] for one in wire.tenant.panel_devices([first, second])] == [
        expected,
        ["school.wifi"],
    ]


@pytest.mark.parametrize("told", [False, True])
def test_refused_command_has_no_success(wire: Wire, told: bool) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_collect()
    wire.tenant.switch(clomo_failure_lines=told)
    wire.tenant.panel_set([serial], failing=["RemoveProfile"])
    wire.order("remove_profile", serial, items=["school.wifi"])
    failed = ["[Failed] Command RemoveProfile execute failed."] if told else []
    assert wire.lines(serial) == [*life("RemoveProfile")[:3], *failed]
    assert "school.wifi" in wire.tenant.panel_device(serial)["profiles"]


def test_command_that_is_never_answered_does_not_hold_up_others(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_set([serial], mute=["ProfileList"])
    wire.order("profile_list", serial)
    wire.order("app_list", serial)
    assert wire.tenant.panel_device(serial)["seen"] == ["InstalledApplicationList"]
    assert [one["kind"] for one in wire.tenant.panel_device(serial)["records"][0]["queue"]] == ["ProfileList"]
    wire.tenant.panel_set([serial], mute=[])
    wire.tenant.settled()
    assert wire.tenant.panel_device(serial)["seen"] == ["InstalledApplicationList", "ProfileList"]


def test_device_that_puts_off_answers_later(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_collect()
    wire.tenant.panel_set([serial], not_now=1)
    wire.order("remove_profile", serial, items=["school.wifi"])
    assert wire.lines(serial) == life("RemoveProfile")[:3]
    wire.order("device_information", serial)
    assert DONE.format("RemoveProfile") in wire.lines(serial)


def test_device_that_is_off_answers_when_it_is_on_again(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_set([serial], off=True)
    wire.order("device_information", serial)
    assert wire.lines(serial) == life("DeviceInformation")[:2]
    wire.tenant.panel_set([serial], off=False)
    wire.tenant.settled()
    assert wire.lines(serial) == life("DeviceInformation")


@pytest.mark.parametrize(("days", "held"), [(6, True), (8, False)])
def test_seven_days_unanswered_and_it_is_gone_without_a_line(world: World, wire: Wire, days: int, held: bool) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_daily_commands=False)
    wire.tenant.panel_set([serial], off=True)
    wire.order("profile_list", serial)
    world.clock(days=days)
    wire.tenant.panel_set([serial], off=False)
    wire.tenant.settled()
    assert wire.lines(serial) == (life("ProfileList") if held else life("ProfileList")[:2])
    assert wire.tenant.panel_device(serial)["records"][0]["queue"] == []


def test_lost_mode_waits_for_ever(world: World, wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_set([serial], off=True)
    wire.order("lost_mode", serial)
    world.clock(days=30)
    assert len(wire.tenant.panel_device(serial)["records"][0]["queue"]) == 1


def test_daily_commands_have_no_administrators_line(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_day()
    wire.tenant.settled()
    assert wire.lines(serial)[0] == MINE.format("DeviceInformation")
    assert not any("実行しました" in line for line in wire.lines(serial))
    assert len(wire.pane(serial)["profiles"]) == 3


@pytest.mark.parametrize("wanted", [True, False])
def test_daily_commands_come_with_the_days(world: World, wire: Wire, wanted: bool) -> None:
    wire.tenant.switch(clomo_daily_commands=wanted, clomo_session_seconds=10**7)
    world.clock(days=2)
    wire.get("data/home")
    wire.get("data/home")
    wire.tenant.settled()
    seen = wire.tenant.panel_device(wire.tenant.serials[0])["seen"]
    assert seen == (["DeviceInformation", "ProfileList", "InstalledApplicationList"] if wanted else [])


def test_colleagues_commands_have_his_line(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_colleague("command", serial=serial, name="profile_list")
    wire.tenant.settled()
    assert wire.lines(serial)[0] == "別の管理者がデバイスにコマンド ProfileList を実行しました"


def test_nothing_arrives_once_the_push_certificate_has_ended(world: World, wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_daily_commands=False, clomo_session_seconds=10**9)
    world.clock(days=300)
    wire.order("profile_list", serial)
    assert wire.lines(serial) == life("ProfileList")[:2]
    assert not any("[APNS push]" in line["text"] for line in wire.tenant.panel_reports)


def test_slow_device(wire: Wire) -> None:
    slow, quick = wire.tenant.serials[:2]
    wire.tenant.panel_set([slow], slow_ms=60_000)
    wire.post("commands/profile_list", rows=wire.numbers(slow, quick))
    for _look in range(200):
        if DONE.format("ProfileList") in wire.lines(quick):
            break
    assert DONE.format("ProfileList") in wire.lines(quick)
    assert DONE.format("ProfileList") not in wire.lines(slow)


def test_licence_goes_at_apple_when_the_panel_revokes_it(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    first, second = wire.tenant.panel_device(serial)["licences"]
    offered = wire.post("ask/window", command="revoke_licence", rows=wire.numbers(serial))["items"]
    assert [one["id"] for one in offered] == [first, second]
    wire.order("revoke_licence", serial, items=[first])
    assert [row for row in wire.tenant.licences if row[2] == serial] == [[second, "STDQ", serial]]
    assert wire.pane(serial)["licences"] == [f"App {second}"]
    assert re.search(r"VPP アプリケーションライセンスの剥奪.*実行しました", wire.lines(serial)[-1])


def test_licences_shown_only_after_the_next_collection(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_licences_shown_late=True)
    wire.order("app_list", serial)
    assert len(wire.pane(serial)["licences"]) == 2
    wire.order("revoke_licence", serial, items=wire.tenant.panel_device(serial)["licences"])
    assert len(wire.pane(serial)["licences"]) == 2
    wire.order("app_list", serial)
    assert wire.pane(serial)["licences"] == []


@pytest.mark.parametrize("how", ["vpp_failing", "vpp_events_fail"])
def test_licence_that_stays(wire: Wire, how: str) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(**{how: [serial] if how == "vpp_failing" else True})
    wire.order("revoke_licence", serial, items=wire.tenant.panel_device(serial)["licences"])
    assert len(wire.tenant.panel_device(serial)["licences"]) == 2
    assert wire.lines(serial)[-1].startswith("[Failed]")


def test_licence_can_be_granted(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    items = wire.post("ask/window", command="grant_licence", rows=wire.numbers(serial))["items"]
    wire.order("grant_licence", serial, items=[items[0]["id"]])
    assert items[0]["id"] in wire.tenant.panel_device(serial)["licences"]


@pytest.mark.parametrize(
    ("facts", "hidden"),
    [
        ({"supervised": False}, {"紛失モードに設定"}),
        ({}, {"アプリケーション管理状態への変更を通知", "デバイスの情報を完全に削除"}),
    ],
)
def test_commands_whose_conditions_are_not_met_are_hidden(wire: Wire, facts: dict[str, Any], hidden: set[str]) -> None:
    serial = wire.tenant.serials[0]
    everything = offered(wire, serial) | {"アプリケーション管理状態への変更を通知", "デバイスの情報を完全に削除"}
    wire.tenant.panel_set([serial], **facts)
    assert hidden <= everything
    assert not hidden & offered(wire, serial)


def offered(wire: Wire, *serials: str) -> set[str]:
    groups = wire.post("ask/commands", rows=wire.numbers(*serials))
    return {option["name"] for group in groups for option in group["options"]}


def test_app_that_is_registered_but_not_managed_can_become_so(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_catalogue(apps={"com.example.own": {"name": "Own", "managed": False, "adam_id": "1"}})
    wire.tenant.panel_set([serial], apps=["com.example.own"])
    wire.tenant.panel_collect([serial])
    assert "アプリケーション管理状態への変更を通知" in offered(wire, serial)


def test_commands_hidden_by_switch_and_for_several(wire: Wire) -> None:
    first, second = wire.tenant.serials[:2]
    wire.tenant.switch(clomo_hidden_commands=["lock"], clomo_single_commands=["erase"])
    assert "デバイスを初期化" in offered(wire, first)
    assert "デバイスを初期化" not in offered(wire, first, second)
    assert "デバイスをロック" not in offered(wire, first)
    refused = wire.erase(first, second)
    assert "実行できません" in refused["error"]
    assert [act.get("refused") for act in wire.tenant.panel_acts] == ["not_offered"]


def test_questions_are_no_writes_and_presses_are(world: World, wire: Wire) -> None:
    world.forget_requests()
    serial = wire.tenant.serials[0]
    offered(wire, serial)
    wire.post("ask/window", command="delete", rows=wire.numbers(serial))
    wire.pane(serial)
    assert not world.writes("school")
    wire.order("profile_list", serial)
    assert [entry["path"].rsplit("/", 1)[1] for entry in world.writes("school")] == ["profile_list"]
    assert [(act["kind"], act["serials"]) for act in wire.tenant.panel_acts] == [("profile_list", [serial])]


def test_commands_under_way_survive_a_restart(world: World, wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_wakes_ms=60_000)
    wire.post("commands/profile_list", rows=wire.numbers(serial))
    wire.post("commands/revoke_licence", rows=wire.numbers(serial), items=wire.tenant.panel_device(serial)["licences"])
    wire.tenant.switch(clomo_wakes_ms=10)
    world.restart()
    wire.tenant.settled()
    assert DONE.format("ProfileList") in wire.lines(serial)
    assert wire.tenant.panel_device(serial)["licences"] == []


def test_everything_survives_a_restart(world: World, wire: Wire) -> None:
    first, second, third = wire.tenant.serials[:3]
    wire.tenant.panel_set([first], certificates=["id"], work_smart="校内", off=True, lost_mode=True, memo="")
    wire.delete(second)
    wire.delete(second)
    wire.erase(third, returns=False)

    def everything(tenant: Tenant) -> list[Any]:
        told = [tenant.panel_devices(), tenant.panel_acts, tenant.panel_reports, tenant.panel_users]
        return [*told, tenant.panel_organizations, tenant.licences]

    before = everything(wire.tenant)
    world.restart()
    assert everything(wire.tenant) == before


def test_switches_of_a_device_have_to_be_known(school: Tenant) -> None:
    with pytest.raises(ValueError, match="no such fact that can be set: colour"):
        school.panel_set(colour="red")
    with pytest.raises(ValueError, match="no such device: nobody"):
        school.panel_set(["nobody"], off=True)
