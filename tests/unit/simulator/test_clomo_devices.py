# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Devices of CLOMO PANEL in a browser: the grid and its ticks, the right pane, and every window on the way to a command."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.clerk import Clerk
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.warden import (
    CARRY_OVER,
    COLLECT_APPS,
    COLLECT_PROFILES,
    DELETE,
    ERASE,
    KEEP_APPS,
    OPERATIONS,
    PURGE,
    REMOVE_APPS,
    REMOVE_PROFILES,
    RETURN,
    REVOKE,
    YES,
    Warden,
)


def serials_in_view(warden: Warden) -> list[str]:
    """In the order of the screen."""
    rows = warden.page.locator(".x-grid-row").evaluate_all(
        "rows => rows.map(row => [+row.getAttribute('aria-rowindex'), row.children[2].textContent]).sort((a, b) => a[0] - b[0])"
    )
    return [serial for _number, serial in rows]


def scroll(warden: Warden, to: int) -> None:
    warden.page.locator(".x-grid-view").evaluate("(view, to) => view.scrollTo(0, to)", to)


def of_ten_thousand(world: World, page: Any, folder: Path) -> Warden:
    tenant = world.tenant("large", mdm="clomo", devices=10_000, clomo_classes=["3年1組", "2年1組"])
    return Warden(Clerk(page, tenant, folder)).devices()


# The grid


def test_columns_and_a_row(warden: Warden) -> None:
    warden.devices()
    heads = warden.page.get_by_role("columnheader").all_inner_texts()
    assert heads == ["", "デバイス名", "シリアル番号", "所有者", "組織", "OS", "状態", "最終通信日時"]
    serial = warden.tenant.serials[3]
    cells = warden.row(serial).get_by_role("gridcell").all_inner_texts()[1:]
    owner = "生徒 00004 <s00004@school.example>"
    assert cells[:-1] == ["iPad-00004", serial, owner, "3年2組", "iPadOS 18.4", "管理中"]
    assert re.fullmatch(r"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d", cells[-1])


def test_ten_thousand_rows_of_which_few_are_in_the_page(world: World, page: Any, tmp_path: Path) -> None:
    warden = of_ten_thousand(world, page, tmp_path)
    warden.counted(10_000)
    assert page.get_by_role("grid").get_attribute("aria-rowcount") == "10001"
    assert page.get_by_role("row").count() < 50
    scroll(warden, 28 * 10_000)
    page.locator('[aria-rowindex="10001"]').wait_for()
    assert page.get_by_role("row").count() < 50
    assert serials_in_view(warden)[-1] == warden.tenant.serials[-1]


def test_all_of_a_filter_of_a_large_list(world: World, page: Any, tmp_path: Path) -> None:
    warden = of_ten_thousand(world, page, tmp_path)
    warden.filter("組織", "3年1組")
    warden.counted(5_000)
    warden.tick_all()
    warden.ticked(5_000)
    dialog = warden.command(COLLECT_PROFILES)
    dialog.get_by_text("対象: 5000 件").wait_for()
    shown = dialog.get_by_role("list", name="対象デバイス").get_by_role("listitem")
    assert (shown.first.get_attribute("aria-setsize"), shown.count() < 50) == ("5000", True)
    assert warden.targets(dialog)[0] in warden.tenant.serials


@pytest.mark.parametrize("what", ["serial", "name", "owner"])
def test_search(warden: Warden, what: str) -> None:
    serial = warden.tenant.serials[2]
    warden.devices().search({"serial": serial, "name": "iPad-00003", "owner": "s00003@"}[what])
    warden.counted(1)
    warden.row(serial).wait_for()


def test_search_may_show_more_than_one_wants(warden: Warden) -> None:
    first, second = warden.tenant.serials[:2]
    warden.tenant.panel_set([second], name=f"old {first}")
    warden.devices().search(first)
    warden.counted(2)


def test_filters(warden: Warden) -> None:
    serials = warden.tenant.serials
    warden.tenant.panel_set(serials[:2], tags=["返却"])
    warden.devices().filter("タグ", "返却")
    warden.counted(2)
    warden.filter("組織", "3年2組")
    warden.counted(0)
    warden.filter("タグ", "すべて")
    warden.counted(3)
    warden.filter("状態", "初期化済み(取消線)")
    warden.counted(0)


