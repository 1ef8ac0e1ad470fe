# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ADE server token on CLOMO PANEL: a file box and its expiry in 基本設定; CLOMO's public key is at Apple already."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ..._errors import FileRefused, PanelError, ServiceError, TermsNotSigned
from ...web.screen import Screen
from ..protocol import Ability, InUse
from .port import PanelPort, answered, in_use, saved
from .readings import DATE, Moment

__all__ = ["ServerTokenPort"]

REPORT_SECONDS = 20


class ServerTokenPort(PanelPort):
    """The panel tells no consumer key. What stays the same is the tenant's place in it: its domain."""

    abilities = frozenset({Ability.READ, Ability.UPLOAD, Ability.CHECK})

    def read(self, identity: str | None) -> InUse | None:
        return self._panel.once("server_token", self._read)

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        if not received.strip():
            raise FileRefused("The file of the server token is empty. Nothing was pressed. Download it anew at Apple.")
        self._panel.forget()
        with self._panel.work() as screen, self._panel.file("server_token.p7m", received) as path:
            self._panel.ios_settings(screen, anew=False)
            before = self._end(screen)
            self._panel.evidence("settings-basic-before")
            screen.attach("ios.server_token_file", path, within="ios.server_token")
            self._panel.evidence("server-token-chosen")
            saved(screen, "ios.save", self._panel.notice_seconds, "the server token")
            self._panel.evidence("server-token-saved")
        after = self.read(None)
        if after is None:
            raise ServiceError("CLOMO PANEL shows no expiry of the server token after the upload. Look into the panel.")
        if before and after.not_after < before.at:
            raise FileRefused(
                f"CLOMO PANEL shows an earlier expiry ({after.not_after:%Y-%m-%d}) after the upload than before."
            )
        return after

    def check(self) -> Mapping[str, Any]:
        """The panel fetches the device list from Apple with the token, tells that it is done, and notes it in Reports."""
        with self._panel.work() as screen:
            earlier = self._reports(screen)
            self._panel.ios_settings(screen)
            obtained, line = answered(screen, lambda: screen.press("ios.refresh"), self._panel.notice_seconds)
            self._panel.evidence("device-list-refreshed")
            if not obtained:
                raise _refresh_refusal(line)
            reported = self._new_report(screen, earlier)
            self._panel.evidence("reports")
            if not reported:
                raise PanelError(
                    f"CLOMO PANEL said 「{line}」, but Reports has no new entry about the device list. Nothing has to be"
                    " fetched again; the next run looks anew.",
                    screen="Reports",
                    label="reports.list_obtained",
                    reason="label",
                )
        return {"device_list_refreshed": True, "notice": line}

    def _read(self) -> InUse | None:
        with self._panel.work() as screen:
            self._panel.ios_settings(screen)
            moment = self._end(screen)
            self._panel.evidence("settings-basic")
            return in_use(self._panel.options["domain"], moment) if moment else None

    def _end(self, screen: Screen) -> Moment | None:
        screen.see("ios.server_token_end")
        return self._moment(screen, "ios.server_token_end", within="ios.ade")

    def _reports(self, screen: Screen) -> list[str]:
        self._panel.open_reports(screen)
        return screen.rows("reports.list_obtained", DATE)

    def _new_report(self, screen: Screen, earlier: list[str]) -> bool:
        """Whether Reports gets an entry that it did not have; the list is opened anew meanwhile."""
        deadline = time.monotonic() + REPORT_SECONDS
        while True:
            if any(entry not in earlier for entry in self._reports(screen)):
                return True
            if time.monotonic() > deadline:
                return False


def _refresh_refusal(line: str) -> ServiceError:
    if "規約" in line or "利用条件" in line:
        return TermsNotSigned(
            f"CLOMO PANEL could not fetch the device list: {line}. An administrator accepts the terms at Apple."
        )
    return ServiceError(
        f"CLOMO PANEL could not fetch the device list from Apple: {line}. The new token is stored. Look into Reports; the next"
        " run asks again."
    )
