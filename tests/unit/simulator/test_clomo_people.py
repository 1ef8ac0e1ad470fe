# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Users/Org of CLOMO PANEL: who is shown, how users and organisations go, what goes with them, and the CSV that takes all."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import Warden, Wire

FIRST, SECOND, THIRD = (f"s0000{number}@school.example" for number in range(1, 4))
STAFF = "staff1@school.example"


def mails(tenant: Tenant) -> list[str]:
    return [one["mail"] for one in tenant.panel_users]


def test_pupils_own_a_device_each_and_administrators_have_a_role(warden: Warden) -> None:
    pane = warden.people().select(FIRST)
    assert warden.listed("所有デバイス") == [warden.tenant.serials[0]]
    assert pane.get_by_role("textbox", name="管理者権限").inner_text().strip() == ""
    pane = warden.select(STAFF)
    warden.page.get_by_role("region", name="教職員 01").wait_for()
    assert warden.clerk.value("管理者権限") == "システム管理者"
    assert warden.row(FIRST).get_by_role("gridcell").all_inner_texts()[1:] == ["生徒 00001", FIRST, "3年1組", "", "1"]


def test_organisation_and_search_narrow_the_grid(warden: Warden) -> None:
    warden.people().counted(8)
    warden.page.get_by_role("treeitem", name="3年2組").click()
    warden.counted(3)
    warden.search("00005")
    warden.counted(1)
    warden.page.get_by_role("treeitem", name="全社").click()
    warden.search("")
    warden.counted(8)


def test_one_user_goes_by_the_form(warden: Warden) -> None:
    warden.people().select(FIRST)
    warden.clerk.button("ユーザーの情報を編集").click()
    warden.press("ユーザーの情報を編集", "削除")
    assert FIRST in warden.clerk.dialog("確認").inner_text()
    warden.press("確認", "OK")
    warden.told("ユーザ情報を削除しました")
    assert FIRST not in mails(warden.tenant)
    warden.counted(7)
    assert [(act["kind"], act["mails"]) for act in warden.tenant.panel_acts] == [("delete_user", [FIRST])]


@pytest.mark.parametrize(("vintage", "label"), [("newer", "ユーザを削除"), ("older", "ユーザーを削除")])
def test_several_users_go_by_ticks(warden: Warden, vintage: str, label: str) -> None:
    warden.tenant.switch(clomo_vintage=vintage)
    warden.people().tick(FIRST, SECOND)
    warden.ticked(2)
    warden.page.get_by_role("combobox", name="このユーザーの操作").click()
    warden.page.get_by_role("option", name=label, exact=True).click()
    warden.clerk.button("実行").click()
    shown = warden.clerk.dialog("確認").get_by_role("list", name="対象ユーザー").get_by_role("listitem")
    shown.first.wait_for()
    assert shown.all_inner_texts() == [FIRST, SECOND]
    warden.press("確認", "OK")
    warden.told("ユーザ情報の一括削除処理が完了しました")
    assert not {FIRST, SECOND} & set(mails(warden.tenant))
    warden.ticked(0)


def test_deletion_of_several_that_fails(warden: Warden) -> None:
    warden.tenant.switch(clomo_people_fail=True)
    warden.people().tick_all()
    warden.page.get_by_role("combobox", name="このユーザーの操作").click()
    warden.page.get_by_role("option").click()
    warden.clerk.button("実行").click()
    warden.press("確認", "OK")
    warden.told("失敗しました")
    assert len(mails(warden.tenant)) == 8


def test_device_of_a_deleted_user_loses_what_its_class_gave_it(wire: Wire) -> None:
    """Warning 21."""
    serial = wire.tenant.serials[0]
    wire.post("people/delete", rows=wire.users(FIRST))
    wire.tenant.settled()
    device = wire.tenant.panel_device(serial)
    assert (device["records"][0]["owner"], device["records"][0]["organization"]) == ("", "")
    assert device["removed_profiles"] == ["school.wifi"]
    assert len(device["removed_apps"]) == 2
    assert not any("実行しました" in line for line in wire.lines(serial))
    assert wire.tenant.panel_device(wire.tenant.serials[1])["removed_profiles"] == []


def test_administrators_can_be_deleted_like_others(wire: Wire) -> None:
    wire.post("people/delete", rows=wire.users(STAFF), several=True)
    assert STAFF not in mails(wire.tenant)


def test_user_who_is_gone_already(wire: Wire) -> None:
    rows = wire.users(FIRST)
    wire.post("people/delete", rows=rows)
    assert "見つかりません" in wire.post("people/delete", rows=rows)["error"]


