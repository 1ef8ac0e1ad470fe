# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one way to an element, on small pages: what it takes, and what stops it before the click."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import PanelError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.readings import DATE
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web import screen as screen_module
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.screen import Screen

Shown = Callable[..., Screen]
SAVED = "onclick=\"document.title='saved'\""


@pytest.mark.parametrize(
    "html",
    [
        f"<button {SAVED}>保存</button>",
        f"<a href='#' role=button {SAVED}><span>保存</span></a>",
        f"<input type=button value=保存 {SAVED}>",
        f"<div {SAVED}><span>保存</span></div>",
        f"<h2>保存</h2><button {SAVED}>保存</button>",
        f"<button hidden>保存</button><button {SAVED}>保存</button>",
        f"<table><tr><td {SAVED}>保存</td></tr></table>",
        f"<script>setTimeout(() => document.body.innerHTML = `<button {SAVED}>保存</button>`, 300)</script>",
    ],
)
def test_what_can_be_pressed(shown: Shown, html: str) -> None:
    screen = shown(html)
    screen.press("ios.save")
    assert screen.page.title() == "saved"


def test_what_is_drawn_anew_between_two_looks_is_pressed(shown: Shown) -> None:
    screen = shown(f"<button {SAVED}>保存</button>")
    redraw = "() => { const html = document.body.innerHTML; document.body.innerHTML = ''; setTimeout(() => document.body.innerHTML = html, 200); }"
    looks = iter([lambda: screen.page.evaluate(redraw)])
    around = screen.look_around

    def look_around(key: str | None) -> None:
        around(key)
        next(looks, lambda: None)()

    with mock.patch.object(screen, "look_around", look_around):
        screen.press("ios.save")
    assert screen.page.title() == "saved"


def test_what_is_drawn_anew_while_it_comes_into_view_is_pressed(shown: Shown) -> None:
    screen = shown(f"<div style='height:3000px'></div><button {SAVED}>保存</button>")
    gone = screen_module.PlaywrightError("Locator.scroll_into_view_if_needed: Element is not attached to the DOM")
    scroll = mock.Mock(side_effect=[gone, None])
    with mock.patch("playwright.sync_api.Locator.scroll_into_view_if_needed", scroll):
        screen.press("ios.save")
    assert (screen.page.title(), scroll.call_count) == ("saved", 2)


@pytest.mark.parametrize(
    ("html", "said"),
    [
        pytest.param(f"<button {SAVED}>保存する</button>", "did not show.*「保存する」", id="another text"),
        pytest.param(f"<button {SAVED}>保存</button>" * 2, "2 times", id="twice"),
        pytest.param(f"<button {SAVED}>保存</button><a href='#' {SAVED}>保存</a>", "2 times", id="two roles"),
        pytest.param(f"<button disabled {SAVED}>保存</button>", "greyed out", id="disabled"),
        pytest.param(
            f"<button {SAVED}>保存</button><div role=dialog>お知らせです</div>",
            "nobody expected.*お知らせ",
            id="window",
        ),
        pytest.param(
            f"<button {SAVED}>保存</button><div style='position:fixed;inset:0'>mask</div>", "lies over it", id="covered"
        ),
        pytest.param(
            f"<p>ただいまメンテナンス中です</p><button {SAVED}>保存</button>", "closed today", id="maintenance"
        ),
    ],
)
def test_what_stops_before_the_click(shown: Shown, html: str, said: str) -> None:
    screen = shown(html, **{"anywhere.maintenance": "closed today"})
    with pytest.raises(PanelError, match=said) as stopped:
        screen.press("ios.save")
    assert screen.page.title() == ""
    assert "「保存」" in str(stopped.value) and "iOS/macOS 基本設定" in str(stopped.value)
    assert stopped.value.details["label"] == "ios.save"


def test_a_message_of_the_browser_stops_before_the_click(shown: Shown) -> None:
    screen = shown(f"<button {SAVED}>保存</button>")
    screen.page.evaluate("alert('妙な知らせ')")
    with pytest.raises(PanelError, match="妙な知らせ"):
        screen.press("ios.save")
    assert screen.page.title() == ""


@pytest.mark.parametrize(
    ("beside", "said"),
    [
        pytest.param("<div role=dialog>お知らせです</div>", "nobody expected.*お知らせ", id="window"),
        pytest.param("<p>ただいまメンテナンス中です</p>", "closed today", id="maintenance"),
    ],
)
def test_what_stops_before_an_element_of_a_list_is_pressed(shown: Shown, beside: str, said: str) -> None:
    screen = shown(f"<div role=gridcell {SAVED}>iPad</div>{beside}", **{"anywhere.maintenance": "closed today"})
    with pytest.raises(PanelError, match=said):
        screen.press_at("list.row", screen.page.get_by_role("gridcell"))
    assert screen.page.title() == ""


