# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The content token on CLOMO PANEL: one a whole company (全社) or organisation, in the settings of the app portal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..._errors import FileRefused, ServiceError
from ...web.screen import Screen
from ..protocol import Ability, InUse
from .port import PanelPort, answered, in_use, is_shown, moment_of, saved
from .readings import DATE, Moment, read_named

__all__ = ["ContentTokenPort"]

WHOLE_COMPANY = "全社"


class ContentTokenPort(PanelPort):
    """What stays the same is the organisation in the panel that the token belongs to."""

    @property
    def abilities(self) -> frozenset[Ability]:
        """The check needs the name of an app, which only the inventory knows."""
        can = {Ability.READ, Ability.UPLOAD}
        return frozenset(can | {Ability.CHECK} if self._panel.options.get("licence_check_app") else can)

    def read(self, identity: str | None) -> InUse | None:
        return self._panel.once("content_token", self._read)

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        """登録 and then 保存: the panel needs both."""
        from ...credentials.content_token import parse_content_token

        token = parse_content_token(received)
        self._panel.forget()
        name = "content_token.vpptoken"
        with self._panel.work() as screen, self._panel.file(name, token.bearer.encode() + b"\n") as path:
            self._panel.portal_settings(screen, anew=False)
            before = self._end(screen)
            self._panel.evidence("content-token-before")
            if is_shown(before, token.not_after) and before:
                return self._in_use(before)
            screen.attach("portal.file", path, within="portal.token")
            screen.press("portal.register", within="portal.token")
            self._registered(screen, before)
            self._panel.evidence("content-token-registered")
            saved(screen, "portal.save", self._panel.notice_seconds, "the content token")
            self._panel.evidence("content-token-saved")
        after = self.read(None)
        if after is None:
            raise ServiceError(
                "CLOMO PANEL shows no expiry of the content token after the upload. Look into the panel."
            )
        if not is_shown(moment_of(after), token.not_after):
            self._panel.forget()
        return after

    def check(self) -> Mapping[str, Any]:
        """The panel fetches the licences of one app from Apple with the token, and tells that it is done."""
        app = self._panel.options["licence_check_app"]
        with self._panel.work() as screen:
            self._panel.open_application(screen, app)
            screen.tick("applications.licences")
            self._panel.evidence("licence-update")

            def confirmed() -> None:
                screen.press("applications.run", within="applications.program")
                with screen.window("applications.confirm"):
                    screen.press("anywhere.ok")

            updated, line = answered(screen, confirmed, self._panel.notice_seconds)
            self._panel.evidence("licences-updated")
        if not updated:
            raise ServiceError(
                f"CLOMO PANEL could not update the licences of {app}: {line}. The new token is stored. Look into Reports; the"
                " next run asks again."
            )
        return {"licences_updated_of": app, "notice": line}

    def _read(self) -> InUse | None:
        with self._panel.work() as screen:
            self._panel.home(screen)
            at_home = self._named(screen)
            self._panel.portal_settings(screen)
            moment = self._end(screen)
            self._panel.evidence("app-portal-service")
            if moment is None:
                return None
            same = at_home is not None and at_home[1] == moment
            return self._in_use(moment, **({"location_name": at_home[0]} if at_home and same else {}))

    def _in_use(self, moment: Moment, **facts: str) -> InUse:
        organization = self._panel.options["vpp_organization"]
        return in_use(organization, moment, slot=organization, **facts)

    def _named(self, screen: Screen) -> tuple[str, Moment] | None:
        """What HOME calls the first of its tokens, which is its name at Apple, too, and its end."""
        shown = screen.beside("home.content_token", rf".*{DATE}") if screen.shows("home.content_token") else None
        return read_named(shown, self._panel.zone) if shown else None

    def _end(self, screen: Screen) -> Moment | None:
        screen.see("portal.token_end")
        return self._moment(screen, "portal.token_end", within="portal.token")

    def _registered(self, screen: Screen, before: Moment | None) -> None:
        """Waits until another expiry shows than before."""

        def told() -> bool:
            return bool(screen.lines("notice.failed")) or self._end(screen) != before

        came = screen.until("portal.token_end", told, expected=("notice.failed",))
        refusal = " ".join(screen.lines("notice.failed"))[:200]
        if refusal or not came:
            raise FileRefused(
                f"CLOMO PANEL did not take the content token at 登録: {refusal or 'it shows no new expiry'}. 保存 was not pressed,"
                " so the token in use stays. Download the token of this organisation anew."
            )
