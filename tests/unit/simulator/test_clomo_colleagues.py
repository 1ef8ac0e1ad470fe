# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Another administrator at work in CLOMO PANEL: by a test's word, by script at a request, or busy all the time."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import DELETE, Warden, Wire


@pytest.mark.parametrize(
    ("act", "facts", "caption", "expected"),
    [
        ("rename", {"name": "iPad of nobody"}, "デバイス名", "iPad of nobody"),
        ("hand_over", {"mail": "s00002@school.example"}, "所有者", "生徒 00002 <s00002@school.example>"),
        ("hand_over", {"mail": "new@school.example"}, "所有者", "new <new@school.example>"),
        ("hand_over", {"mail": ""}, "所有者", ""),
        ("tag", {"tags": ["返却", "故障"]}, "タグ", "返却、故障"),
        ("move", {"organization": "2年生/2年1組"}, "組織", "2年1組"),
    ],
)
def test_what_he_changes_of_a_device(wire: Wire, act: str, facts: dict[str, Any], caption: str, expected: str) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_colleague(act, serial=serial, **facts)
    assert wire.details(serial)[caption] == expected
    assert [(one["kind"], one["by"]) for one in wire.tenant.panel_acts] == [(act, "別の管理者")]


def test_rows_that_appear_and_vanish(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    wire.tenant.panel_colleague("vanish", serial=serial)
    assert wire.get("rows/devices")["total"] == 5
    wire.tenant.panel_colleague("add_device", serial="NEW000000001", name="iPad of a teacher")
    assert wire.details("NEW000000001")["デバイス名"] == "iPad of a teacher"
    wire.tenant.panel_colleague("delete", serial="NEW000000001")
    assert wire.get("rows/devices")["total"] == 5


def test_people(wire: Wire) -> None:
    wire.tenant.panel_colleague(
        "add_user", mail="t@school.example", name="教員", role="オペレーター", organization="職員"
    )
    wire.tenant.panel_colleague("delete_user", mail="s00001@school.example")
    users = {one["mail"]: one for one in wire.tenant.panel_users}
    assert "s00001@school.example" not in users
    assert (users["t@school.example"]["role"], users["t@school.example"]["organization"]) == ("オペレーター", "職員")


def test_unknown_acts_and_devices_are_told(school: Tenant) -> None:
    with pytest.raises(ValueError, match="no such act of a colleague: sing"):
        school.panel_colleague("sing")
    with pytest.raises(ValueError, match="no record of nobody"):
        school.panel_colleague("vanish", serial="nobody")


def test_script_runs_once_at_the_request_it_names(wire: Wire) -> None:
    serial = wire.tenant.serials[0]
    script = {"at": "rows/devices", "nth": 2, "act": "rename", "serial": serial, "name": "renamed"}
    wire.tenant.switch(clomo_colleague=[script])
    names = [wire.get("rows/devices", search=serial)["rows"][0]["name"] for _time in range(3)]
    assert names == ["iPad-00001", "renamed", "renamed"]
    assert len(wire.tenant.panel_acts) == 1


def test_device_is_handed_on_while_its_window_opens(warden: Warden) -> None:
    """The window's targets tell nothing of it: the pane, asked anew, does."""
    serial = warden.tenant.serials[0]
    act = {"at": "ask/window$", "act": "hand_over", "serial": serial, "mail": "s00002@school.example"}
    warden.tenant.switch(clomo_colleague=[act])
    warden.devices().select(serial)
    assert warden.targets(warden.command(DELETE)) == [serial]
    warden.press(DELETE, "Cancel")
    assert "生徒 00001" in warden.clerk.value("所有者")
    warden.open_section("デバイスの詳細情報")
    warden.page.get_by_role("tabpanel").get_by_text("生徒 00002 <s00002@school.example>").wait_for()


def test_row_vanishes_before_the_last_press(warden: Warden) -> None:
    first, second = warden.tenant.serials[:2]
    warden.tenant.switch(clomo_colleague=[{"at": "commands/delete$", "act": "vanish", "serial": first}])
    warden.devices().tick(first, second)
    warden.delete()
    warden.refused("見つかりません")
    assert len(warden.tenant.panel_device(second)["licences"]) == 2


def test_busy_colleague_touches_his_devices_only(wire: Wire) -> None:
    own = wire.tenant.serials[3:]
    wire.tenant.switch(clomo_busy_serials=own, clomo_busy_seed=7)
    seen = [[row["name"] for row in wire.get("rows/devices")["rows"]] for _time in range(30)]
    acts = wire.tenant.panel_acts
    assert {act["kind"] for act in acts} == {"rename", "vanish", "add_device"}
    assert {act["serials"][0] for act in acts} == set(own)
    assert len(set(map(tuple, seen))) > 10
    assert all({"iPad-00001", "iPad-00002", "iPad-00003"} <= set(names) for names in seen)


def test_busy_colleague_is_busy_alike_with_the_same_seed(wire: Wire) -> None:
    def done(seed: int) -> list[Any]:
        wire.tenant.switch(clomo_busy_serials=wire.tenant.serials[3:], clomo_busy_seed=seed)
        before = len(wire.tenant.panel_acts)
        for _time in range(8):
            wire.get("numbers/devices")
        wire.tenant.switch(clomo_busy_serials=[])
        return [(act["kind"], act["serials"]) for act in wire.tenant.panel_acts[before:]]

    assert (len(done(1)), len(done(2))) == (8, 8)