NESTED = (
    "<ul><li><b>全般</b><ul><li><a href='#'>基本設定</a></li></ul></li>"
    f"<li><b>iOS/macOS</b><ul><li><a href='#' {SAVED}>基本設定</a></li></ul></li></ul>"
)
FLAT = (
    "<div role=tree><div role=treeitem aria-level=1>全般</div><div role=treeitem aria-level=2>基本設定</div>"
    f"<div role=treeitem aria-level=1>iOS/macOS</div><div role=treeitem aria-level=2 {SAVED}>基本設定</div>"
    "<div role=treeitem aria-level=1>Android</div><div role=treeitem aria-level=2>基本設定</div></div>"
)


@pytest.mark.parametrize("html", [NESTED, FLAT], ids=["nested", "flat"])
def test_among_several_the_one_below_its_group(shown: Shown, html: str) -> None:
    screen = shown(html)
    screen.press("settings.ios_basic", within="settings.ios")
    assert screen.page.title() == "saved"
    with pytest.raises(PanelError, match="times"):
        screen.press("settings.ios_basic")


def test_a_group_that_does_not_tell(shown: Shown) -> None:
    screen = shown("<p>iOS/macOS</p><a href='#'>基本設定</a><a href='#'>基本設定</a>")
    with pytest.raises(PanelError, match="times below"):
        screen.press("settings.ios_basic", within="settings.ios")


@pytest.mark.parametrize(
    ("html", "value"),
    [
        ("<table><tr><td>MDM プッシュ通知証明書</td><td>2027/11/23</td></tr></table>", "2027/11/23"),
        (
            "<div><label>MDM プッシュ通知証明書:</label> <input readonly value='2027-11-23 13:05'></div>",
            "2027-11-23 13:05",
        ),
        ("<p>MDM プッシュ通知証明書:2027年11月23日</p>", "2027年11月23日"),
        ("<dl><dt>MDM プッシュ通知証明書</dt><dd>未登録</dd><dt>x</dt><dd>2027/11/23</dd></dl>", None),
        (
            "<div><div>MDM プッシュ通知証明書</div><div>VPP サービストークン</div><div>2027/11/23</div></div>",
            None,
        ),
    ],
    ids=["table", "input", "one text", "other words", "another caption"],
)
def test_the_value_beside_a_caption(shown: Shown, html: str, value: str | None) -> None:
    assert shown(html).beside("home.push_certificate", DATE) == value


def test_two_values_beside_a_caption(shown: Shown) -> None:
    screen = shown("<p><b>MDM プッシュ通知証明書</b> 2026/11/23 から 2027/11/23</p>")
    with pytest.raises(PanelError, match="more than one value"):
        screen.beside("home.push_certificate", DATE)


@pytest.mark.parametrize(
    "html",
    [
        "<label>パスワード <input type=password></label>",
        "<label for=x>パスワード:</label><input id=x type=password>",
        "<table><tr><td>アカウント</td><td><input></td></tr><tr><td>パスワード</td><td><input type=password></td></tr></table>",
        "<input type=password placeholder=パスワード>",
    ],
    ids=["around", "for", "beside", "placeholder"],
)
def test_fields(shown: Shown, html: str) -> None:
    screen = shown(html)
    screen.fill("login.password", "a secret")
    assert screen.filled("login.password") == "a secret"


@pytest.mark.parametrize(
    "html",
    [
        "<label>ファイルを選択 <input type=file></label>",
        "<button onclick='document.querySelector(\"input\").click()'>ファイルを選択</button><input type=file hidden>",
        "<div style='position:relative'><button>ファイルを選択</button>"
        "<input type=file style='position:absolute;inset:0;opacity:0'></div>",
        "<input type=file>",
    ],
    ids=["label", "button", "overlaid", "the browser's own"],
)
def test_files(shown: Shown, html: str, tmp_path: Path) -> None:
    (tmp_path / "token.p7m").write_text("token")
    screen = shown(html)
    screen.attach("ios.server_token_file", tmp_path / "token.p7m")
    assert screen.page.evaluate("document.querySelector('input').files[0].name") == "token.p7m"


