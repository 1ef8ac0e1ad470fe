# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The three renewals at CLOMO PANEL, click by click in a real browser, and what goes wrong at them."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.clerk import CSR_LINK, WIZARD, Clerk

INPUT_ERROR = "入力エラー:正しい証明書をアップロードするか、ウィザードをはじめからやり直してください。"
DATE = re.compile(r"2\d{3}/\d\d/\d\d \d\d:\d\d:\d\d")


def acts(world: World, tenant: Tenant) -> list[str]:
    """The writes at the panel, by their paths."""
    prefix = f"/clomo/panel/{tenant.clomo_domain}/"
    return [entry["path"].removeprefix(prefix) for entry in world.writes(tenant.name, prefix)]


def stored_certificate(tenant: Tenant) -> str:
    return str(tenant.refresh().push_certificate_pem)


def test_push_certificate_from_the_wizard_to_home(world: World, clerk: Clerk) -> None:
    tenant, page = clerk.tenant, clerk.page
    clerk.log_in()
    before = clerk.home_expiry("MDM プッシュ通知証明書")
    clerk.ios_basic()
    subject = clerk.value("プッシュ通知証明書のサブジェクト")
    assert f"UID={tenant.push_topic}" in subject

    clerk.begin_wizard()
    clerk.fill_form()
    page.get_by_role("link", name=CSR_LINK).wait_for()
    assert clerk.button("次へ").is_disabled()
    request = clerk.download_csr()
    assert clerk.button("次へ").is_enabled()
    clerk.button("次へ").click()
    link = page.get_by_role("link", name="Apple Push Certificates Portal")
    assert link.get_attribute("href") == f"{world.url}/pushcert/"
    clerk.button("OK").click()

    clerk.continue_with(tenant.portal_renew(request))
    clerk.button("完了").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert clerk.value("プッシュ通知証明書のサブジェクト") == subject
    after = clerk.home_expiry("MDM プッシュ通知証明書")
    assert DATE.fullmatch(before) and DATE.fullmatch(after) and before < after
    assert acts(world, tenant) == ["wizard/begin", "wizard/person", "wizard/csr_taken", "wizard/certificate"]


def test_apple_account_of_last_time_stands_in_the_field(clerk: Clerk) -> None:
    clerk.log_in().ios_basic()
    clerk.open_wizard()
    clerk.button("続きから始める").click()
    assert clerk.page.get_by_label("Apple Account").input_value() == clerk.tenant.apple_account


def test_wizard_never_opened_has_nothing_to_continue(world: World, clerk: Clerk) -> None:
    clerk.tenant = world.tenant("new", mdm="clomo", no_push_certificate=True)
    clerk.log_in().ios_basic()
    clerk.open_wizard()
    assert clerk.button("次へ").is_enabled()
    assert not clerk.button("続きから始める").count()
    assert clerk.value("プッシュ通知証明書のサブジェクト") == "未登録"


def test_form_wants_all_fields(clerk: Clerk) -> None:
    clerk.log_in().ios_basic()
    clerk.begin_wizard()
    clerk.button("次へ").click()
    clerk.dialog("エラー").get_by_role("button", name="OK").click()
    clerk.fill_form()
    clerk.page.get_by_role("link", name=CSR_LINK).wait_for()


def test_certificate_for_an_older_request_is_an_input_error(clerk: Clerk) -> None:
    tenant, in_use = clerk.tenant, stored_certificate(clerk.tenant)
    clerk.log_in().ios_basic()
    older = tenant.portal_renew(clerk.request())
    clerk.request()
    clerk.continue_with(older)
    assert INPUT_ERROR in clerk.dialog("エラー").inner_text()
    assert stored_certificate(tenant) == in_use


@pytest.mark.parametrize(("answer", "kept"), [("Cancel", True), ("OK", False)])
def test_certificate_of_another_topic_asks(clerk: Clerk, answer: str, kept: bool) -> None:
    tenant, in_use = clerk.tenant, stored_certificate(clerk.tenant)
    clerk.log_in().ios_basic()
    clerk.continue_with(tenant.portal_create(clerk.request()))
    clerk.dialog("確認").get_by_role("button", name=answer).click()
    if not kept:
        clerk.button("完了").wait_for()
    assert (stored_certificate(tenant) == in_use) is kept