@pytest.mark.parametrize("survives", [True, False])
def test_ticks_and_scrolling(world: World, page: Any, tmp_path: Path, survives: bool) -> None:
    tenant = world.tenant("large", mdm="clomo", devices=200)
    tenant.switch(clomo_ticks_survive_scrolling=survives)
    warden = Warden(Clerk(page, tenant, tmp_path)).devices()
    warden.tick(*tenant.serials[:2])
    warden.ticked(2)
    scroll(warden, 3000)
    page.locator('[aria-rowindex="111"]').wait_for()
    warden.ticked(2 if survives else 0)


@pytest.mark.parametrize("survives", [True, False])
def test_ticks_and_a_new_search(warden: Warden, survives: bool) -> None:
    first, second = warden.tenant.serials[:2]
    warden.tenant.switch(clomo_ticks_survive_search=survives)
    warden.devices().tick(first)
    warden.search(second)
    warden.counted(1)
    warden.ticked(1 if survives else 0)
    warden.tick(second)
    warden.ticked(2 if survives else 1)


def test_tick_selects_no_row_and_a_row_ticks_nothing(warden: Warden) -> None:
    first, second = warden.tenant.serials[:2]
    warden.devices().tick(first)
    assert warden.row(first).get_attribute("aria-selected") == "false"
    warden.select(second)
    assert warden.row(second).get_attribute("aria-selected") == "true"
    warden.ticked(1)


def test_rows_move_with_the_last_contact(warden: Warden) -> None:
    serial = warden.tenant.serials[4]
    warden.tenant.switch(clomo_device_order="contact", clomo_grid_refresh_ms=50)
    warden.tenant.panel_set([serial], last_contact="2020-01-01T00:00:00Z")
    warden.devices()
    warden.page.locator('[aria-rowindex="7"]').filter(has_text=serial).wait_for()
    warden.tenant.panel_set([serial], last_contact="2099-01-01T00:00:00Z")
    warden.page.locator('[aria-rowindex="2"]').filter(has_text=serial).wait_for()


@pytest.mark.parametrize("by_place", [False, True])
def test_ticks_where_rows_move(warden: Warden, by_place: bool) -> None:
    """The window tells whom the command would go to, whatever was ticked."""
    first, second = warden.tenant.serials[:2]
    warden.tenant.switch(clomo_grid_refresh_ms=50, clomo_ticks_by_place=by_place)
    warden.devices().tick(first)
    warden.tenant.panel_colleague("rename", serial=first, name="iPad-99999")
    warden.page.locator('[aria-rowindex="7"]').filter(has_text=first).wait_for()
    assert warden.targets(warden.command(DELETE)) == [second if by_place else first]


# The right pane


