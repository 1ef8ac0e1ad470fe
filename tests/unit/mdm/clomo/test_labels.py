# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of labels, what is read beside them, and that nothing is found in another way."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.labels import LABELS, labels_with
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.login import one_time_code
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.panel import sign_in_address
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.readings import (
    read_moment,
    read_named,
    zone,
)
from ansible_collections.nendo.apple_mdm.plugins.module_utils.portals.labels import BUSINESS, PUSH
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.screen import pattern

UTILS = Path(__file__).resolve().parents[4] / "plugins" / "module_utils"
PAGE_OBJECTS = [
    *(
        UTILS / "mdm" / "clomo" / f"{name}.py"
        for name in (
            *("check", "content_token", "driver", "login", "panel", "port", "push_certificate", "server_token"),
            *("commands", "device_file", "devices", "pane", "people", "reports", "step"),
            *(
                f"{step}_step"
                for step in ("collect", "delete", "licences", "organizations", "removal", "users", "wipe")
            ),
        )
    ),
    UTILS / "portals" / "assist.py",
]
ROLES = {"press", "button", "caption", "field", "file", "choice", "tick", "window", "notice", "row", "list", "column"}
TOUCHES = (
    r"(?<!screen)\.(?:(?:dbl)?click|tap|(?:un)?check|set_checked|fill|select_option|set_(?:input_)?files"
    r"|press_sequentially|dispatch_event)\((?!\))"
)
SELECTORS = r"locator\(|query_selector|\$\(|xpath|css=|#[a-z]+[-\w]*['\"]|\.nth\(|get_by_(?:test_id|role|text|label)"


@pytest.mark.parametrize("path", PAGE_OBJECTS, ids=lambda path: path.stem)
def test_page_objects_name_labels_only(path: Path) -> None:
    assert re.findall(SELECTORS, path.read_text(encoding="utf-8")) == []


def test_nothing_but_the_screen_touches_an_element() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in UTILS.parent.rglob("*.py")}
    of_browsers = {path: text for path, text in texts.items() if "playwright" in text or "Screen" in text}
    touching = {path.name: found for path, text in of_browsers.items() if (found := re.findall(TOUCHES, text))}
    assert list(touching) == ["screen.py"]


def test_the_screen_finds_by_role_and_text() -> None:
    text = (UTILS / "web" / "screen.py").read_text(encoding="utf-8")
    finds = r"\.(get_by_\w+|locator|query_selector\w*|frame_locator|mouse\.\w+|keyboard\.\w+)\("
    found = set(re.findall(finds, text))
    assert found == {
        *("get_by_role", "get_by_text", "get_by_label", "get_by_placeholder"),
        *("mouse.move", "mouse.wheel"),
    }


def test_lists_are_read_by_role_and_text() -> None:
    text = (UTILS / "web" / "grid.py").read_text(encoding="utf-8")
    found = set(re.findall(r"\.(get_by_\w+|locator|query_selector\w*|frame_locator|mouse\.\w+|keyboard\.\w+)\(", text))
    assert found == {"get_by_role"}


def test_no_code_could_import_users_by_csv() -> None:
    """Warning 22: 全更新 deletes everybody whom the file lacks."""
    both = LABELS["devices.exchange"]
    assert both.screen == "Devices" and both.texts == ("Import/Export",)
    texts = [path.read_text(encoding="utf-8") for path in (UTILS / "mdm" / "clomo").glob("*.py")]
    others = "".join(texts).replace('"Import/Export"', "", 1)
    assert not re.search(r"全更新|追加更新|インポート|\bImport\b", others)


def test_scripts_in_the_page_only_look() -> None:
    text = (UTILS / "web" / "scripts.py").read_text(encoding="utf-8")
    assert re.findall(r"\.(?:click|submit|focus|dispatchEvent|setAttribute)\(|\.value\s*=[^=]", text) == []


def test_at_apple_nothing_is_typed_but_notes() -> None:
    labels = {**PUSH, **BUSINESS}
    assert [key for key, label in labels.items() if label.role == "field"] == ["push.notes"]
    assert not re.search(r"password", (UTILS / "portals" / "assist.py").read_text(encoding="utf-8"), re.IGNORECASE)


@pytest.mark.parametrize("path", PAGE_OBJECTS, ids=lambda path: path.stem)
def test_every_label_that_is_used_exists(path: Path) -> None:
    known = {**LABELS, **PUSH, **BUSINESS}
    prefixes = "|".join(sorted({key.partition(".")[0] for key in known}))
    used = set(re.findall(rf'"((?:{prefixes})\.[a-z_]+)"', path.read_text(encoding="utf-8")))
    assert used - set(known) == set()