@pytest.mark.parametrize("step", ["form", "csr", "certificate"])
def test_wizard_goes_on_where_it_was_left(clerk: Clerk, step: str) -> None:
    clerk.log_in().ios_basic()
    clerk.begin_wizard()
    clerk.page.get_by_label("会社所在地 国名コード").wait_for()
    if step != "form":
        clerk.fill_form()
        clerk.page.get_by_role("link", name=CSR_LINK).wait_for()
    if step == "certificate":
        first = clerk.download_csr()
        clerk.finish_request()
    clerk.page.reload()
    clerk.ios_basic()
    clerk.open_wizard()
    clerk.button("続きから始める").click()
    if step == "form":
        clerk.fill_form()
    if step != "certificate":
        first = clerk.download_csr()
        clerk.finish_request()
        clerk.open_wizard()
        clerk.button("続きから始める").click()
    new = clerk.file("new.pem", clerk.tenant.portal_renew(first))
    clerk.choose(clerk.dialog(WIZARD), "ファイルを選択", new)
    clerk.button("次へ").click()
    clerk.button("完了").click()
    assert stored_certificate(clerk.tenant) == new.read_text()


def upload_server_token(clerk: Clerk, data: bytes) -> None:
    clerk.ios_basic()
    group = clerk.page.get_by_role("group", name="Automated Device Enrollment")
    clerk.choose(group, "ファイルを選択", clerk.file("school MDM_Token_smime.p7m", data))
    clerk.button("保存").click()


def refresh_devices(clerk: Clerk, end: str) -> list[str]:
    """The notices, and the newest line of Reports last."""
    clerk.button("ADE デバイスの一覧を更新する").click()
    notice = clerk.page.get_by_role("alert")
    notice.get_by_text("開始").wait_for()
    said = [notice.inner_text()]
    notice.get_by_text(end).wait_for()
    clerk.tab("Reports")
    log = clerk.page.get_by_role("row").nth(1).get_by_role("gridcell").last.inner_text()
    return [*said, notice.inner_text(), log]


def test_server_token_needs_no_public_key_and_moves_the_expiry(world: World, clerk: Clerk) -> None:
    tenant = clerk.tenant
    tenant.switch(clomo_job_ms=1000)
    clerk.log_in()
    before = clerk.home_expiry("ADE サーバートークン")
    upload_server_token(clerk, tenant.server_token())
    assert "登録が完了" in clerk.page.get_by_role("alert").inner_text()
    after = clerk.value("ADE サーバートークンの有効期限")
    assert DATE.fullmatch(after) and before < after == clerk.home_expiry("ADE サーバートークン")
    clerk.ios_basic()
    started, completed, log = refresh_devices(clerk, "完了")
    assert ("開始" in started, "完了" in completed) == (True, True)
    assert re.match(r"\[success\] ADE デバイス一覧", log, re.IGNORECASE)
    assert "3 台" in log
    assert acts(world, tenant) == ["settings/ios_basic", "settings/ade_devices"]


def test_list_refresh_with_a_dead_token_fails(clerk: Clerk) -> None:
    clerk.tenant.revoke_server_token()
    clerk.tenant.switch(clomo_job_ms=1000)
    clerk.log_in().ios_basic()
    assert refresh_devices(clerk, "失敗")[-1].startswith("[Failed]")


def test_file_that_is_no_server_token_is_refused(clerk: Clerk) -> None:
    before = clerk.tenant.server_token_values
    clerk.log_in()
    upload_server_token(clerk, b"hello")
    clerk.dialog("エラー").wait_for()
    assert clerk.tenant.refresh().server_token_values == before


