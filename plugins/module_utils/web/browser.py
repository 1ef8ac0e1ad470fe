# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The browser: a Chromium that is on the machine, with a session that outlives the process and a trace of each step."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .._errors import ConfigurationError, PanelError
from .._libraries import require

try:
    from playwright.sync_api import Error as PlaywrightError
    from playwright.sync_api import sync_playwright
except ImportError:
    pass

if TYPE_CHECKING:
    from playwright.sync_api import Browser as Chromium
    from playwright.sync_api import Page

__all__ = ["WINDOWLESS", "Browser", "chromium", "find_browser"]

WINDOWLESS = "chromium-headless-shell"  # starts in half the time
BROWSERS = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "msedge",
    "microsoft-edge",
    "chrome",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
)
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
WIDTH, HEIGHT = 1440, 1000


def find_browser(named: str | None = None, *, headless: bool = True) -> str:
    """The program; ConfigurationError where there is none."""
    if named:
        found = shutil.which(os.path.expanduser(named))
        if found is None:
            raise ConfigurationError(f"browser_path {named} is no program on the host where the module runs.")
        return found
    for name in (WINDOWLESS, *BROWSERS) if headless else BROWSERS:
        if found := shutil.which(name):
            return found
    for place in PLACES:
        if os.access(place, os.X_OK):
            return place
    raise ConfigurationError(
        "There is no Chromium, Chrome or Edge on the host where the module runs. Nothing was changed. Install one (on"
        " Debian and Ubuntu: apt-get install chromium), or name one in browser_path."
    )


@contextlib.contextmanager
def chromium(program: str, *, headless: bool) -> Iterator[Chromium]:
    """Start the program; end it with the block."""
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=program, headless=headless, args=flags)
        try:
            yield started
        finally:
            _quietly(started.close)()


class Browser:
    """session_path: keeps the cookies between runs, mode 0600; None keeps nothing."""

    def __init__(self, *, path: str | None, headless: bool, session_path: Path | None, time_zone: str) -> None:
        require("playwright")
        program = find_browser(path, headless=headless)
        self._session_path = session_path
        stored = self._stored()
        self._closing = contextlib.ExitStack()
        try:
            self._context = self._closing.enter_context(chromium(program, headless=headless)).new_context(
                locale="ja-JP",
                timezone_id=time_zone,
                viewport={"width": WIDTH, "height": HEIGHT},
                accept_downloads=True,
                storage_state=stored,
            )
            self._closing.callback(_quietly(self._context.close))
            self._context.tracing.start(screenshots=False, snapshots=False, sources=False)
            self.page: Page = self._context.new_page()
        except PlaywrightError as error:
            self._closing.close()
            raise PanelError(
                f"The browser {program} did not start: {str(error).splitlines()[0][:200]}. Nothing was changed. Try it by"
                f" hand ({program} --headless --dump-dom about:blank) as the user who runs this."
            ) from None

    def close(self) -> None:
        self._closing.close()

    # The session

    def keep_session(self) -> None:
        """For the next run. Whoever reads this file is signed in."""
        if self._session_path is None:
            return
        self._session_path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._session_path.with_name(f".{self._session_path.name}.new")
        new.unlink(missing_ok=True)
        os.close(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
        self._context.storage_state(path=str(new))
        os.replace(new, self._session_path)

    def forget_session(self) -> None:
        self._context.clear_cookies()
        if self._session_path is not None:
            self._session_path.unlink(missing_ok=True)

    def cookies(self) -> list[str]:
        """Their values, to be kept out of evidence."""
        return [str(cookie.get("value", "")) for cookie in self._context.cookies()]

    def _stored(self) -> str | None:
        path = self._session_path
        if path is None or not path.is_file() or path.stat().st_size == 0:
            return None
        if path.stat().st_mode & 0o077:
            raise ConfigurationError(f"The session file {path} can be read by others. Remove it, or chmod 600 it.")
        return str(path)

    # The trace: none of what is typed at the sign-in is ever in one

    @contextlib.contextmanager
    def untraced(self) -> Iterator[None]:
        self._context.tracing.stop_chunk()
        try:
            yield
        finally:
            self._context.tracing.start_chunk()

    def cut_trace(self) -> None:
        """What was traced until now is forgotten. A trace grows with each act, in memory, too."""
        with self.untraced():
            pass

    def trace(self) -> Path | None:
        """The trace until now, in a file that the caller removes; another one begins."""
        handle, name = tempfile.mkstemp(prefix="trace-", suffix=".zip")
        os.close(handle)
        try:
            self._context.tracing.stop_chunk(path=name)
            self._context.tracing.start_chunk()
        except PlaywrightError:
            os.unlink(name)
            return None
        return Path(name)


def _quietly(act: Callable[[], None]) -> Callable[[], None]:
    def closing() -> None:
        with contextlib.suppress(PlaywrightError):
            act()

    return closing
