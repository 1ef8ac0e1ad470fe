# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody at CLOMO PANEL in a browser, who clicks what the manual says."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant

BROWSERS = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "msedge",
    "microsoft-edge",
)
BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIZARD = "MDM 構成プロファイルの作成ウィザード"
CSR_LINK = "ベンダー署名付き CSR ファイルをダウンロード"


def found_browser() -> str | None:
    return next(filter(None, map(shutil.which, BROWSERS)), None)


@contextmanager
def running_browser() -> Iterator[Any]:
    """A browser without a window. Raises LookupError where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise LookupError("Playwright is not installed: pip install playwright") from None
    if (path := found_browser()) is None:
        raise LookupError(f"there is no browser on the PATH: {', '.join(BROWSERS)}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(BROWSER_ARGUMENTS), env=dict(os.environ))
        try:
            yield browser
        finally:
            browser.close()


class Clerk:
    """One browser window at one tenant's panel."""

    def __init__(self, page: Any, tenant: Tenant, folder: Path) -> None:
        self.page, self.tenant, self.folder = page, tenant, folder

    def log_in(self) -> Clerk:
        self.page.goto(self.tenant.clomo_login_url)
        self.page.locator("input#login").fill(self.tenant.clomo_account)
        self.page.locator("input#password").fill(self.tenant.clomo_password)
        self.page.locator("input.blackButton").click()
        return self

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def dialog(self, name: str) -> Any:
        return self.page.get_by_role("dialog", name=name, exact=True)

    def value(self, label: str) -> str:
        return str(self.page.get_by_role("textbox", name=label, exact=True).inner_text())

    def tab(self, name: str) -> None:
        self.page.get_by_role("tab", name=name, exact=True).click()
        self.page.get_by_role("tab", name=name, exact=True, selected=True).wait_for()

    def settings(self, *path: str) -> None:
        self.tab("Settings")
        for name in path:
            self.page.get_by_role("treeitem", name=name, exact=True).click()

    def ios_basic(self) -> None:
        self.settings("Mobile Device Management", "iOS/macOS", "基本設定")
        self.button(WIZARD).wait_for()

    def service_settings(self) -> None:
        self.settings("CLOMO MOBILE APP PORTAL", "サービス設定")
        self.page.get_by_role("group", name="VPP 管理配布").wait_for()

    def home_expiry(self, label: str) -> str:
        self.tab("HOME")
        return self.value(label)

    def file(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data)
        return path

    def choose(self, place: Any, label: str, path: Path) -> None:
        """By the file chooser that the button opens."""
        with self.page.expect_file_chooser() as chooser:
            place.get_by_role("button", name=label, exact=True).click()
        chooser.value.set_files(path)

    def open_wizard(self) -> None:
        self.button(WIZARD).click()
        self.dialog(WIZARD).wait_for()

    def begin_wizard(self) -> None:
        """B1 and B2: a new request."""
        self.open_wizard()
        self.button("次へ").click()
        self.dialog("確認").get_by_role("button", name="OK").click()

    def fill_form(self) -> None:
        """B3."""
        self.page.get_by_label("ご担当者様メールアドレス").fill(self.tenant.apple_account)
        self.page.get_by_label("ご担当者様氏名(半角英数)").fill("School Office")
        self.page.get_by_label("会社所在地 国名コード").fill("JP")
        self.button("次へ").click()

    def download_csr(self) -> bytes:
        """B4."""
        with self.page.expect_download() as download:
            self.page.get_by_role("link", name=CSR_LINK).click()
        return Path(download.value.path()).read_bytes()

    def finish_request(self) -> None:
        """B5."""
        self.button("次へ").click()
        self.button("OK").click()

    def request(self) -> bytes:
        self.begin_wizard()
        self.fill_form()
        data = self.download_csr()
        self.finish_request()
        return data

    def continue_with(self, certificate: bytes) -> None:
        """D1 and D2."""
        self.open_wizard()
        self.button("続きから始める").click()
        upload = self.dialog(WIZARD).filter(has=self.page.get_by_label("Apple Account"))
        self.choose(upload, "ファイルを選択", self.file("MDM_i3Systems,Inc._Certificate.pem", certificate))
        self.button("次へ").click()