def register(clerk: Clerk, organization: str, data: bytes) -> None:
    clerk.service_settings()
    clerk.page.get_by_role("combobox", name="組織を選択してください").click()
    clerk.page.get_by_role("option", name=organization).click()
    clerk.choose(clerk.page, "ファイルを選択", clerk.file("sToken_for_school.vpptoken", data))
    clerk.button("登録").click()


def test_service_token_is_kept_only_when_saved(world: World, clerk: Clerk) -> None:
    tenant = clerk.tenant
    clerk.log_in()
    in_use = clerk.home_expiry("VPP サービストークン")
    assert in_use.startswith("school 2")
    new = tenant.content_token_download()

    register(clerk, "全社", new)
    end = datetime.datetime.strptime(json.loads(base64.b64decode(new))["expDate"], "%Y-%m-%dT%H:%M:%S%z")
    shown = end.astimezone(datetime.timezone(datetime.timedelta(hours=9))).strftime("%Y/%m/%d %H:%M:%S")
    clerk.page.get_by_role("textbox", name="有効期限", exact=True).get_by_text(shown).wait_for()
    assert clerk.home_expiry("VPP サービストークン") == in_use
    clerk.service_settings()
    clerk.button("保存").click()
    clerk.page.get_by_role("alert").wait_for()
    assert tenant.refresh().clomo_service_tokens[""]["text"] != new.decode()

    register(clerk, "全社", new)
    clerk.button("保存").click()
    assert "登録が完了" in clerk.page.get_by_role("alert").inner_text()
    assert tenant.refresh().clomo_service_tokens[""]["text"] == new.decode()
    assert clerk.home_expiry("VPP サービストークン") > in_use
    expected = ["settings/service_token", "settings/service_settings"]
    assert acts(world, tenant) == [*expected, *expected]


def test_service_token_of_one_organisation(world: World, clerk: Clerk) -> None:
    clerk.log_in()
    register(clerk, "North School", clerk.tenant.content_token_download())
    clerk.button("保存").click()
    clerk.page.get_by_role("alert").wait_for()
    kept = clerk.tenant.refresh().clomo_service_tokens
    assert set(kept) == {"", "North School"}
    lone = world.tenant("lone", mdm="clomo", clomo_organizations=["A"], clomo_token_organization="A")
    assert list(lone.clomo_service_tokens) == ["A"]


def test_file_that_is_no_service_token_is_refused(clerk: Clerk) -> None:
    clerk.log_in()
    register(clerk, "全社", b"hello")
    clerk.dialog("エラー").wait_for()


def refresh_licences(clerk: Clerk) -> Any:
    clerk.tab("Applications")
    clerk.page.get_by_role("gridcell", name="App 1000000001").click()
    group = clerk.page.get_by_role("group", name="Volume Purchase Program")
    run = group.get_by_role("button", name="実行")
    assert run.is_disabled()
    group.get_by_role("checkbox", name="管理配布のライセンス数を更新").click()
    run.click()
    clerk.dialog("確認").get_by_role("button", name="OK").click()
    return clerk.page.get_by_role("alert")


@pytest.mark.parametrize(("befall", "notice", "log"), [(None, "完了", "[s"), ("revoke_content_token", "失敗", "[f")])
def test_licence_refresh_tells_whether_the_token_works(
    world: World, clerk: Clerk, befall: str | None, notice: str, log: str
) -> None:
    acting: Callable[[], None] = getattr(clerk.tenant, befall) if befall else lambda: None
    acting()
    clerk.log_in()
    refresh_licences(clerk).get_by_text(notice).wait_for()
    clerk.tab("Reports")
    newest = clerk.page.get_by_role("row").nth(1).get_by_role("gridcell").last.inner_text()
    assert newest.lower().startswith(log) and "App 1000000001" in newest
    assert acts(world, clerk.tenant) == ["applications/1000000001/licences"]


def test_in_house_apps_have_no_licences(clerk: Clerk) -> None:
    clerk.log_in().tab("Applications")
    clerk.page.get_by_role("gridcell", name="Attendance").click()
    clerk.page.get_by_role("region", name="Attendance").wait_for()
    assert not clerk.page.get_by_role("group", name="Volume Purchase Program").count()
