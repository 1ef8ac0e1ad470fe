# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Somebody who takes pupils' devices out of CLOMO PANEL: in a browser as the manual says, or by the panel's requests alone."""

from __future__ import annotations

import re
from typing import Any

import requests
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant
from ansible_collections.nendo.apple_mdm.tests.unit.simulator.clerk import Clerk

COMMANDS = "コマンドを選択してください"
OPERATIONS = "このデバイスの操作"
COLLECT_PROFILES = "インストールされている構成プロファイルを取得"
COLLECT_APPS = "インストールされているアプリケーションを取得"
REMOVE_PROFILES = "構成プロファイルを削除"
REMOVE_APPS = "アプリケーションのアンインストール"
REVOKE = "VPP アプリケーションライセンスの剥奪(デバイス向け)"
DELETE = "デバイスを削除する"
ERASE = "デバイスを初期化"
PURGE = "デバイスの情報を完全に削除"
KEEP_APPS = "自動インストールしたアプリを削除する"
RETURN = "MDM への再登録(Return to service)"
CARRY_OVER = "所有者・タグ・メモを引き継ぐ"
YES = "YES と入力してください"


class Warden:
    """At Devices, after devices(), and at Users/Org, after people()."""

    def __init__(self, clerk: Clerk) -> None:
        self.clerk, self.page, self.tenant = clerk, clerk.page, clerk.tenant

    def devices(self) -> Warden:
        if not self.page.get_by_role("tab", name="HOME", exact=True).count():
            self.clerk.log_in()
        self.clerk.tab(self.tab_name("Devices", "Mobile Devices"))
        self.shown()
        return self

    def people(self) -> Warden:
        if not self.page.get_by_role("tab", name="HOME", exact=True).count():
            self.clerk.log_in()
        self.clerk.tab(self.tab_name("Users/Org", "Users / Org"))
        self.shown()
        return self

    def tab_name(self, *names: str) -> str:
        self.page.get_by_role("tab", name="HOME", exact=True).wait_for()
        return next(name for name in names if self.page.get_by_role("tab", name=name, exact=True).count())

    # The grid

    def shown(self) -> None:
        """Until the grid has its rows."""
        self.page.get_by_role("row").nth(1).wait_for()

    def search(self, text: str) -> None:
        self.page.get_by_role("searchbox", name="検索").fill(text)
        self.page.get_by_role("button", name="検索", exact=True).click()

    def filter(self, name: str, value: str) -> None:
        self.page.get_by_role("combobox", name=name, exact=True).click()
        self.page.get_by_role("option", name=value, exact=True).click()

    def counted(self, number: int) -> None:
        self.page.get_by_text(f"{number} 件", exact=True).wait_for()

    def ticked(self, number: int) -> None:
        self.page.get_by_text(f"選択中: {number} 件", exact=True).first.wait_for()

    def row(self, text: str) -> Any:
        cell = self.page.get_by_role("gridcell", name=text, exact=True)
        return self.page.get_by_role("row").filter(has=cell)

    def tick(self, *texts: str) -> None:
        for text in texts:
            self.row(text).get_by_role("checkbox").click()

    def tick_all(self) -> None:
        self.page.get_by_role("checkbox", name="すべて選択").click()

    def select(self, text: str) -> Any:
        """The right pane."""
        self.page.get_by_role("gridcell", name=text, exact=True).click()
        region = self.page.locator(".right").get_by_role("region")
        region.get_by_role("tablist").or_(region.get_by_text("メールアドレス")).wait_for()
        return region

    def open_section(self, title: str) -> Any:
        self.page.get_by_role("tab", name=title, exact=True).click()
        self.page.get_by_role("tab", name=title, exact=True, selected=True).wait_for()
        return self.page.get_by_role("tabpanel")

    def listed(self, title: str) -> list[str]:
        """The names in a list of the right pane."""
        found = self.page.get_by_role("list", name=title, exact=True).get_by_role("listitem")
        return [text.split("\n")[0] for text in found.all_inner_texts()]

    # Commands

    def offered(self) -> list[str]:
        self.page.get_by_role("combobox", name=COMMANDS).click()
        self.page.get_by_role("option").first.wait_for()
        found = list(self.page.get_by_role("option").all_inner_texts())
        self.page.get_by_role("combobox", name=COMMANDS).click()
        return found

    def command(self, label: str) -> Any:
        """Its window."""
        self.page.get_by_role("combobox", name=COMMANDS).click()
        self.page.get_by_role("option", name=label, exact=True).click()
        self.clerk.button("次へ").click()
        return self.clerk.dialog(label)

    def targets(self, dialog: Any) -> list[str]:
        found = dialog.get_by_role("list", name="対象デバイス").get_by_role("listitem")
        found.first.wait_for()
        return list(found.all_inner_texts())

    def press(self, title: str, button: str) -> None:
        """A button of the window that lies on top."""
        dialog = self.clerk.dialog(title).last
        dialog.get_by_role("button", name=button, exact=True).click()

    def told(self, text: str) -> None:
        """The notice."""
        self.page.get_by_role("alert").get_by_text(text).wait_for()

    def refused(self, text: str) -> None:
        dialog = self.clerk.dialog("エラー")
        dialog.get_by_text(text).wait_for()
        dialog.get_by_role("button", name="OK").click()

    def collect(self) -> None:
        for label in (COLLECT_PROFILES, COLLECT_APPS):
            self.command(label)
            self.press(label, "実行")
            self.told(label)
        self.tenant.settled()

    def remove(self, label: str, *items: str) -> None:
        dialog = self.command(label)
        for item in items:
            dialog.get_by_role("checkbox", name=item, exact=True).click()
        self.press(label, "実行")
        self.press("確認", "OK")

    def tick_options(self, dialog: Any, **wanted: bool) -> None:
        for label, on in wanted.items():
            box = dialog.get_by_role("checkbox", name=label, exact=True)
            if (box.get_attribute("aria-checked") == "true") != on:
                box.click()

    def delete(self, typed: str = "YES", *, with_apps: bool = False) -> None:
        dialog = self.command(DELETE)
        self.tick_options(dialog, **{KEEP_APPS: with_apps})
        self.press(DELETE, "実行")
        self.press("確認", "OK")
        self.page.get_by_label(YES).fill(typed)
        self.press(DELETE, "デバイスを削除")
        self.press("確認", "OK")

    def erase(self, typed: str = "YES", *, returns: bool = True, carries: bool = False) -> None:
        dialog = self.command(ERASE)
        self.tick_options(dialog, **{RETURN: returns, CARRY_OVER: carries})
        self.press(ERASE, "OK")
        self.page.get_by_label(YES).fill(typed)
        self.press(ERASE, "デバイスを初期化")
        self.press("確認", "OK")


