# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""CLOMO PANEL itself: the way in, the shape of its pages, and each switch that makes it differ."""

from __future__ import annotations

import datetime
import time
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.simulator.clomo.entry import totp
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.clerk import WIZARD, Clerk

RFC_SECRET = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


@pytest.mark.parametrize(("second", "code"), [(59, "287082"), (1111111109, "081804"), (20000000000, "353130")])
def test_codes_are_those_of_rfc_6238(second: int, code: str) -> None:
    assert totp(RFC_SECRET, datetime.datetime.fromtimestamp(second, datetime.timezone.utc)) == code


def test_wrong_password_stays_outside(clerk: Clerk) -> None:
    clerk.tenant.clomo_password = "wrong"
    clerk.log_in()
    assert "違います" in clerk.page.locator(".error").inner_text()
    clerk.page.goto(f"{clerk.tenant.clomo_url}/panel/{clerk.tenant.clomo_domain}/mobile_devices")
    clerk.page.get_by_label("アカウント").wait_for()


@pytest.mark.parametrize("offset", [0, 90])
def test_code_page_where_the_administrator_has_it(world: World, clerk: Clerk, offset: int) -> None:
    world.clock(days=offset)
    clerk.tenant = world.tenant("careful", mdm="clomo", clomo_totp=True)
    clerk.log_in()
    field = clerk.page.get_by_label("認証コード")
    right = totp(clerk.tenant.clomo_totp_secret, datetime.datetime.now(datetime.timezone.utc))
    field.fill(f"{(int(right) + 1) % 1_000_000:06}")
    clerk.button("ログイン").click()
    clerk.page.locator(".error").wait_for()
    field.fill(right)
    clerk.button("ログイン").click()
    clerk.tab("HOME")


def test_logins_and_readings_are_no_writes(world: World, clerk: Clerk) -> None:
    clerk.log_in()
    for name in ("HOME", "Devices", "Users/Org", "Applications", "Reports", "Settings"):
        clerk.tab(name)
    assert len(world.requests("school", "/clomo/panel/school/")) > 6
    assert not world.writes("school")


def ids(page: Any) -> set[str]:
    return set(page.locator("[id]").evaluate_all("all => all.map(one => one.id)"))


def test_ids_change_at_each_load(clerk: Clerk) -> None:
    clerk.log_in().ios_basic()
    before = ids(clerk.page)
    clerk.page.reload()
    clerk.ios_basic()
    after = ids(clerk.page)
    assert len(before) == len(after) > 40
    assert len(before & after) < len(before) / 2


def test_grid_holds_only_the_rows_in_view(clerk: Clerk) -> None:
    clerk.log_in().tab("Reports")
    rows = clerk.page.get_by_role("row")
    rows.nth(1).wait_for()
    assert clerk.page.get_by_role("grid").get_attribute("aria-rowcount") == "51"
    assert rows.count() < 40
    assert not clerk.page.locator('[aria-rowindex="51"]').count()
    clerk.page.locator(".x-grid-view").evaluate("view => view.scrollTo(0, 9999)")
    clerk.page.locator('[aria-rowindex="51"]').wait_for()
    assert not clerk.page.locator('[aria-rowindex="2"]').count()


def test_visible_texts_can_be_clicked(clerk: Clerk) -> None:
    page = clerk.log_in().page
    page.get_by_text("Settings", exact=True).click()
    page.get_by_text("CLOMO MOBILE APP PORTAL").click()
    page.get_by_text("サービス設定", exact=True).click()
    page.get_by_text("組織を選択してください").click()
    page.get_by_text("全社").click()
    assert page.get_by_role("combobox").input_value() == "全社"
    with page.expect_file_chooser() as chooser:
        page.get_by_text("ファイルを選択").click()
    chooser.value.set_files(clerk.file("x.vpptoken", b"x"))
    page.get_by_text("x.vpptoken").wait_for()


def test_list_of_the_combo_closes_when_another_thing_is_pressed(clerk: Clerk) -> None:
    clerk.log_in().service_settings()
    clerk.page.get_by_role("combobox").click()
    clerk.page.get_by_role("option").first.wait_for()
    clerk.tab("Reports")
    assert not clerk.page.get_by_role("option").count()


