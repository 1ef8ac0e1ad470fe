# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How devices leave CLOMO PANEL or are erased, by its requests alone: what goes, what stays, what comes back."""

from __future__ import annotations

import functools
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import Wire

RELATED = "関係情報が存在するため完全に削除できません。"


def without_licences(tenant: Tenant) -> str:
    """A device whose record goes at the first try."""
    wire, serial = Wire(tenant), tenant.serials[0]
    wire.order("revoke_licence", serial, items=tenant.panel_device(serial)["licences"])
    return serial


def states(tenant: Tenant, serial: str) -> list[str]:
    return [one["state"] for one in tenant.panel_device(serial)["records"]]


def test_record_goes_and_all_restrictions_stay(wire: Wire) -> None:
    """Warning 12."""
    serial = without_licences(wire.tenant)
    before = wire.tenant.panel_device(serial)["profiles"]
    wire.delete(serial)
    device = wire.tenant.panel_device(serial)
    assert (device["records"], device["deleted"], device["profiles"]) == ([], 1, before)
    assert wire.get("rows/devices", search=serial)["total"] == 0


def test_device_with_licences_has_to_be_deleted_twice(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.delete(serial)
    device = wire.tenant.panel_device(serial)
    assert (states(wire.tenant, serial), device["licences"], device["deleted"]) == (["managed"], [], 0)
    wire.delete(serial)
    assert (states(wire.tenant, serial), wire.tenant.panel_device(serial)["deleted"]) == ([], 1)


def test_second_deletion_before_the_licences_are_gone_deletes_nothing(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(vpp_event_seconds=60)
    for _time in range(2):
        body = {"rows": wire.numbers(serial), "typed": "YES", "options": {}}
        wire.post("commands/delete", **body)
    assert (states(wire.tenant, serial), len(wire.tenant.panel_device(serial)["licences"])) == (["managed"], 2)


def test_first_deletion_that_strikes_through(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_first_delete_strikes=True)
    wire.delete(serial)
    row = wire.get("rows/devices", search=serial)["rows"][0]
    assert (row["state"], row["struck"]) == ("削除済み(取消線)", True)
    assert "notice" in wire.order("purge", serial)
    assert states(wire.tenant, serial) == []


def test_certificates_keep_the_record_until_they_are_revoked(wire: Wire) -> None:
    """Warning 15."""
    serial = without_licences(wire.tenant)
    wire.tenant.panel_set([serial], certificates=["identity"])
    wire.delete(serial)
    assert states(wire.tenant, serial) == ["deleted"]
    assert RELATED in wire.lines(serial)[-1]
    assert RELATED in wire.order("purge", serial)["error"]
    wire.post("certificates/revoke", row=wire.numbers(serial)[0], name="identity")
    assert "notice" in wire.order("purge", serial)
    assert states(wire.tenant, serial) == []
    assert [(act["kind"], act.get("refused")) for act in wire.tenant.panel_acts][1:] == [
        ("delete", None),
        ("purge", "related"),
        ("revoke_certificate", None),
        ("purge", None),
    ]


def test_licences_keep_an_erased_record_from_being_deleted_completely(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.erase(serial, returns=False)
    assert RELATED in wire.order("purge", serial)["error"]


def test_work_smart_device_cannot_be_deleted(wire: Wire) -> None:
    """Warning 14; nor can those that are chosen with it."""
    first, second = wire.tenant.serials[:2]
    wire.tenant.panel_set([second], work_smart="校内")
    assert "ワーク・スマート構成" in wire.delete(first, second)["error"]
    assert len(wire.tenant.panel_device(first)["licences"]) == 2
    assert wire.details(second)["ワーク・スマート構成"] == "校内"


def test_commands_that_wait_are_lost_with_the_record(wire: Wire) -> None:
    """Warning 20."""
    serial = without_licences(wire.tenant)
    wire.tenant.panel_collect()
    wire.tenant.panel_set([serial], off=True)
    wire.order("remove_profile", serial, items=["school.wifi"])
    wire.delete(serial)
    wire.tenant.panel_set([serial], off=False)
    wire.tenant.settled()
    device = wire.tenant.panel_device(serial)
    assert (device["lost"], device["seen"], device["records"]) == (["RemoveProfile"], [], [])
    assert "school.wifi" in device["profiles"]


@pytest.mark.parametrize("ticked", [True, False])
def test_automatic_apps_go_where_that_was_ticked(wire: Wire, ticked: bool) -> None:
    """Warning 16."""
    serial = without_licences(wire.tenant)
    before = wire.tenant.panel_device(serial)["apps"]
    wire.delete(serial, with_apps=ticked)
    after = wire.tenant.panel_device(serial)["apps"]
    assert after == ([one for one in before if "app1000" not in one] if ticked else before)


@pytest.mark.parametrize(
    ("typed", "tolerant", "taken"),
    [
        ("YES", False, True),
        ("yes", False, False),
        ("ＹＥＳ", False, False),
        ("はい", True, False),
        ("yes", True, True),
        ("ＹＥＳ", True, True),
    ],
)
@pytest.mark.parametrize("act", ["delete", "erase"])
def test_the_word_yes(wire: Wire, act: str, typed: str, tolerant: bool, taken: bool) -> None:
    serial = without_licences(wire.tenant)
    wire.tenant.switch(clomo_tolerant_yes=tolerant)
    press = wire.delete if act == "delete" else functools.partial(wire.erase, returns=False)
    answer = press(serial, typed=typed)
    assert ("notice" in answer) == taken
    assert (states(wire.tenant, serial) == ["managed"]) != taken
    assert (wire.tenant.panel_acts[-1].get("refused") == "type_yes") != taken


def test_several_and_all(wire: Wire) -> None:
    for _time in range(2):
        wire.delete(*wire.tenant.serials[:2])
    assert wire.get("rows/devices")["total"] == 4
    for _time in range(2):
        wire.delete()
    assert wire.get("rows/devices")["total"] == 0
    assert [one["deleted"] for one in wire.tenant.panel_devices()] == [1] * 6


def test_deleted_row_cannot_be_acted_on_again(wire: Wire) -> None:
    serial = without_licences(wire.tenant)
    rows = wire.numbers(serial)
    wire.delete(serial)
    assert "見つかりません" in wire.post("commands/delete", rows=rows, typed="YES", options={})["error"]
    assert wire.tenant.panel_device(serial)["deleted"] == 1


# Erasing


def test_erased_device_returns_with_nothing_of_its_owner(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.erase(serial)
    device = wire.tenant.panel_device(serial)
    record = device["records"][0]
    assert (device["erased"], device["enrolments"], states(wire.tenant, serial)) == (1, 2, ["managed"])
    assert (record["owner"], record["organization"], record["tags"], record["memo"]) == ("", "", [], "")
    assert (record["profiles"], record["collected"]) == ([], [])
    assert device["profiles"] == ["com.clomo.mdm.profile", "school.wifi", "school.restrictions"]
    assert "com.example.game" not in device["apps"]


def test_carried_over(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.erase(serial, carries=True)
    record = wire.tenant.panel_device(serial)["records"][0]
    assert record["owner"] == "生徒 00001 <s00001@school.example>"
    assert (record["tags"], record["memo"]) == (["貸出"], "生徒 00001 に貸出")


def test_without_return_to_service_it_is_struck_through_and_gone(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.erase(serial, returns=False)
    device = wire.tenant.panel_device(serial)
    assert (device["erased"], device["enrolled"], device["profiles"]) == (1, False, [])
    row = wire.get("rows/devices", search=serial)["rows"][0]
    assert (row["state"], row["struck"]) == ("初期化済み(取消線)", True)


def test_return_in_a_row_of_its_own(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.switch(clomo_return_new_row=True)
    wire.erase(serial)
    assert states(wire.tenant, serial) == ["erased", "managed"]
    old, new = wire.tenant.panel_device(serial)["records"]
    assert (old["owner"] != "", new["owner"]) == (True, "")


def test_ade_data_is_missing_until_the_list_is_refreshed(wire: Wire) -> None:
    first, second = wire.tenant.serials[:2]
    wire.tenant.switch(clomo_ade_missing=True)
    wire.erase(first, second)
    assert (wire.pane(first)["ade"], wire.pane(wire.tenant.serials[2])["ade"] != []) == ([], True)
    wire.post("settings/ade_devices")
    wire.tenant.settled()
    assert wire.pane(first)["ade"] and wire.pane(second)["ade"]


@pytest.mark.parametrize("facts", [{"returns": False}, {"activation_lock": True}])
def test_device_that_does_not_come_back(wire: Wire, facts: dict[str, Any]) -> None:
    """Warning 25 is one of them."""
    serial = wire.tenant.serials[0]
    wire.tenant.panel_set([serial], **facts)
    wire.erase(serial)
    device = wire.tenant.panel_device(serial)
    assert (device["erased"], device["enrolled"], states(wire.tenant, serial)) == (1, False, ["erased"])


def test_device_in_lost_mode_refuses(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_set([serial], lost_mode=True)
    wire.erase(serial)
    assert (wire.tenant.panel_device(serial)["erased"], states(wire.tenant, serial)) == (0, ["managed"])


def test_device_that_is_off_is_erased_once_it_is_on(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_set([serial], off=True)
    wire.erase(serial)
    assert wire.tenant.panel_device(serial)["erased"] == 0
    wire.tenant.panel_set([serial], off=False)
    wire.tenant.settled()
    assert (wire.tenant.panel_device(serial)["erased"], wire.tenant.panel_device(serial)["enrolments"]) == (1, 2)


def test_two_erases_are_two(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.erase(serial)
    wire.erase(serial)
    assert wire.tenant.panel_device(serial)["erased"] == 2


def test_panel_does_not_notice_what_is_done_by_hand(wire: Wire) -> None:
    """Warning 17."""
    serial = wire.tenant.serials[0]
    wire.tenant.panel_erased_by_hand(serial)
    wire.order("profile_list", serial)
    assert states(wire.tenant, serial) == ["managed"]
    assert not any("[success]" in line for line in wire.lines(serial))
    wire.tenant.panel_enrols(serial)
    assert (states(wire.tenant, serial), wire.tenant.panel_device(serial)["enrolments"]) == (["managed"], 2)


def test_deleted_device_can_be_set_up_anew(wire: Wire) -> None:
    serial = without_licences(wire.tenant)
    wire.delete(serial)
    wire.tenant.panel_enrols(serial)
    assert states(wire.tenant, serial) == ["managed"]
    assert wire.details(serial)["所有者"] == ""


def test_apples_assignment_is_not_the_panels_business(wire: Wire) -> None:
    serial = without_licences(wire.tenant)
    assigned = wire.tenant.assigned[serial]
    wire.delete(serial)
    assert (wire.tenant.assigned[serial], bool(assigned)) == (assigned, True)