def test_details(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    pane = warden.devices().select(serial)
    warden.page.get_by_role("region", name="iPad-00001").wait_for()
    captions = {
        "シリアル番号": serial,
        "所有者": "生徒 00001 <s00001@school.example>",
        "組織": "3年1組",
        "監視対象": "はい",
        "紛失モード": "いいえ",
        "タグ": "貸出",
        "メモ": "生徒 00001 に貸出",
    }
    assert {name: warden.clerk.value(name) for name in captions} == captions
    assert pane.get_by_role("group", name="ADE デバイス情報").count() == 1
    warden.tenant.panel_set([serial], ade=False)
    warden.open_section("デバイスの詳細情報")
    pane.get_by_role("group", name="ADE デバイス情報").wait_for(state="detached")


def test_sections(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    warden.tenant.panel_collect()
    warden.tenant.panel_set([serial], certificates=["identity"])
    warden.devices().select(serial)
    warden.open_section("構成プロファイル")
    assert warden.listed("構成プロファイル") == ["MDM 構成プロファイル", "校内 Wi-Fi", "機能制限"]
    warden.open_section("アプリケーション")
    assert warden.listed("アプリケーション")[0] == "CLOMO MDM Agent"
    licensed = "VPP 管理配布でユーザーにライセンスが割り当てられているアプリケーション一覧"
    assert warden.listed(licensed) == ["App 1000000001", "App 1000000002"]
    warden.open_section("証明書")
    warden.clerk.button("操作").click()
    warden.page.get_by_role("menuitem", name="失効").click()
    warden.press("確認", "OK")
    warden.told("失効しました")
    assert warden.tenant.panel_device(serial)["records"][0]["certificates"] == []


def test_row_that_is_gone_when_it_is_selected(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    warden.devices()
    warden.tenant.panel_colleague("vanish", serial=serial)
    warden.page.get_by_role("gridcell", name=serial, exact=True).click()
    warden.refused("見つかりません")
    assert not warden.page.locator(".right").get_by_role("region").count()


# Commands


def test_commands_stand_in_groups(warden: Warden) -> None:
    warden.devices().select(warden.tenant.serials[0])
    assert {COLLECT_PROFILES, REMOVE_PROFILES, REMOVE_APPS, REVOKE, ERASE, DELETE} <= set(warden.offered())
    warden.page.get_by_role("combobox", name="コマンドを選択してください").click()
    group = warden.page.get_by_role("group", name="プロファイル関連コマンド")
    group.get_by_role("option").wait_for()
    assert group.get_by_role("option").all_inner_texts() == [REMOVE_PROFILES]


def test_struck_through_record_offers_one_thing(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    warden.devices().select(serial)
    warden.erase(returns=False)
    warden.tenant.settled()
    warden.devices().select(serial)
    assert warden.offered() == [PURGE]
    style = "cell => getComputedStyle(cell).textDecorationLine"
    assert warden.page.get_by_role("gridcell", name="初期化済み(取消線)").evaluate(style) == "line-through"


def test_pupil_leaves_with_the_device(warden: Warden) -> None:
    """All of the manual's first pattern but Apple's part and the user's."""
    serial = warden.tenant.serials[0]
    warden.devices().select(serial)
    warden.collect()
    warden.remove(REMOVE_PROFILES, "校内 Wi-Fi", "機能制限")
    warden.told(REMOVE_PROFILES)
    warden.remove(REMOVE_APPS, "CLOMO MDM Agent")
    warden.told(REMOVE_APPS)
    warden.remove(REVOKE, "App 1000000001", "App 1000000002")
    warden.told("剥奪")
    warden.tenant.settled()
    warden.delete()
    warden.told(DELETE)
    warden.counted(5)
    device = warden.tenant.panel_device(serial)
    assert (device["records"], device["licences"], device["profiles"]) == ([], [], ["com.clomo.mdm.profile"])
    assert device["removed_apps"] == ["com.clomo.mdm.agent"]
    kinds = [act["kind"] for act in warden.tenant.panel_acts if act["serials"] == [serial]]
    assert kinds == ["profile_list", "app_list", "remove_profile", "remove_app", "revoke_licence", "delete"]


def test_device_goes_to_another_pupil(warden: Warden) -> None:
    """The manual's second pattern."""
    serial = warden.tenant.serials[0]
    warden.devices().select(serial)
    warden.erase()
    warden.told(ERASE)
    warden.tenant.settled()
    warden.devices().select(serial)
    assert (warden.clerk.value("所有者"), warden.clerk.value("タグ")) == ("", "")
    assert (warden.tenant.panel_device(serial)["erased"], len(warden.tenant.panel_acts)) == (1, 1)


@pytest.mark.parametrize("number", [2, 6])
def test_command_goes_to_all_that_are_ticked(warden: Warden, number: int) -> None:
    chosen = warden.tenant.serials[:number]
    warden.devices().select(warden.tenant.serials[5])
    if number == 6:
        warden.tick_all()
    else:
        warden.tick(*chosen)
    warden.ticked(number)
    dialog = warden.command(COLLECT_APPS)
    dialog.get_by_text(f"対象: {number} 件").wait_for()
    assert warden.targets(dialog) == chosen
    warden.press(COLLECT_APPS, "実行")
    warden.told(COLLECT_APPS)
    assert sorted(warden.tenant.panel_acts[0]["serials"]) == sorted(chosen)


@pytest.mark.parametrize("ticked", [True, False])
def test_boxes_as_they_are_when_the_window_opens(warden: Warden, ticked: bool) -> None:
    warden.tenant.switch(clomo_ticked_keep_apps=ticked, clomo_ticked_return=ticked, clomo_ticked_carry_over=ticked)
    warden.devices().select(warden.tenant.serials[0])
    for command, labels in ((DELETE, [KEEP_APPS]), (ERASE, [RETURN, CARRY_OVER])):
        dialog = warden.command(command)
        boxes = [dialog.get_by_role("checkbox", name=label, exact=True) for label in labels]
        assert [box.is_checked() for box in boxes] == [ticked] * len(labels)
        boxes[0].click()
        assert boxes[0].is_checked() != ticked
        warden.press(command, "Cancel")


@pytest.mark.parametrize("command", [DELETE, ERASE])
def test_without_yes_nothing_happens(warden: Warden, command: str) -> None:
    serial = warden.tenant.serials[0]
    warden.devices().select(serial)
    if command == DELETE:
        warden.delete("yes")
    else:
        warden.erase("yes")
    warden.refused("YES")
    assert warden.tenant.panel_acts[0]["refused"] == "type_yes"
    assert (warden.tenant.panel_device(serial)["erased"], len(warden.tenant.panel_device(serial)["records"])) == (0, 1)


def test_cancel_at_each_window_of_a_deletion(warden: Warden) -> None:
    warden.devices().select(warden.tenant.serials[0])
    for windows in range(4):
        warden.command(DELETE)
        steps = [(DELETE, "実行"), ("確認", "OK"), (DELETE, "デバイスを削除"), ("確認", "OK")]
        for title, button in steps[:windows]:
            if button == "デバイスを削除":
                warden.page.get_by_label(YES).fill("YES")
            warden.press(title, button)
        warden.press(steps[windows][0], "Cancel")
        warden.page.get_by_role("dialog").wait_for(state="detached")
    assert warden.tenant.panel_acts == []


def test_confirmation_of_a_deletion_names_the_devices(warden: Warden) -> None:
    chosen = warden.tenant.serials[1:4]
    warden.devices().tick(*chosen)
    warden.command(DELETE)
    warden.press(DELETE, "実行")
    assert warden.targets(warden.clerk.dialog("確認")) == chosen
    assert "3 台" in warden.clerk.dialog("確認").inner_text()


def test_nothing_chosen(warden: Warden) -> None:
    warden.tenant.panel_collect()
    warden.devices().select(warden.tenant.serials[0])
    warden.command(REMOVE_PROFILES)
    warden.press(REMOVE_PROFILES, "実行")
    warden.refused("項目を選択してください")
    assert warden.tenant.panel_acts == []


def test_last_ok_that_only_informs(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    warden.tenant.switch(clomo_last_ok_informs=True)
    warden.devices().select(serial)
    warden.command(ERASE)
    warden.press(ERASE, "OK")
    warden.page.get_by_label(YES).fill("YES")
    warden.press(ERASE, "デバイスを初期化")
    warden.clerk.dialog("お知らせ").wait_for()
    assert len(warden.tenant.panel_acts) == 1
    warden.press("お知らせ", "OK")


@pytest.mark.parametrize("vintage", ["older", "dep"])
def test_commands_of_the_older_panel(warden: Warden, vintage: str) -> None:
    serial = warden.tenant.serials[0]
    warden.tenant.switch(clomo_vintage=vintage)
    warden.devices().select(serial)

    def command(label: str, button: str) -> Any:
        warden.clerk.button(OPERATIONS).click()
        warden.page.get_by_role("menuitem", name=label, exact=True).click()
        warden.clerk.button(button).click()
        return warden.clerk.dialog(label)

    command(COLLECT_PROFILES, "実行")
    warden.press(COLLECT_PROFILES, "実行")
    warden.told(COLLECT_PROFILES)
    command(ERASE, "次へ").get_by_role("checkbox", name=RETURN).wait_for()
    warden.press(ERASE, "Cancel")
    command("デバイスを削除", "実行")
    warden.press("デバイスを削除", "実行")
    warden.press("確認", "OK")
    warden.page.get_by_label(YES).fill("YES")
    warden.press("デバイスを削除", "デバイスを削除")
    warden.press("確認", "OK")
    warden.told("デバイスを削除")
    assert [act["kind"] for act in warden.tenant.panel_acts] == ["profile_list", "delete"]


def test_english_administrator(warden: Warden) -> None:
    warden.tenant.switch(clomo_language="English")
    warden.devices().page.get_by_role("gridcell", name=warden.tenant.serials[0], exact=True).click()
    warden.page.get_by_role("combobox", name="Choose a command").click()
    warden.page.get_by_role("option", name="Erase Device", exact=True).click()
    warden.clerk.button("Next").click()
    box = warden.clerk.dialog("Erase Device").get_by_role("checkbox", name="Enroll Again (Return to service)")
    assert not box.is_checked()


@pytest.mark.parametrize("rows", [300, 2500])
def test_rows_that_are_slow_to_come_leave_a_gap_under_a_mask(
    world: World, page: Any, tmp_path: Path, rows: int
) -> None:
    tenant = world.tenant("large", mdm="clomo", devices=rows)
    tenant.switch(clomo_grid_delay_ms=700)
    warden = Warden(Clerk(page, tenant, tmp_path)).devices()
    scroll(warden, 28 * rows)
    page.get_by_role("grid").get_by_text("読み込み中").wait_for()
    page.locator(f'[aria-rowindex="{rows + 1}"]').wait_for()
    page.get_by_role("grid").get_by_text("読み込み中").wait_for(state="detached")


def test_moved_and_doubled_labels(warden: Warden) -> None:
    warden.tenant.switch(clomo_moved_labels={DELETE: "端末を削除"}, clomo_doubled_labels=[ERASE])
    warden.devices().select(warden.tenant.serials[0])
    offered = warden.offered()
    assert ("端末を削除" in offered, DELETE in offered, offered.count(ERASE)) == (True, False, 2)


@pytest.mark.parametrize("place", ["devices", "users", "window"])
def test_unknown_dialog(warden: Warden, place: str) -> None:
    warden.devices().select(warden.tenant.serials[0])
    warden.tenant.switch(clomo_unknown_dialog_at=place)
    if place == "window":
        warden.command(ERASE)
    else:
        warden.clerk.tab({"devices": "Devices", "users": "Users/Org"}[place])
    warden.clerk.dialog("お知らせ").get_by_role("button", name="閉じる").click()


def test_session_that_ends_before_the_last_press(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    warden.devices().select(serial)
    warden.tenant.switch(clomo_session_ends_at="commands/delete")
    warden.delete()
    warden.press("お知らせ", "OK")
    warden.page.get_by_label("パスワード").wait_for()
    assert len(warden.tenant.panel_device(serial)["records"]) == 1


@pytest.mark.parametrize("order", ["serial", "owner"])
@pytest.mark.parametrize("encoding", ["Shift-JIS", "UTF-8"])
def test_devices_as_csv(warden: Warden, order: str, encoding: str) -> None:
    warden.tenant.switch(clomo_export_order=order)
    warden.devices().clerk.button("Import/Export").click()
    warden.page.get_by_role("menuitem", name="Export").click()
    warden.filter("文字コード", encoding)
    with warden.page.expect_download() as download:
        warden.press("Export", "実行")
    assert re.fullmatch(r"devices_\d+\.csv", download.value.suggested_filename)
    text = Path(download.value.path()).read_bytes().decode({"Shift-JIS": "cp932", "UTF-8": "utf-8-sig"}[encoding])
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["シリアル番号"] for row in rows] == warden.tenant.serials
    assert text.startswith("シリアル番号" if order == "serial" else "デバイス種別,所有者")


@pytest.mark.parametrize(
    ("kind", "column"), [("デバイス情報(証明書情報)", "コモンネーム"), ("アプリケーション情報", "識別子")]
)
def test_other_lists_as_csv(warden: Warden, kind: str, column: str) -> None:
    warden.tenant.panel_set(certificates=["identity"])
    warden.tenant.panel_collect()
    warden.devices().clerk.button("Import/Export").click()
    warden.page.get_by_role("menuitem", name="Export").click()
    warden.clerk.dialog("Export").get_by_role("radio", name=kind, exact=True).click()
    with warden.page.expect_download() as download:
        warden.press("Export", "実行")
    rows = list(csv.DictReader(io.StringIO(Path(download.value.path()).read_bytes().decode("cp932"))))
    assert {row["シリアル番号"] for row in rows} == set(warden.tenant.serials)
    assert all(row[column] for row in rows)


def test_reports_by_pages_and_search(warden: Warden) -> None:
    serial = warden.tenant.serials[0]
    warden.tenant.panel_day()
    warden.tenant.settled()
    warden.devices().clerk.tab("Reports")
    warden.shown()
    assert warden.page.get_by_role("grid").get_attribute("aria-rowcount") == "51"
    warden.page.get_by_text(re.compile(r"^1 / \d+$")).wait_for()
    warden.clerk.button("次のページ").click()
    warden.page.get_by_text(re.compile(r"^2 / \d+$")).wait_for()
    warden.search(serial)
    warden.page.get_by_text("1 / 1", exact=True).wait_for()
    warden.page.locator('[aria-rowcount="13"]').wait_for()
    assert warden.page.get_by_role("gridcell", name=f"{serial} / iPad-00001", exact=True).count() == 12
    assert warden.clerk.button("次のページ").get_attribute("aria-disabled") == "true"


def test_panes_that_were_closed_are_not_kept(warden: Warden) -> None:
    """Else the browser grows with each device that is looked at."""
    session = warden.page.context.new_cdp_session(warden.page)
    session.send("Performance.enable")

    def nodes() -> float:
        session.send("HeapProfiler.collectGarbage")
        metrics = session.send("Performance.getMetrics")["metrics"]
        return float(next(each["value"] for each in metrics if each["name"] == "Nodes"))

    def look_at(serials: Sequence[str]) -> float:
        for serial in serials:
            devices.select(serial)
        return nodes()

    devices, serials = warden.devices(), warden.tenant.serials[:3]
    before = look_at(serials)
    assert look_at(serials * 4) < 1.7 * before