class Wire:
    """The panel's own requests, without a browser."""

    def __init__(self, tenant: Tenant) -> None:
        self.tenant, self.session = tenant, requests.Session()
        self.base = f"{tenant.clomo_url}/panel/{tenant.clomo_domain}"
        self.log_in()

    def log_in(self) -> None:
        given = {"login": self.tenant.clomo_account, "password": self.tenant.clomo_password}
        self.session.post(f"{self.base}/login", data=given, timeout=30).raise_for_status()

    def get(self, path: str, **query: Any) -> Any:
        response = self.session.get(f"{self.base}/{path}", params=query, timeout=30)
        response.raise_for_status()
        return response.json() if "json" in response.headers["content-type"] else response.content

    def post(self, path: str, **body: Any) -> Any:
        response = self.session.post(f"{self.base}/{path}", json=body, timeout=30)
        response.raise_for_status()
        return response.json()

    def numbers(self, *serials: str) -> list[str]:
        """Of their records, or of all."""
        if not serials:
            return list(self.get("numbers/devices"))
        return [row["id"] for serial in serials for row in self.get("rows/devices", search=serial)["rows"]]

    def pane(self, serial: str) -> dict[str, Any]:
        return dict(self.get(f"devices/{self.numbers(serial)[0]}"))

    def details(self, serial: str) -> dict[str, str]:
        return dict(self.pane(serial)["details"])

    def order(self, command: str, *serials: str, **more: Any) -> Any:
        """The last press of a command's windows. settled afterwards."""
        answer = self.post(f"commands/{command}", rows=self.numbers(*serials), **more)
        self.tenant.settled()
        return answer

    def collect(self) -> None:
        for name in ("device_information", "profile_list", "app_list"):
            self.order(name)

    def delete(self, *serials: str, with_apps: bool = False, typed: str = "YES") -> Any:
        return self.order("delete", *serials, typed=typed, options={"with_apps": with_apps})

    def erase(self, *serials: str, returns: bool = True, carries: bool = False, typed: str = "YES") -> Any:
        options = {"return_to_service": returns, "carry_over": carries}
        return self.order("erase", *serials, typed=typed, options=options)

    def users(self, *mails: str) -> list[str]:
        """Their numbers."""
        return [row["id"] for mail in mails for row in self.get("rows/users", search=mail)["rows"]]

    def lines(self, serial: str) -> list[str]:
        """Of Reports about a device, the oldest first; an APNs line left out, and the tag of a success in lower case."""
        found = [line["text"] for line in self.tenant.panel_reports if line["target"].startswith(serial)]
        return [
            re.sub(r"^\[success\]", "[success]", text, flags=re.IGNORECASE) for text in found if "[APNS" not in text
        ]