def test_every_label_is_used() -> None:
    text = "".join(path.read_text(encoding="utf-8") for path in (*PAGE_OBJECTS, UTILS / "web" / "screen.py"))
    labels = {**LABELS, **PUSH, **BUSINESS}
    unused = [key for key in labels if f'"{key}"' not in text]
    assert [key for key in unused if labels[key].role != "caption"] == [], "captions also end the search beside others"


def test_labels_are_well_formed() -> None:
    for key, label in {**LABELS, **PUSH, **BUSINESS}.items():
        assert label.role in ROLES and label.texts and label.screen, key
        assert len(set(label.texts)) == len(label.texts), key


def test_a_tenant_has_its_own_texts() -> None:
    labels = labels_with({"ios.save": "保存する"})
    assert labels["ios.save"].texts == ("保存する",) and labels["portal.save"] == LABELS["portal.save"]
    with pytest.raises(ConfigurationError, match=r"ios\.sav, which no screen has"):
        labels_with({"ios.sav": "保存する"})


@pytest.mark.parametrize(
    ("texts", "shown", "fits"),
    [
        (("iOS/macOS",), "iOS/macOS", True),
        (("iOS/macOS",), "iOS / macOS", False),
        (("保存",), " 保存 ", True),
        (("保存",), "保存する", False),
        (("パスワード",), "パスワード:*", True),
        (("…完了…",), "ライセンス数の更新が完了しました。", True),
        (("Apple ID",), "Apple  ID", True),
        (("(半角)",), "半角", False),
    ],
)
def test_texts_are_compared_whole(texts: tuple[str, ...], shown: str, fits: bool) -> None:
    assert bool(pattern(texts).search(shown)) is fits


def test_a_part_of_a_text_is_found_without_going_through_the_text_from_each_letter_on() -> None:
    assert pattern(("…ADE…一覧…",), whole=False).pattern == "(?:ADE.*一覧)"


@pytest.mark.parametrize(
    ("text", "utc", "within"),
    [
        ("2027/11/23 13:05:06", "2027-11-23T04:05:06", 1),
        ("2027-11-23 13:05", "2027-11-23T04:05:00", 60),
        ("2027年11月23日", "2027-11-22T15:00:00", 86400),
    ],
)
def test_dates_are_read_in_the_panels_time_zone(text: str, utc: str, within: int) -> None:
    moment = read_moment(text, zone("Asia/Tokyo"))
    assert moment and moment.at == datetime.fromisoformat(utc).replace(tzinfo=timezone.utc)
    assert moment.within == within
    assert moment.is_of(moment.at + timedelta(seconds=within - 1))
    assert not moment.is_of(moment.at + timedelta(seconds=within))


@pytest.mark.parametrize("text", ["2027/13/45", "11/23", "2027/11/23 25:00"])
def test_what_is_no_date(text: str) -> None:
    assert read_moment(text, timezone.utc) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Main School 2027/11/23 13:05:06", "Main School"),
        (": 第1小学校 2027年11月23日", "第1小学校"),
        ("2027/11/23 13:05:06", None),
        ("VPP サービストークン: Main School 2027/11/23", None),
        ("Main School", None),
        ("Main School 2027/13/45", None),
    ],
)
def test_a_name_with_its_date(text: str, name: str | None) -> None:
    told = read_named(text, zone("Asia/Tokyo"))
    assert (told[0] if told else None) == name


def test_a_time_zone_that_is_none() -> None:
    with pytest.raises(ConfigurationError, match="time_zone"):
        zone("Asia/Nowhere")


def test_one_time_codes_are_those_of_rfc_6238() -> None:
    secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert [one_time_code(secret, now) for now in (59, 1111111109)] == ["287082", "081804"]
    assert one_time_code("gezd gnbv gy3t qojq gezd gnbv gy3t qojq", 59) == "287082"
    with pytest.raises(ConfigurationError, match="base32"):
        one_time_code("not base32!", 59)


@pytest.mark.parametrize(
    "url",
    [
        "https://clomo.com",
        "https://clomo.com/panel",
        "https://clomo.com/panel/sakura",
        "https://clomo.com/panel/sakura/login",
    ],
)
def test_the_sign_in_address(url: str) -> None:
    assert sign_in_address(url, "sakura") == "https://clomo.com/panel/sakura/login"


def test_plain_http_is_for_loopback() -> None:
    assert sign_in_address("http://127.0.0.1:8900/clomo", "x") == "http://127.0.0.1:8900/clomo/panel/x/login"
    with pytest.raises(ConfigurationError, match="https"):
        sign_in_address("http://clomo.com", "x")
