# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One tenant's panel: the browser opened and signed in when it is first needed, and the way to each screen."""

from __future__ import annotations

import contextlib
import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, cast
from urllib.parse import quote, urlsplit

from ..._errors import AppleMdmError, ConfigurationError, PanelError
from ...orders.filelock import file_lock
from ...web.browser import Browser
from ...web.rest import Rest
from ...web.screen import Screen, pattern
from .evidence import Evidence, Record, Secrets
from .labels import labels_with
from .login import Account, sign_in
from .readings import zone

try:
    from playwright.sync_api import Error as PlaywrightError
except ImportError:
    pass

__all__ = ["ADVICE", "Panel"]

LOCK_SECONDS = 120
NOTICE_SECONDS = 120
REMEMBERED_SECONDS = 60
TRACED = 500  # rests that a trace tells of at most
STRANGERS = {
    "anywhere.maintenance": "the panel is under maintenance; run again when it is over",
    "anywhere.session_over": "the session ended in the middle of the work; the next run signs in anew and goes on",
    "login.password": "the panel asks to sign in again: the session ended; the next run signs in anew and goes on",
}
ADVICE = (
    "If the pages have changed, clomo_panel_check tells which labels, and the option labels takes the new ones. What is"
    " in use stays as it is until a run has proven something newer."
)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Look:
    """What was seen, and when by the monotonic clock. recorded: with evidence for an order."""

    at: float
    found: Any
    recorded: bool