@pytest.mark.parametrize(
    ("vintage", "devices", "ios", "choose", "refresh", "account"),
    [
        ("newer", "Devices", "iOS/macOS", "ファイルを選択", "ADE デバイスの一覧を更新する", "Apple Account"),
        ("older", "Mobile Devices", "iOS / macOS", "変更する", "ADE デバイスの一覧を更新する", "Apple ID"),
        ("dep", "Mobile Devices", "iOS / macOS", "設定する", "DEP デバイスの一覧を更新する", "Apple ID"),
    ],
)
def test_labels_of_each_vintage(
    clerk: Clerk, vintage: str, devices: str, ios: str, choose: str, refresh: str, account: str
) -> None:
    clerk.tenant.switch(clomo_vintage=vintage)
    clerk.log_in().tab(devices)
    clerk.settings("Mobile Device Management", ios, "基本設定")
    clerk.button(choose).wait_for()
    assert clerk.button(refresh).is_enabled()
    clerk.open_wizard()
    clerk.button("続きから始める").click()
    clerk.page.get_by_label(account).wait_for()


def test_english_administrator(clerk: Clerk) -> None:
    clerk.tenant.switch(clomo_language="English")
    clerk.log_in().settings("Mobile Device Management", "iOS/macOS", "Basic Settings")
    clerk.button("Refresh the List of ADE Devices").wait_for()
    assert clerk.page.locator("html").get_attribute("lang") == "en"


def test_home_alerts_what_ended_and_what_will_soon(world: World, clerk: Clerk) -> None:
    days = {"push_days_left": -2, "server_token_days_left": 30, "content_token_days_left": 120}
    clerk.tenant = world.tenant("late", mdm="clomo", **days)
    clerk.log_in().tab("HOME")
    alerts = clerk.page.get_by_role("region", name="アラート").get_by_role("listitem")
    assert alerts.all_inner_texts() == [
        "MDM プッシュ通知証明書の有効期限が切れています。",
        "ADE サーバートークンの有効期限まで 30 日です。",
    ]
    assert clerk.value("管理端末数/契約数") == "3/50"


def test_dates_and_time_zone(clerk: Clerk) -> None:
    clerk.log_in()
    tokyo = clerk.home_expiry("MDM プッシュ通知証明書")
    clerk.tab("Reports")
    clerk.tenant.switch(clomo_time_zone_hours=0)
    utc = clerk.home_expiry("MDM プッシュ通知証明書")
    gap = [datetime.datetime.strptime(text, "%Y/%m/%d %H:%M:%S") for text in (utc, tokyo)]
    assert gap[1] - gap[0] == datetime.timedelta(hours=9)
    clerk.tab("Reports")
    clerk.tenant.switch(clomo_dates_only=True)
    assert clerk.home_expiry("MDM プッシュ通知証明書") == utc.split()[0]


def test_moved_labels(clerk: Clerk) -> None:
    clerk.tenant.switch(clomo_moved_labels={"続きから始める": "再開", "保存": "変更を保存"})
    clerk.log_in().ios_basic()
    assert (clerk.button("変更を保存").count(), clerk.button("保存").count()) == (1, 0)
    clerk.open_wizard()
    assert (clerk.button("再開").count(), clerk.button("続きから始める").count()) == (1, 0)


@pytest.mark.parametrize("label", ["続きから始める", "保存", "ADE サーバートークンの有効期限", "Reports", "iOS/macOS"])
def test_doubled_labels(clerk: Clerk, label: str) -> None:
    clerk.tenant.switch(clomo_doubled_labels=[label])
    clerk.log_in()
    clerk.tab("Settings")
    for name in ("Mobile Device Management", "iOS/macOS", "基本設定"):
        clerk.page.get_by_role("treeitem", name=name).first.click()
    clerk.open_wizard()
    clerk.button("続きから始める").first.wait_for()
    assert clerk.page.get_by_text(label, exact=True).count() == 2


