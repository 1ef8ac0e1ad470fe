# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Apple's portal pages in a real browser: what a person finds there, by role and text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World


def sign_in(page: Any, tenant: Tenant, url: str) -> None:
    page.goto(url)
    page.get_by_label("Apple Account").fill(tenant.apple_account)
    page.get_by_label("Password").fill(tenant.password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("Code").fill(tenant.second_factor_code)
    page.get_by_role("button", name="Continue").click()


def downloaded(page: Any, button: Any) -> tuple[str, bytes]:
    with page.expect_download() as download:
        button.click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_renew_in_the_row_whose_info_names_the_topic(
    page: Any, world: World, tenant: Tenant, upload_file: Callable[..., bytes], tmp_path: Path
) -> None:
    world.tenant("other", apple_account=tenant.apple_account)
    sign_in(page, tenant, tenant.portal_url)
    page.get_by_role("heading", name="Certificates for Third-Party Servers").wait_for()
    matching = []
    for row in page.get_by_role("row").filter(has=page.get_by_role("button", name="Renew")).all():
        row.get_by_role("button", name="Certificate Info").click()
        popup = page.get_by_role("dialog", name="Certificate Info")
        if f"UID={tenant.push_topic}" in popup.get_by_role("row").filter(has_text="Subject DN").inner_text():
            matching.append(row)
        popup.get_by_role("button", name="Close").click()
    (row,) = matching
    row.get_by_role("button", name="Renew").click()
    request = tmp_path / "request"
    request.write_bytes(upload_file(tenant))
    page.get_by_label("Vendor-Signed Certificate Signing Request").set_input_files(request)
    page.get_by_role("button", name="Upload").click()
    name, data = downloaded(page, page.get_by_role("button", name="Download"))
    assert name.startswith("MDM_")
    assert data == tenant.portal_download() != tenant.push_certificate_pem.encode()


def test_account_without_certificates_gets_started(page: Any, world: World) -> None:
    tenant = world.tenant("new", no_push_certificate=True)
    sign_in(page, tenant, tenant.portal_url)
    page.get_by_role("heading", name="Get Started").wait_for()


TOKEN_LABELS = {
    "English": ("Preferences", "Download MDM Server Token", "Payments and Billing", "Content Tokens", "Download"),
    "Japanese": (
        "環境設定",
        "MDM サーバトークンをダウンロード",
        "お支払いと請求",
        "コンテンツトークン",
        "ダウンロード",
    ),
}


@pytest.mark.parametrize("language", ["English", "Japanese"])
def test_tokens_by_the_account_menu(page: Any, world: World, language: str) -> None:
    preferences, server_token, billing, content_tokens, download = TOKEN_LABELS[language]
    tenant = world.tenant("school", mdm="clomo", location="Main School")
    tenant.switch(portal_language=language)
    sign_in(page, tenant, tenant.business_url)

    def open_preferences() -> None:
        page.get_by_role("button", name=tenant.apple_account).click()
        page.get_by_role("menuitem", name=preferences).click()

    open_preferences()
    page.get_by_role("link", name=tenant.server_name, exact=True).click()
    page.get_by_role("button", name=server_token).click()
    sure = page.get_by_role("dialog", name=tenant.server_name)
    name, data = downloaded(page, sure.get_by_role("button", name=server_token))
    assert name.endswith("_smime.p7m") and data.startswith(b"Content-Type: application/pkcs7-mime")
    sure.get_by_role("button", name="Cancel" if language == "English" else "キャンセル").click()

    open_preferences()
    page.get_by_role("link", name=billing).click()
    page.get_by_role("heading", name=content_tokens).wait_for()
    row = page.get_by_role("row").filter(has_text="Main School")
    name, data = downloaded(page, row.get_by_role("button", name=download))
    assert name == "sToken_for_Main School.vpptoken"
    assert data.decode() == tenant.refresh().content_token
