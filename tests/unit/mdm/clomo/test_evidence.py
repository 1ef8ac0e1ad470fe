# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Evidence: numbered, readable, and without secrets in text, picture or trace."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.evidence import MASKED, Evidence, Secrets
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.browser import WINDOWLESS, Browser, find_browser
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.screen import Screen
from ansible_collections.nendo.apple_mdm.tests.browser import browser_or_skip

PASSWORD = "correct horse/battery"


def test_secrets_are_masked_in_every_form() -> None:
    secrets = Secrets((PASSWORD, None, "", "ab"))
    token = "".join(chr(ord("0") + number) for number in range(75))
    secrets.add_file(f"{token}\n".encode())
    assert secrets.masked(f"{PASSWORD} correct%20horse%2Fbattery ab") == f"{MASKED} {MASKED} ab"
    assert secrets.masked(f"{token[:40]} {token[40:]}") == f"{MASKED} {MASKED}"
    assert not set(secrets.masked(token)) & set(token)
    assert secrets.masked_bytes(PASSWORD.encode()) == MASKED.encode()


def test_each_step_leaves_a_picture_and_its_text(shown: Callable[..., Screen]) -> None:
    left: dict[str, bytes] = {}
    evidence = Evidence(Secrets((PASSWORD,)))
    screen = shown(f"<p>設定 {PASSWORD}</p><label>名前 <input value='{PASSWORD}'></label>")
    evidence.leave(screen.page, "nobody-listens")
    evidence.record = left.__setitem__
    evidence.leave(screen.page, "settings-basic")
    evidence.leave(screen.page, "home")
    assert list(left) == ["0001-settings-basic.png", "0001-settings-basic.txt", "0002-home.png", "0002-home.txt"]
    text = left["0001-settings-basic.txt"].decode()
    assert "設定" in text and PASSWORD not in text
    assert left["0001-settings-basic.png"].startswith(b"\x89PNG")
    unmasked = screen.page.screenshot()
    assert left["0001-settings-basic.png"] != unmasked


@pytest.mark.parametrize(("value", "hidden"), [("2027/11/23", False), (PASSWORD, True)], ids=["expiry", "secret"])
def test_a_picture_hides_what_is_secret_and_nothing_else(
    shown: Callable[..., Screen], value: str, hidden: bool
) -> None:
    left: dict[str, bytes] = {}
    evidence = Evidence(Secrets((PASSWORD,)))
    evidence.record = left.__setitem__
    screen = shown(f"<label>有効期限 <input readonly value='{value}'></label><div role=textbox>{value}</div>")
    evidence.leave(screen.page, "home")
    as_it_is = screen.page.screenshot(animations="disabled", caret="hide")
    assert (left["0001-home.png"] != as_it_is) == hidden


def test_a_failure_leaves_its_trace_without_secrets(tmp_path: Path, shown: Callable[..., Screen]) -> None:
    left: dict[str, bytes] = {}
    evidence = Evidence(Secrets((PASSWORD,)))
    evidence.record = left.__setitem__
    with zipfile.ZipFile(tmp_path / "trace.zip", "w") as trace:
        trace.writestr("trace.trace", f'{{"value": "{PASSWORD}"}}')
    evidence.leave_failure(shown("<p>x</p>").page, f"stopped at {PASSWORD}", tmp_path / "trace.zip")
    assert list(left) == ["0001-stopped.png", "0001-stopped.txt", "0001-stopped-why.txt", "0001-stopped-trace.zip"]
    with zipfile.ZipFile(io.BytesIO(left["0001-stopped-trace.zip"])) as masked:
        assert masked.read("trace.trace").decode() == f'{{"value": "{MASKED}"}}'
    assert PASSWORD.encode() not in b"".join(left.values())


def test_what_is_typed_at_the_sign_in_is_in_no_trace(browser: Browser, shown: Callable[..., Screen]) -> None:
    screen = shown("<label>パスワード <input type=password></label><button>ログイン</button>")
    with browser.untraced():
        screen.fill("login.password", PASSWORD)
    screen.press("login.submit")
    trace = browser.trace()
    assert trace is not None
    with zipfile.ZipFile(trace) as packed:
        assert not any(PASSWORD.encode() in packed.read(name) for name in packed.namelist())
    trace.unlink()


def test_a_browser_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="browser_path"):
        find_browser("/nowhere/chromium")


@pytest.mark.parametrize(("headless", "name"), [(True, WINDOWLESS), (False, "chromium")])
def test_without_a_window_the_browser_that_has_none_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, headless: bool, name: str
) -> None:
    for each in (WINDOWLESS, "chromium"):
        (tmp_path / each).touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_browser(headless=headless) == str(tmp_path / name)


def test_a_session_that_others_can_read(tmp_path: Path) -> None:
    browser_or_skip()
    session = tmp_path / "session.json"
    session.write_text("{}")
    session.chmod(0o644)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Browser(path=None, headless=True, session_path=session, time_zone="Asia/Tokyo")