def test_empty_organisation_goes(warden: Warden) -> None:
    wire = Wire(warden.tenant)
    wire.post("people/delete", rows=wire.users(FIRST, SECOND, THIRD))
    warden.people().page.get_by_role("treeitem", name="3年1組").click()
    warden.clerk.button("組織の情報を編集").click()
    warden.press("組織の情報を編集", "削除")
    warden.press("確認", "OK")
    warden.told("組織情報を削除しました")
    assert warden.tenant.panel_organizations == ["3年生", "3年生/3年2組"]


@pytest.mark.parametrize("name", ["3年1組", "3年生"])
def test_filled_organisation_stays(warden: Warden, name: str) -> None:
    warden.people().page.get_by_role("treeitem", name=name).click()
    warden.clerk.button("組織の情報を編集").click()
    warden.press("組織の情報を編集", "削除")
    warden.press("確認", "OK")
    warden.refused("できません")
    assert len(warden.tenant.panel_organizations) == 3
    assert warden.tenant.panel_acts[-1]["refused"] == "organization_filled"


def test_organisation_with_a_device_and_no_user_stays(wire: Wire) -> None:
    wire.tenant.panel_colleague("move", serial=wire.tenant.serials[0], organization="予備機")
    number = next(one["id"] for one in wire.get("data/users")["data"]["organizations"] if one["name"] == "予備機")
    assert "できません" in wire.post("organizations/delete", organization=number)["error"]


def test_cascade_by_switch_takes_the_members(wire: Wire) -> None:
    wire.tenant.switch(clomo_organization_cascade=True)
    number = next(one["id"] for one in wire.get("data/users")["data"]["organizations"] if one["name"] == "3年生")
    assert "notice" in wire.post("organizations/delete", organization=number)
    assert wire.tenant.panel_organizations == []
    assert len(mails(wire.tenant)) == 2


@pytest.mark.parametrize("encoding", ["Shift-JIS", "UTF-8"])
def test_users_as_csv(warden: Warden, encoding: str) -> None:
    warden.people().clerk.button("Import/Export").click()
    warden.page.get_by_role("menuitem", name="Export").click()
    warden.filter("文字コード", encoding)
    with warden.page.expect_download() as download:
        warden.press("Export", "実行")
    data = Path(download.value.path()).read_bytes()
    rows = list(csv.DictReader(io.StringIO(data.decode({"Shift-JIS": "cp932", "UTF-8": "utf-8-sig"}[encoding]))))
    assert [row["メールアドレス"] for row in rows] == mails(warden.tenant)


def import_csv(warden: Warden, data: bytes, method: str, *, keep: bool = True) -> None:
    warden.people().clerk.button("Import/Export").click()
    warden.page.get_by_role("menuitem", name="Import").click()
    dialog = warden.clerk.dialog("Import")
    for name, value in (("文字コード", "UTF-8"), ("インポート方法", method)):
        warden.filter(name, value)
    if not keep:
        dialog.get_by_role("checkbox", name="管理者権限を持つユーザーは削除しない").click()
    warden.clerk.choose(dialog, "ファイルを選択", warden.clerk.file("users.csv", data))
    warden.press("Import", "実行")


@pytest.mark.parametrize(("keep", "left"), [(True, ["admin@school.example", STAFF]), (False, [])])
def test_replacing_by_a_header_alone_deletes_everybody(warden: Warden, keep: bool, left: list[str]) -> None:
    """Warning 22."""
    import_csv(warden, "氏名,メールアドレス\r\n".encode(), "全更新", keep=keep)
    warden.told("完了")
    assert mails(warden.tenant) == left
    act: dict[str, Any] = warden.tenant.panel_acts[-1]
    assert (act["kind"], act["replace"], act["keep"]) == ("import_users", True, keep)


def test_adding_erases_what_the_csv_lacks(warden: Warden) -> None:
    import_csv(warden, f"氏名,メールアドレス\r\n新しい名,{FIRST}\r\n新入生,new@school.example\r\n".encode(), "追加更新")
    warden.told("完了")
    first, new = (one for one in warden.tenant.panel_users if one["mail"] in (FIRST, "new@school.example"))
    assert (first["name"], first["organization"], new["name"]) == ("新しい名", "", "新入生")
    assert len(mails(warden.tenant)) == 9


def test_file_that_is_no_csv_of_users(warden: Warden) -> None:
    import_csv(warden, b"PK\x03\x04", "全更新")
    warden.refused("読み取れません")
    assert len(mails(warden.tenant)) == 8