@pytest.mark.parametrize("screen", ["home", "ios_basic", "service_settings", "reports", "wizard", "wizard_certificate"])
def test_unknown_dialog_covers_the_screen(clerk: Clerk, screen: str) -> None:
    clerk.tenant.switch(clomo_unknown_dialog_at=screen)
    clerk.log_in()
    if screen == "reports":
        clerk.tab("Reports")
    if screen == "service_settings":
        clerk.service_settings()
    if screen in ("ios_basic", "wizard", "wizard_certificate"):
        clerk.ios_basic()
    if screen.startswith("wizard"):
        clerk.open_wizard()
    if screen == "wizard_certificate":
        clerk.button("続きから始める").click()
    unknown = clerk.dialog("お知らせ")
    unknown.get_by_role("button", name="閉じる").click()
    unknown.wait_for(state="detached")


def test_slow_screens_are_masked(clerk: Clerk) -> None:
    clerk.log_in().tab("HOME")
    clerk.tenant.switch(clomo_delay_ms=700)
    before = time.monotonic()
    clerk.page.get_by_role("tab", name="Reports").click()
    clerk.page.get_by_role("status").get_by_text("読み込み中").wait_for()
    clerk.page.get_by_role("grid", name="Reports").wait_for()
    assert time.monotonic() - before > 0.7


def test_slow_grid_is_there_before_its_rows(clerk: Clerk) -> None:
    clerk.tenant.switch(clomo_grid_delay_ms=700)
    clerk.log_in().tab("Reports")
    assert not clerk.page.get_by_role("gridcell").count()
    clerk.page.get_by_role("gridcell").first.wait_for()


def test_confirmation_although_the_certificate_is_the_right_one(clerk: Clerk) -> None:
    clerk.tenant.switch(clomo_wrong_certificate=True)
    clerk.log_in().ios_basic()
    clerk.continue_with(clerk.tenant.push_certificate_pem.encode())
    clerk.dialog("確認").get_by_role("button", name="Cancel").click()
    assert clerk.page.get_by_label("Apple Account").is_visible()


def test_input_error_by_switch(clerk: Clerk) -> None:
    clerk.tenant.switch(clomo_input_error=True)
    clerk.log_in().ios_basic()
    clerk.continue_with(clerk.tenant.push_certificate_pem.encode())
    clerk.dialog("エラー").get_by_text("入力エラー").wait_for()


def test_session_that_ends_in_mid_flow(world: World, clerk: Clerk) -> None:
    clerk.log_in().ios_basic()
    clerk.tenant.switch(clomo_session_ends_at="wizard/begin")
    clerk.begin_wizard()
    clerk.dialog("お知らせ").get_by_role("button", name="OK").click()
    clerk.page.get_by_label("パスワード").wait_for()
    assert [entry["status"] for entry in world.writes("school")] == [401]
    clerk.log_in().ios_basic()
    assert clerk.tenant.refresh().clomo_wizard_step == "certificate"
    clerk.begin_wizard()
    clerk.page.get_by_label("会社所在地 国名コード").wait_for()


def test_idle_session_ends(world: World, clerk: Clerk) -> None:
    clerk.log_in().tab("HOME")
    world.clock(hours=1)
    clerk.page.goto(f"{clerk.tenant.clomo_url}/panel/school/home")
    clerk.page.get_by_label("パスワード").wait_for()


def test_maintenance_at_the_door_and_in_mid_flow(clerk: Clerk) -> None:
    clerk.log_in().ios_basic()
    clerk.tenant.switch(clomo_maintenance=True)
    clerk.button(WIZARD).click()
    clerk.page.get_by_role("heading", name="メンテナンス中").wait_for()
    answer = clerk.page.goto(clerk.tenant.clomo_login_url)
    assert answer.status == 503


def test_fault_of_the_server_is_a_dialog(world: World, clerk: Clerk) -> None:
    clerk.log_in().ios_basic()
    world.fault("/settings/ade_devices", status=500)
    clerk.button("ADE デバイスの一覧を更新する").click()
    dialog = clerk.dialog("エラー")
    assert "500" in dialog.inner_text()
    dialog.get_by_role("button", name="OK").click()
    clerk.button("ADE デバイスの一覧を更新する").click()
    clerk.page.get_by_role("alert").get_by_text("完了").wait_for()


def test_panel_survives_a_restart(world: World, clerk: Clerk) -> None:
    before = clerk.tenant.refresh().clomo_wizard_step, clerk.tenant.clomo_password
    world.restart()
    assert (clerk.tenant.refresh().clomo_wizard_step, clerk.tenant.clomo_password) == before
