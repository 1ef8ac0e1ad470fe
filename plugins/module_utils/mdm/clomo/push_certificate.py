# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The push certificate on CLOMO PANEL: read on HOME and 基本設定, renewed by the wizard of the MDM profile."""

from __future__ import annotations

from ..._errors import ConfigurationError, OtherOwner, PanelError, RequestLost, ServiceError
from ...web.screen import Screen
from ..protocol import Ability, InUse
from .port import PanelPort, in_use, is_shown, moment_of
from .readings import UID

__all__ = ["PushCertificatePort"]


class PushCertificatePort(PanelPort):
    abilities = frozenset({Ability.READ, Ability.REQUEST, Ability.UPLOAD})

    def read(self, identity: str | None) -> InUse | None:
        return self._panel.once("push_certificate", self._read)

    def request(self) -> bytes:
        """The wizard from 次へ to the download. It makes a new key pair, so a certificate for an earlier one is void."""
        options = self._panel.options
        missing = [name for name in ("contact_name", "contact_email") if not options.get(name)]
        if missing:
            raise ConfigurationError(
                f"The wizard for the push certificate asks for {' and '.join(missing)}. Nothing was pressed. Give them in"
                " the option mdm: contact_name in Latin letters, contact_email best that of the Apple Account."
            )
        with self._panel.work() as screen:
            self._open_wizard(screen)
            with screen.window("ios.wizard"):
                self._begin(screen)
                screen.fill("wizard.email", options["contact_email"])
                screen.fill("wizard.name", options["contact_name"])
                screen.fill("wizard.country", options["country"])
                self._panel.evidence("wizard-contact")
                screen.press("wizard.next")
                screen.see("wizard.download")
                request = screen.download("wizard.download")
                self._panel.evidence("wizard-request-downloaded")
                if len(request) < 100:
                    raise PanelError(
                        f"CLOMO PANEL gave a request of {len(request)} bytes, which is none.", reason="file"
                    )
                screen.press("wizard.next")
                self._leave_wizard(screen)
        return request

    def upload(self, received: bytes, private_key: bytes | None) -> InUse:
        """The wizard from 続きから始める to 完了. A certificate of another topic is refused before anything is pressed,
        and one that the panel asks about is cancelled."""
        from ...credentials.push_certificate import parse_push_certificate

        certificate = parse_push_certificate(received)
        before = self._panel.once("push_certificate", self._read, unrecorded=True)
        if before is None or before.identity != certificate.topic:
            raise OtherOwner(
                f"This push certificate is of topic {certificate.topic}, CLOMO PANEL uses"
                f" {before.identity if before else 'none'}. Nothing was pressed: with another topic every device would have"
                " to be enrolled again. Renew the row of the certificate in use in the portal; do not press Create.",
                topic=certificate.topic,
            )
        if is_shown(moment_of(before), certificate.not_after):
            return before
        with self._panel.work() as screen, self._panel.file("certificate.pem", certificate.pem.encode()) as path:
            self._open_wizard(screen)
            with screen.window("ios.wizard"):
                if screen.first_of("wizard.continue", "wizard.next") == "wizard.next" and not screen.shows(
                    "wizard.continue"
                ):
                    raise RequestLost(
                        "CLOMO PANEL's wizard knows no request to go on with: it has no 続きから始める. Nothing was uploaded"
                        " and the certificate in use stays."
                    )
                screen.press("wizard.continue")
                screen.see("wizard.apple_account")
                screen.attach("wizard.file", path)
                self._apple_account(screen)
                self._panel.evidence("wizard-certificate-chosen")
                self._answered(screen)
                self._panel.evidence("wizard-done")
                screen.press("wizard.finish")
        self._panel.forget()
        after = self.read(certificate.topic)
        if after is None or after.identity != certificate.topic:
            raise ServiceError(
                f"After the upload CLOMO PANEL shows {after.identity if after else 'no push certificate'}, before it was"
                f" {certificate.topic}. Stop, and look into the panel by hand before anything else is done."
            )
        if not is_shown(moment_of(after), certificate.not_after):
            self._panel.forget()
        return after

    def _read(self) -> InUse | None:
        with self._panel.work() as screen:
            self._panel.home(screen)
            moment = self._moment(screen, "home.push_certificate", within="home.mdm")
            self._panel.evidence("home")
            self._panel.ios_settings(screen)
            uid = screen.beside("ios.subject", UID)
            self._panel.evidence("settings-basic")
            if uid is None and moment is None:
                return None
            if uid is None or moment is None:
                raise PanelError(
                    f"CLOMO PANEL shows {uid or 'no UID'} at 基本設定 and {moment.at if moment else 'no expiry'} at HOME; both"
                    " are needed. Nothing was pressed after that.",
                    reason="label",
                )
            return in_use(uid, moment)

    def _open_wizard(self, screen: Screen) -> None:
        self._panel.ios_settings(screen, anew=False)
        self._panel.evidence("settings-basic-before")
        screen.press("ios.wizard")

    def _begin(self, screen: Screen) -> None:
        """次へ, and the question whether the wizard shall begin anew."""
        screen.see("wizard.next")
        self._panel.evidence("wizard-begin")
        screen.press("wizard.next")
        if screen.first_of("wizard.restart", "wizard.email") == "wizard.restart":
            with screen.window("wizard.restart"):
                self._panel.evidence("wizard-confirm")
                screen.press("anywhere.ok")
        screen.see("wizard.email")

    def _leave_wizard(self, screen: Screen) -> None:
        """The message that shows the way to Apple's portal, and its OK."""
        with screen.window("wizard.portal"):
            self._panel.evidence("wizard-portal")
            screen.press("anywhere.ok")

    def _apple_account(self, screen: Screen) -> None:
        wanted, shown = self._panel.options.get("apple_account"), screen.filled("wizard.apple_account").strip()
        if wanted and shown != wanted:
            screen.fill("wizard.apple_account", wanted)
        elif not wanted and not shown:
            raise ConfigurationError(
                "The wizard asks for the Apple Account of the push certificate, and apple_account is not given in the"
                " option mdm. Nothing was uploaded; the order waits."
            )

    def _answered(self, screen: Screen) -> None:
        """次へ, and what the panel makes of the certificate: done, a question (the wrong one), or an error."""
        answer, _line = screen.after(
            lambda: screen.press("wizard.next"), "wizard.input_error", "wizard.differs", "wizard.finish"
        )
        if answer == "wizard.input_error":
            self._panel.evidence("wizard-input-error")
            raise RequestLost(
                "CLOMO PANEL did not take the push certificate: it says 入力エラー, so its wizard has another request than"
                " the order. Nothing was stored and the certificate in use stays."
            )
        if answer == "wizard.differs":
            with screen.window("wizard.differs"):
                self._panel.evidence("wizard-other-certificate")
                screen.press("anywhere.cancel")
            raise OtherOwner(
                "CLOMO PANEL asks whether another certificate than the one in use is really meant, so this is the wrong"
                " one: it was cancelled, and the certificate in use stays. Compare the UID with the row in the portal, and"
                " renew the row of that very UID."
            )