def test_a_window_and_nothing_outside_of_it(shown: Shown) -> None:
    screen = shown(f"<button {SAVED}>OK</button><div role=dialog>再インストールは不要です<button>OK</button></div>")
    with screen.window("wizard.restart"):
        screen.press("anywhere.ok")
        screen.page.get_by_role("dialog").evaluate("e => e.remove()")
        with pytest.raises(PanelError, match="did not show"):
            screen.press("anywhere.ok")
    assert screen.page.title() == ""


def test_a_choice(shown: Shown) -> None:
    screen = shown("<select><option>組織を選択してください</option><option>全社</option><option>本校</option></select>")
    screen.choose("portal.organization", "本校")
    assert screen.page.get_by_role("combobox").input_value() == "本校"
    with pytest.raises(PanelError, match="0 entries 「分校」"):
        screen.choose("portal.organization", "分校")


@pytest.mark.parametrize(
    "html", ["<label><input type=checkbox>更新する</label>", "<input type=checkbox><span>更新する</span>"]
)
def test_a_box_is_ticked_once(shown: Shown, html: str) -> None:
    screen = shown(f"<div>{html}</div>")
    screen.tick("box.tick")
    screen.tick("box.tick")
    assert screen.page.get_by_role("checkbox").is_checked()


def test_a_row_that_shows_only_after_scrolling(shown: Shown) -> None:
    screen = shown(
        "<div role=grid style='height:100px;overflow:auto'><div style='height:20000px;position:relative'></div></div>"
        "<script>const grid=document.querySelector('[role=grid]'), inner=grid.firstChild;"
        "function draw(){inner.innerHTML='';const from=Math.floor(grid.scrollTop/20);"
        "for(let i=from;i<from+6;i++){const row=document.createElement('div');row.setAttribute('role','row');"
        "row.style='position:absolute;height:20px;top:'+i*20+'px';row.textContent='App '+i;"
        "row.onclick=()=>{document.title='App '+i};inner.append(row)}}grid.onscroll=draw;draw()</script>"
    )
    screen.press_row("list.row", "App 23")
    assert screen.page.title() == "App 23"


def test_a_message_that_comes_after_the_click(shown: Shown) -> None:
    later = "setTimeout(() => {document.querySelector('p').textContent = '保存が完了しました'}, 300)"
    screen = shown(f'<p>更新を開始しました。完了までお待ちください</p><button onclick="{later}">保存</button>')
    told = screen.after(
        lambda: screen.press("ios.save"), "notice.failed", "notice.saved", unlike=("notice.started",), timeout=2
    )
    assert told == ("notice.saved", "保存が完了しました")


def test_a_message_that_does_not_come(shown: Shown) -> None:
    screen = shown("<p>登録が完了しました</p><button>保存</button>")
    with pytest.raises(PanelError, match="no such message"):
        screen.after(lambda: screen.press("ios.save"), "notice.saved", timeout=0.5)


def test_a_message_is_not_waited_for_where_something_stands_in_the_way(shown: Shown) -> None:
    screen = shown(
        "<button onclick=\"document.body.textContent = 'ただいまメンテナンス中です'\">保存</button>",
        **{"anywhere.maintenance": "it is closed"},
    )
    began = time.monotonic()
    with pytest.raises(PanelError, match="it is closed"):
        screen.after(lambda: screen.press("ios.save"), "notice.saved", timeout=120)
    assert time.monotonic() - began < 60


def test_a_window_that_tells_how_far_it_is_ends_no_waiting_for_a_message(shown: Shown) -> None:
    """It takes the place of the one that asked, and tells the end later."""
    later = "setTimeout(() => document.querySelector('div').textContent = '保存が完了しました', 3000)"
    working = "this.parentNode.textContent = '処理しています'"
    screen = shown(f'<div role=dialog>実行します<button onclick="{later};{working}">OK</button></div>')
    with mock.patch.object(screen_module, "AROUND_SECONDS", 0.5), screen.window("command.confirm"):
        told = screen.after(lambda: screen.press("anywhere.ok"), "notice.saved", timeout=20)
    assert told == ("notice.saved", "保存が完了しました")


def test_a_row_that_comes_late_is_pressed(shown: Shown) -> None:
    """The list is there, and other rows, long before it."""
    screen = shown(
        "<table><tr><td>Numbers</td></tr><tr><td>Pages</td></tr></table>"
        "<script>setTimeout(() => document.querySelector('table').insertAdjacentHTML('beforeend',"
        " \"<tr><td onclick='document.title=1'>Keynote</td></tr>\"), 2500)</script>"
    )
    screen.timeout = 8
    screen.press_row("list.row", "Keynote")
    assert screen.page.title() == "1"