class Panel:
    """options: as OPTIONS of drivers.py."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self.options = options
        self.labels = labels_with(options.get("labels"))
        self.zone = zone(options["time_zone"])
        self.notice_seconds = max(float(options["timeout"]), NOTICE_SECONDS)
        self._address = sign_in_address(options["url"], options["domain"])
        self._secrets = Secrets((options["password"], options.get("totp_secret")))
        self._evidence = Evidence(self._secrets)
        self._browser: Browser | None = None
        self._screen: Screen | None = None
        self._rest: Rest | None = None
        self._rests = 0
        self._tab = self._page = ""
        self._remembered: dict[str, Look] = {}

    @property
    def record(self) -> Record | None:
        return self._evidence.record

    @record.setter
    def record(self, record: Record | None) -> None:
        self._evidence.record = record

    def close(self) -> None:
        browser, self._browser, self._screen, self._rest = self._browser, None, None, None
        if browser is not None:
            browser.close()

    @contextlib.contextmanager
    def work(self) -> Iterator[Screen]:
        """The screen, signed in. What fails leaves its evidence, and a browser that the next work opens anew."""
        try:
            yield self._opened()
        except PanelError as error:
            raise self._stopped(error) from None
        except PlaywrightError as error:
            told = str(error).splitlines()[0][:200]
            raise self._stopped(PanelError(f"CLOMO PANEL: the browser failed ({told}). {ADVICE}")) from None
        except AppleMdmError:
            self.forget()
            self.close()
            raise

    def once(self, what: str, look: Callable[[], Result], *, unrecorded: bool = False) -> Result:
        """A look that is good for a minute; for an order's record one that left its evidence there.

        unrecorded: one that did not is good enough."""
        seen = self._remembered.get(what)
        good = seen and (seen.recorded or unrecorded or self.record is None)
        if seen and good and time.monotonic() - seen.at < REMEMBERED_SECONDS:
            return cast(Result, seen.found)
        found = look()
        self._remembered[what] = Look(time.monotonic(), found, recorded=self.record is not None)
        return found

    def forget(self) -> None:
        """Something was changed: looks before that are no longer good."""
        self._remembered.clear()

    def evidence(self, step: str) -> None:
        if self._screen is not None:
            self._evidence.leave(self._screen.page, step)

    @contextlib.contextmanager
    def file(self, name: str, data: bytes) -> Iterator[Path]:
        """The file for the browser's file chooser; its contents stay out of evidence."""
        self._secrets.add_file(data)
        with tempfile.TemporaryDirectory(prefix="clomo-") as folder:
            path = Path(folder) / name
            path.touch(mode=0o600)
            path.write_bytes(data)
            yield path

    # The way to each screen

    def home(self, screen: Screen) -> None:
        self._go(screen, "tabs.home")
        screen.see("home.push_certificate")

    def open_reports(self, screen: Screen) -> None:
        self._go(screen, "tabs.reports")

    def stay_at_reports(self, screen: Screen) -> None:
        """Its list may be of an earlier moment."""
        self._stay(screen, "tabs.reports")

    def open_devices(self, screen: Screen, *, anew: bool = False) -> None:
        """anew: with nothing searched and nothing ticked, even if it is open."""
        self._stay(screen, "tabs.devices", anew=anew)

    def open_users(self, screen: Screen, *, anew: bool = False) -> None:
        self._stay(screen, "tabs.users", anew=anew)

    def rest(self) -> None:
        """Until the page has shown what it was asked for, or the time is over: then what is read tells what is missing."""
        if self._rest is None or self._browser is None:
            return
        self._rest.wait(float(self.options["timeout"]))
        self._rests += 1
        if self._rests % TRACED == 0:
            self._browser.cut_trace()

    def _stay(self, screen: Screen, tab: str, *, anew: bool = False) -> None:
        if anew or self._tab != tab:
            self._go(screen, tab)
            self.rest()

    def _go(self, screen: Screen, tab: str) -> None:
        """By way of HOME where the tab is open already: else its old contents would be taken for the new."""
        if self._tab == tab == "tabs.home":
            return
        if self._tab == tab:
            self.home(screen)
        self._tab = self._page = ""
        screen.press(tab)
        self._tab = tab

    def ios_settings(self, screen: Screen, *, anew: bool = True) -> None:
        """anew: False where they may stay as they are, if they are open."""
        if self._page == "settings.ios_basic" and not anew:
            return
        self.open_settings(screen)
        self.open_ios_menu(screen)
        self.open_ios_entries(screen)
        self.open_ios_basic(screen)
        self._page = "settings.ios_basic"

    def portal_settings(self, screen: Screen, *, anew: bool = True) -> None:
        """With the organisation chosen. anew: as for ios_settings."""
        if self._page == "settings.portal_service" and not anew:
            return
        self.open_settings(screen)
        self.open_portal_menu(screen)
        self.open_portal_service(screen)
        screen.choose("portal.organization", self.options["vpp_organization"])
        self._page = "settings.portal_service"

    def open_settings(self, screen: Screen) -> None:
        """HOME, too, has the names of groups; only Settings has 全般."""
        self._go(screen, "tabs.settings")
        screen.see("settings.general")

    def open_ios_menu(self, screen: Screen) -> None:
        _unfold(screen, "settings.mdm", "settings.ios")

    def open_ios_entries(self, screen: Screen) -> None:
        screen.press("settings.ios", within="settings.mdm")

    def open_ios_basic(self, screen: Screen) -> None:
        screen.press("settings.ios_basic", within="settings.ios")
        screen.see("ios.subject")

    def open_portal_menu(self, screen: Screen) -> None:
        _unfold(screen, "settings.portal", "settings.portal_service")

    def open_portal_service(self, screen: Screen) -> None:
        screen.press("settings.portal_service", within="settings.portal")
        screen.see("portal.token")

    def open_application(self, screen: Screen, app: str) -> None:
        self._go(screen, "tabs.applications")
        screen.press_row("applications.list", app)
        screen.see("applications.program")

    # Opening and failing

    def _opened(self) -> Screen:
        if self._screen is None:
            options = self.options
            session = self._session_path()
            session.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            account = Account(self._address, options["username"], options["password"], options.get("totp_secret"))
            lock = file_lock(
                f"{session}.lock",
                f"the sign-in of {options['username']} at CLOMO PANEL",
                timeout=LOCK_SECONDS,
                sleep=time.sleep,
                monotonic=time.monotonic,
            )
            with lock:
                browser = self._browser = Browser(
                    path=options.get("browser_path"),
                    headless=options["headless"],
                    session_path=session,
                    time_zone=options["time_zone"],
                )
                screen = Screen(
                    browser.page,
                    self.labels,
                    site="CLOMO PANEL",
                    timeout=options["timeout"],
                    strangers={"anywhere.maintenance": STRANGERS["anywhere.maintenance"]},
                    advice=ADVICE,
                )
                self._signed_in(screen, browser, account)
            screen.strangers.update(STRANGERS)
            self._tab, self._page = "tabs.home", ""
            self._screen = screen
            self._rest = Rest(screen.page, pattern(self.labels["anywhere.loading"].texts, whole=False).pattern)
        return self._screen

    def _signed_in(self, screen: Screen, browser: Browser, account: Account) -> None:
        try:
            sign_in(screen, browser, account, self._secrets)
        except (AppleMdmError, PlaywrightError):
            with contextlib.suppress(PlaywrightError):
                browser.forget_session()
            self._screen = screen  # for the evidence; closed after it
            raise

    def _session_path(self) -> Path:
        if self.options.get("session_path"):
            return Path(self.options["session_path"]).expanduser()
        name = hashlib.sha256(f"{self._address} {self.options['username']}".encode()).hexdigest()[:16]
        return Path("~/.cache/nendo.apple_mdm").expanduser() / f"clomo-{name}.json"

    def _stopped(self, error: PanelError) -> PanelError:
        """The error without secrets. The browser is closed: what it shows is not known any more."""
        sentence = self._secrets.masked(str(error))
        details = self._secrets.masked_in(error.details)
        if self._browser is not None and self._screen is not None:
            self._secrets.add(*_cookies(self._browser))
            trace = self._browser.trace() if self.record else None
            self._evidence.leave_failure(self._screen.page, sentence, trace)
            if trace is not None:
                trace.unlink()
            if details.get("reason") in ("login.password", "anywhere.session_over"):
                with contextlib.suppress(PlaywrightError):
                    self._browser.forget_session()
        self.forget()
        self.close()
        return PanelError(sentence, **details)


def _unfold(screen: Screen, group: str, entry: str) -> None:
    """A group of the menu is opened where it is closed."""
    if screen.first_of(entry, group) == group:
        screen.press(group)


def sign_in_address(url: str, domain: str) -> str:
    """url: the panel's address as far as it is given: up to the host, /panel, the domain, or /login."""
    parts = urlsplit(url)
    if parts.scheme != "https" and (parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "::1", "localhost")):
        raise ConfigurationError(f"The url {url} has to begin with https://. Nothing was sent.")
    way = [part for part in parts.path.split("/") if part]
    missing = ["panel", quote(domain, safe=""), "login"]
    for known in range(len(missing), 0, -1):
        if way[-1:] == missing[known - 1 : known]:
            missing = missing[known:]
            break
    way += missing
    return f"{parts.scheme}://{parts.netloc}/{'/'.join(way)}"


def _cookies(browser: Browser) -> list[str]:
    try:
        return browser.cookies()
    except PlaywrightError:
        return []
