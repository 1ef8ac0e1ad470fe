# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The only way to an element of a page: by its role and its visible words, exactly one, visible and enabled.

Before each act the screen is looked over for what nobody expects: a window, the sign-in, a maintenance page. What is not
as it should be ends the act before it begins, with a PanelError that tells screen, label and what stood there instead.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .._errors import PanelError
from .label import Label
from .scripts import (
    BELONGING,
    BESIDE,
    FILE_INPUT,
    INNERMOST,
    INPUT_BESIDE,
    LINES,
    NEW_LINE,
    ON_TOP,
    ONLY,
    OWN_LABEL,
    QUIET,
    REACHED,
    ROW,
    TEXT_INPUTS,
    TICKS,
    VALUE,
)

try:
    from playwright.sync_api import Error as PlaywrightError
    from playwright.sync_api import expect
except ImportError:
    pass

if TYPE_CHECKING:
    from playwright.sync_api import Download, ElementHandle, Locator, Page

__all__ = ["Screen", "pattern"]

BUTTONS = ("button", "link", "tab")
PRESSABLE = ("button", "link", "tab", "menuitem", "treeitem", "option", "gridcell", "cell", "radio")
LISTS = ("grid", "treegrid", "table", "listbox", "list")
SHOWN_TEXTS = 8
COLON, AFTER_LABEL = "[:\uff1a]", "[:\uff1a*\uff0a\u203b]"
EQUAL = {r"\(": "[(\uff08]", r"\)": "[)\uff09]", ":": COLON, "/": r"\/"}  # as re.escape has them
SCROLL_SECONDS = 1.5
QUIET_SECONDS = 0.8  # without a change the text has come to rest
AROUND_SECONDS = 3  # between two looks whether a message can still come
LATE_SECONDS = 0.5  # between two looks for a row
ROLELESS = 4  # this part of the time-out is waited for a window to have the role of one
NAVIGATIONS = 3  # pages that may come while one look lasts
# Another page, or the same element drawn anew, came while it was looked at; nothing was pressed then.
DRAWN_ANEW = ("Execution context was destroyed", "Element is not attached to the DOM")

Result = TypeVar("Result")


def pattern(texts: tuple[str, ...], *, whole: bool = True, tail: str = rf"\s*{AFTER_LABEL}*\s*") -> re.Pattern[str]:
    """One of the texts, … being any text; blanks of any kind count as one.

    not whole: somewhere in a text. It does not begin with any text then, which takes too long on a long page."""

    def source(text: str) -> str:
        text = text if whole else text.strip("…")
        parts = (r"\s+".join(map(re.escape, part.split())) for part in text.split("…"))
        return re.sub("|".join(map(re.escape, EQUAL)), lambda found: EQUAL[found[0]], ".*".join(parts))

    either = "|".join(source(text) for text in texts)
    return re.compile(rf"^\s*(?:{either}){tail}$" if whole else f"(?:{either})", re.IGNORECASE)


class Screen:
    """The page as its labels tell it. strangers: keys of labels that must not show, with what it means if they do.

    site: how messages call it. advice: what to do where a label is not found."""

    def __init__(
        self,
        page: Page,
        labels: Mapping[str, Label],
        *,
        site: str,
        timeout: float,
        strangers: Mapping[str, str],
        advice: str,
    ) -> None:
        self.page = page
        self.labels = labels
        self.site = site
        self.timeout = timeout
        self.strangers = dict(strangers)
        self._advice = advice
        self._expected: list[str] = []
        self._in_window = False
        self._place: Locator | None = None
        self._said: list[str] = []
        page.on("dialog", self._native_dialog)

    # Acts

    def press(self, key: str, *, within: str | None = None) -> None:
        self._click(key, self.find(key, within=within))

    def fill(self, key: str, text: str) -> None:
        field = self._field(key)
        self._do(key, lambda: field.fill(text, timeout=self._ms))

    def filled(self, key: str) -> str:
        field = self._field(key)
        return str(self._do(key, lambda: field.input_value(timeout=self._ms)))

    def tick(self, key: str, wanted: bool = True) -> None:
        """The box is ticked afterwards, or not. Where the label has no box, seeing it is enough."""
        box = self._box(key)
        if box is not None:
            self._do(key, lambda: box.set_checked(wanted, timeout=self._ms))

    def is_ticked(self, key: str) -> bool:
        """As it is now; it has to have a box."""
        box = self._box(key)
        if box is None:
            raise self._error(key, "no box stands beside it", self._seen())
        return bool(self._do(key, box.is_checked))

    def _box(self, key: str) -> Any:
        named = self._root().get_by_role("checkbox", name=self._regex(key)).filter(visible=True)
        caption = self._root().get_by_text(self._regex(key)).filter(visible=True)
        self._await(key, named.or_(caption))
        self.look_around(key)
        return self._only(key, named) if named.count() else self._beside(caption.first, TICKS)

    def press_entry(self, key: str) -> None:
        """The entry of an open list or menu."""
        self._await(key, self._open_entry(key))
        self.press_at(key, self._open_entry(key))

    def press_at(self, key: str, target: Locator) -> None:
        """An element that a list gave. key: the list's."""
        self.look_around(key)
        self._click(key, self._only(key, target))

    def attach(self, key: str, path: Path, *, within: str | None = None) -> None:
        """Gives the file to what opens the file chooser."""
        target = self.find(key, within=within)

        def give() -> None:
            owner = target.evaluate_handle(FILE_INPUT, timeout=self._ms).as_element()
            if owner is not None:
                owner.click(trial=True, timeout=self._ms)  # nothing lies over it
                owner.set_input_files(str(path), timeout=self._ms)
                return
            with self.page.expect_file_chooser(timeout=self._ms) as chooser:
                target.click(timeout=self._ms)
            chooser.value.set_files(str(path), timeout=self._ms)

        self._do(key, give)

    def choose(self, key: str, text: str) -> None:
        """The entry of this text from the list."""
        target = self.find(key)
        if self._do(key, lambda: target.evaluate("e => e.tagName", timeout=self._ms)) == "SELECT":
            offered = self._do(key, lambda: target.evaluate("e => [...e.options].map(o => o.text.trim())"))
            if offered.count(text) != 1:
                raise self._error(key, f"the list has {offered.count(text)} entries 「{text}」", "、".join(offered))
            self._do(key, lambda: target.select_option(label=text, timeout=self._ms))
            return
        self._click(key, target)
        self._click(key, self._entry(key, text))

    def press_row(self, key: str, text: str) -> None:
        """The row of a list that says this text, which may come late; long lists are scrolled, since they hold only the rows
        that show."""
        deadline = time.monotonic() + self.timeout
        while True:
            self.look_around(key)
            found = self._page_text(text)
            if found.count():
                return self._click(key, self._only(key, found))
            if self._scrolled(key):
                continue
            if time.monotonic() > deadline:
                raise self._error(key, f"no row says 「{text}」", self._similar((text,)))
            self._changed(self.lines(), LATE_SECONDS)

    def download(self, key: str, *, within: str | None = None) -> bytes:
        target = self.find(key, within=within)

        def take() -> Download:
            with self.page.expect_download(timeout=self._ms) as started:
                target.click(timeout=self._ms)
            return started.value

        return Path(str(self._do(key, lambda: take().path()))).read_bytes()

    # Looks

    @property
    def root(self) -> Any:
        """The window on top, else the page."""
        return self._root()

    def number(self, key: str, place: Locator) -> int:
        return int(self._do(key, place.count))

    def ask(self, key: str, place: Locator, script: str, argument: Any = None) -> Any:
        """What the script tells of the only element."""
        return self._do(key, lambda: self._only(key, place).evaluate(script, argument, timeout=self._ms))

    def ask_all(self, key: str, places: Locator, script: str) -> Any:
        return self._do(key, lambda: places.evaluate_all(script))

    def text_of(self, place: Locator) -> str:
        return str(self._do(None, lambda: place.inner_text(timeout=self._ms)))

    def trouble(self, key: str, what: str, seen: str = "") -> PanelError:
        """For what a list or a window should not be."""
        return self._error(key, what, seen or self._quietly(self._seen))

    def region(self, key: str) -> Locator:
        """The part of the page, with a role of its own, in which the label stands."""
        inside = self._candidates(key, self.page)
        regions = self.page.get_by_role("region").filter(visible=True).filter(has=inside)
        return self._only(key, regions)

    def says(self, key: str, line: str) -> bool:
        return bool(pattern(self.labels[key].texts, whole=False).search(line))

    def offers(self, key: str) -> bool:
        """Whether an open list or menu has the entry."""
        return bool(self._do(key, self._open_entry(key).count))

    def window_text(self) -> str:
        """What the window on top says; empty where there is none."""
        windows = self._windows()
        return str(self._root().inner_text()) if self._do(None, windows.count) else ""

    def see(self, key: str) -> None:
        """Waits until it shows."""
        self._await(key, self._candidates(key))
        self.look_around(key)

    def shows(self, key: str) -> bool:
        """As it is now."""
        return bool(self._candidates(key).count())

    def count(self, key: str) -> int:
        """How often it stands there now."""
        either = self._of_its_kind(key)
        either = either if either.count() else self._texts(key, self._root())
        return len(self._do(key, lambda: either.evaluate_all(INNERMOST)))

    def like(self, key: str) -> list[str]:
        """Texts on the page that resemble it."""
        return self._alike(self.labels[key].texts)

    def first_of(self, *keys: str, timeout: float | None = None) -> str:
        """Waits for one of several things to show, and tells which. Windows among them are expected, too."""
        with self._expecting(*(key for key in keys if self.labels[key].role == "window")):
            either = self._candidates(keys[0])
            for key in keys[1:]:
                either = either.or_(self._candidates(key))
            self._await(keys[0], either, timeout)
            self.look_around(keys[0])
            return next((key for key in keys if self.shows(key)), keys[0])

    def beside(self, key: str, wanted: str, *, within: str | None = None) -> str | None:
        """The only text of the shape wanted (a regular expression of JavaScript) beside a caption; None if none is there."""
        caption = self.find(key, within=within)
        told = self._do(key, lambda: caption.evaluate(BESIDE, [wanted, self._captions(key)], timeout=self._ms))
        if len(told["found"]) > 1:
            raise self._error(key, "more than one value stands beside it", "、".join(told["found"]))
        return told["found"][0] if told["found"] else None

    def value(self, key: str, *, within: str | None = None) -> str:
        """All that stands beside a caption, whatever its shape."""
        caption = self.find(key, within=within)
        return str(self._do(key, lambda: caption.evaluate(VALUE, self._captions(key), timeout=self._ms)))

    def _captions(self, key: str) -> list[str]:
        """The others of its screen."""
        screen = self.labels[key].screen
        return [
            text
            for other, label in self.labels.items()
            if label.screen == screen and label.role == "caption" and other != key
            for text in label.texts
        ]

    def lines(self, key: str | None = None) -> list[str]:
        """The lines of the page that match the label, or all."""
        shown = [str(line) for line in self._do(key, lambda: self.page.evaluate(LINES))]
        return [line for line in shown if key is None or self._regex(key).search(line)]

    def rows(self, key: str, filled: str) -> list[str]:
        """The rows of a list that say it, as far as they show, once the list has come to rest.

        filled: a regular expression of what every row has, a date say; a list without any is waited for."""
        self.until(key, lambda: any(re.search(filled, line) for line in self.lines()))
        self.settled(key)
        self.look_around(key)
        found = self._texts(key, self._root())
        return [str(row) for row in self._do(key, lambda: found.evaluate_all(ROW))]

    def settled(self, key: str) -> None:
        """Waits until the page's text has come to rest."""
        arguments = {"arg": QUIET_SECONDS * 1000, "polling": 100, "timeout": self._ms}
        self._do(key, lambda: self.page.wait_for_function(QUIET, **arguments))

    def until(self, key: str, done: Callable[[], bool], *, expected: tuple[str, ...] = ()) -> bool:
        """Whether it came true in time. Looks again whenever the page's text changes.

        expected: keys of what a window may say meanwhile."""
        deadline = time.monotonic() + self.timeout
        with self._expecting(*expected):
            while True:
                before = self.lines()
                if done():
                    return True
                left = deadline - time.monotonic()
                if left <= 0 or not self._changed(before, left):
                    return False

    def _changed(self, before: list[str], seconds: float) -> bool:
        changed = f"before => ({LINES})().join('\\n') !== before"
        try:
            self.page.wait_for_function(changed, arg="\n".join(before), timeout=seconds * 1000, polling=100)
        except PlaywrightError:
            return False
        return True

    def after(
        self,
        act: Callable[[], None],
        *keys: str,
        unlike: tuple[str, ...] = (),
        timeout: float | None = None,
        confirm: bool = False,
    ) -> tuple[str, str]:
        """Acts, and waits for a line that was not there before and that one of the keys tells: the key and the line.

        unlike: keys of lines that do not count although they match. confirm: a window that says it gets its OK."""
        timeout = timeout or self.timeout
        before: dict[str, int] = {}
        for line in self.lines():
            before[line] = before.get(line, 0) + 1
        act()
        wanted = {
            "groups": [[key, [self._regex(key).pattern]] for key in keys],
            "ignored": [self._regex(key).pattern for key in unlike],
            "before": before,
            "windows": self._windows().count(),
        }
        told = self._awaited_line(keys[0], wanted, timeout)
        if told and told["key"] == "window":  # its words may come after it
            self.settled(keys[0])
            told = self._new_line(wanted, 1)
        if not told or told["key"] == "window":
            self.look_around(keys[0])
            raise self._error(keys[0], f"no such message came within {timeout:g} seconds", self._seen())
        if confirm:
            self._confirm(told["line"])
        return str(told["key"]), str(told["line"])

    def _awaited_line(self, key: str, wanted: dict[str, Any], seconds: float) -> dict[str, str]:
        """Empty where none came. Where the page has become another one, none is waited for; windows may come and go."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if told := self._new_line(wanted, min(left, AROUND_SECONDS)):
                return told
            self._look_for_strangers(key)
        return {}

    def _new_line(self, wanted: dict[str, Any], seconds: float) -> dict[str, str]:
        """Empty where none came. An obstacle is told at once by its window."""
        try:
            told = self.page.wait_for_function(NEW_LINE, arg=wanted, timeout=seconds * 1000, polling=150).json_value()
        except PlaywrightError:
            return {}
        return dict(told)

    @contextlib.contextmanager
    def window(self, *keys: str) -> Iterator[None]:
        """In this block a window that says one of these is right; before it begins, it shows. If it is a window by its
        role, nothing outside of windows is touched in the block, even while one closes and the next has not come."""
        before = self._in_window
        with self._expecting(*keys):
            wanted = self._windows().filter(has_text=pattern(tuple(self._texts_of(keys)), whole=False))
            try:
                self._await(keys[0], wanted, self.timeout / ROLELESS)
                self._in_window = True
            except PanelError as error:
                if error.details["reason"] != "late":
                    raise
                self.first_of(*keys)
            try:
                yield
            finally:
                self._in_window = before

    def _texts_of(self, keys: tuple[str, ...]) -> list[str]:
        return [text for key in keys for text in self.labels[key].texts]

    def rows_with(self, key: str) -> list[Locator]:
        """The rows of the page's tables in which the label stands, once the page has come to rest."""
        self.settled(key)
        self.look_around(key)
        rows = self.page.get_by_role("row").filter(visible=True)
        found = []
        for row in rows.all():
            with self.inside(row):
                found += [row] if self.count(key) else []
        return found

    @contextlib.contextmanager
    def inside(self, place: Locator) -> Iterator[None]:
        """In this block labels are looked for in this place, and in windows."""
        before, self._place = self._place, place
        try:
            yield
        finally:
            self._place = before

    def look_around(self, key: str | None) -> None:
        """Raises what stands in the way."""
        if self._said:
            raise self._error(key, "the browser showed a message that nobody expected", "、".join(self._said))
        if not self._do(key, self._obstacles(key).count):
            return
        self._look_for_strangers(key)
        odd = self._odd_windows()
        if self._do(key, odd.count):
            raise self._error(key, "a window is open that nobody expected", _short(odd.first.inner_text()))

    def _look_for_strangers(self, key: str | None) -> None:
        for stranger, meaning in self.strangers.items():
            found = self._do(key, self._candidates(stranger, self.page).count)
            if found and key != stranger:
                raise self._error(key, meaning, self._seen(), reason=stranger)

    def find(self, key: str, *, within: str | None = None) -> Locator:
        """The one element of this label, visible and enabled; among several the one that belongs to the label within."""
        either, chosen = self._shown(key)
        if len(chosen) > 1 and within:
            chosen = self._belonging(key, either, chosen, within)
        if len(chosen) != 1:
            where = f" below 「{self.labels[within].texts[0]}」" if within else ""
            raise self._error(key, f"it stands there {len(chosen)} times{where}", self._seen())
        target = either.nth(chosen[0])
        if self.labels[key].role in ("press", "button", "file", "choice"):
            self._enabled(key, target)
        return target

    def _shown(self, key: str) -> tuple[Locator, list[int]]:
        """The label's elements and which of them are innermost. What is gone by the second look is being drawn anew."""
        deadline = time.monotonic() + self.timeout
        while True:
            either = self._of_its_kind(key)
            if not self._do(key, either.count):
                self._await(key, self._candidates(key))
                either = self._of_its_kind(key)
                either = either if either.count() else self._texts(key, self._root())
            self.look_around(key)
            chosen = self._do(key, partial(either.evaluate_all, INNERMOST))
            if chosen or time.monotonic() > deadline:
                return either, chosen

    # How a label is searched

    def _regex(self, key: str) -> re.Pattern[str]:
        label = self.labels[key]
        if label.role == "caption":
            return pattern(label.texts, tail=rf"\s*{AFTER_LABEL}*(?:\s*$|\s*{COLON}.*)")
        return pattern(label.texts, whole=label.role not in ("notice",))

    def _candidates(self, key: str, root: Any = None) -> Locator:
        """Whatever may be the label's element, visible."""
        root = self._root() if root is None else root
        either = self._texts(key, root)
        for kind in self._kinds(key, root):
            either = either.or_(kind)
        return either

    def _kinds(self, key: str, root: Any) -> list[Locator]:
        """By role and name, each role on its own."""
        label, name = self.labels[key], self._regex(key)
        if label.role == "press":
            found = [root.get_by_role(role, name=name) for role in PRESSABLE]
        elif label.role == "button":
            found = [root.get_by_role(role, name=name) for role in BUTTONS]
        elif label.role == "file":
            found = [root.get_by_role(role, name=name) for role in ("button", "link")] + [root.get_by_label(name)]
        elif label.role == "field":
            found = [root.get_by_role("textbox", name=name), root.get_by_label(name), root.get_by_placeholder(name)]
        elif label.role == "choice":
            listed = root.get_by_role("combobox").filter(has_text=pattern(label.texts, whole=False))
            found = [root.get_by_role(role, name=name) for role in ("combobox", "button")]
            found += [listed, root.get_by_label(name), root.get_by_placeholder(name)]
        else:
            found = [self._texts(key, root)]
        return [each.filter(visible=True) for each in found]

    def _of_its_kind(self, key: str) -> Locator:
        kinds = self._kinds(key, self._root())
        either: Locator = kinds[0]
        for kind in kinds[1:]:
            either = either.or_(kind)
        return either

    def _texts(self, key: str, root: Any) -> Locator:
        found: Locator = root.get_by_text(self._regex(key))
        if self.labels[key].role == "file":  # the browser's own button has no text in the page
            found = found.or_(root.get_by_role("button", name="Choose File", exact=True))
        return found.filter(visible=True)

    def _page_text(self, text: str) -> Locator:
        return self._root().get_by_text(pattern((text,))).filter(visible=True)

    def _field(self, key: str) -> Any:
        """The input that a label is tied to, or that stands beside its text."""
        self._await(key, self._candidates(key))
        self.look_around(key)
        root = self._root()
        tied = [kind for kind in self._kinds(key, root) if kind.count()]
        if tied:
            either = tied[0]
            for kind in tied[1:]:
                either = either.or_(kind)
            return self._only(key, either)
        field = self._beside(self._only(key, self._texts(key, root)), TEXT_INPUTS)
        if field is None:
            raise self._error(key, "no single input stands beside it", self._seen())
        return field

    def _beside(self, caption: Locator, wanted: str) -> ElementHandle | None:
        handle = self._do(None, lambda: caption.evaluate_handle(INPUT_BESIDE, wanted, timeout=self._ms))
        return handle.as_element()

    def _entry(self, key: str, text: str) -> Locator:
        """The entry of an open list."""
        options = self.page.get_by_role("option", name=text, exact=True)
        entries = options.or_(self.page.get_by_role("listbox").get_by_text(text, exact=True)).filter(visible=True)
        anywhere = self.page.get_by_text(text, exact=True).filter(visible=True)
        self._await(key, entries.or_(anywhere))
        return self._only(key, entries if entries.count() else anywhere)

    def _open_entry(self, key: str) -> Locator:
        name = self._regex(key)
        found = self.page.get_by_role("option", name=name)
        for role in ("menuitem", "menuitemradio"):
            found = found.or_(self.page.get_by_role(role, name=name))
        return found.filter(visible=True)

    def _only(self, key: str, found: Locator) -> Locator:
        chosen, total = self._do(key, lambda: found.evaluate_all(ONLY))
        if len(chosen) != 1:
            raise self._error(key, f"it stands there {len(chosen)} times", self._seen())
        return found if total == 1 else found.nth(chosen[0])

    def _belonging(self, key: str, either: Locator, chosen: list[int], within: str) -> list[int]:
        anchors = self._candidates(within).element_handles()
        if not anchors:
            raise self._error(within, "it was not found", self._similar(self.labels[within].texts))
        near = self._do(key, lambda: either.evaluate_all(BELONGING, anchors))
        return [index for index in near if index in chosen]

    def _enabled(self, key: str, target: Locator) -> None:
        try:
            expect(target).to_be_enabled(timeout=self._ms)
        except (AssertionError, PlaywrightError):
            self.look_around(key)
            raise self._error(key, "it stays greyed out", self._seen()) from None

    def _scrolled(self, key: str) -> bool:
        """Whether the list showed other rows after turning the wheel."""
        lists = self._root().get_by_role(LISTS[0]).filter(visible=True)
        for role in LISTS[1:]:
            lists = lists.or_(self._root().get_by_role(role).filter(visible=True))
        if not lists.count():
            return False
        before, box = self.lines(), lists.last.bounding_box()
        if box is None:
            return False
        self.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        self.page.mouse.wheel(0, box["height"] * 0.8)
        if not self._changed(before, SCROLL_SECONDS):
            return False
        self.settled(key)
        return True

    # Windows

    def _windows(self) -> Locator:
        windows = self.page.get_by_role("dialog").or_(self.page.get_by_role("alertdialog"))
        return windows.filter(visible=True)

    def _odd_windows(self) -> Locator:
        odd = self._windows()
        for key in self._expected:
            odd = odd.filter(has_not_text=pattern(self.labels[key].texts, whole=False))
        return odd

    def _root(self) -> Any:
        """The window on top, else the page."""
        windows = self._windows()
        count = windows.count()
        if count < 2:
            return windows if count or self._in_window else self._place or self.page
        return windows.nth(int(windows.evaluate_all(ON_TOP)))

    @contextlib.contextmanager
    def _expecting(self, *keys: str) -> Iterator[None]:
        before = list(self._expected)
        self._expected += keys
        try:
            yield
        finally:
            self._expected = before

    def _confirm(self, line: str) -> None:
        """A notice that came as a window of its own."""
        notice = self._odd_windows().filter(has_text=line)
        if notice.count() == 1:
            name = self._regex("anywhere.ok") if "anywhere.ok" in self.labels else re.compile("OK")
            ok = notice.get_by_role("button", name=name).or_(notice.get_by_text(name)).filter(visible=True)
            self._do(None, lambda: self._only("anywhere.ok", ok).click(timeout=self._ms))

    def _native_dialog(self, dialog: Any) -> None:
        self._said.append(str(dialog.message))
        with contextlib.suppress(PlaywrightError):
            dialog.dismiss()

    # Waits and errors

    @property
    def _ms(self) -> float:
        return self.timeout * 1000

    def _obstacles(self, key: str | None) -> Locator:
        """Windows and labels that must not be there while this label is looked for."""
        obstacles = self._odd_windows()
        for stranger in self.strangers:
            if stranger != key:
                obstacles = obstacles.or_(self._candidates(stranger, self.page))
        return obstacles

    def _await(self, key: str, wanted: Locator, timeout: float | None = None) -> None:
        """Until it shows, or something that stands in the way does."""
        try:
            expect(wanted.or_(self._obstacles(key)).first).to_be_visible(
                timeout=timeout * 1000 if timeout else self._ms
            )
        except (AssertionError, PlaywrightError):
            self.look_around(key)
            what = f"it did not show within {timeout or self.timeout:g} seconds"
            raise self._error(key, what, self._similar(self.labels[key].texts), reason="late") from None

    def _click(self, key: str, target: Locator) -> None:
        """Brought into view as often as it is drawn anew; pressed once."""

        def in_view() -> bool:
            if target.evaluate(REACHED, timeout=self._ms):
                return False
            target.scroll_into_view_if_needed(timeout=self._ms)
            return bool(target.evaluate(OWN_LABEL, timeout=self._ms))

        under_its_label = self._do(key, in_view)
        self._do(key, lambda: target.click(timeout=self._ms, force=under_its_label), again=0)

    def _do(self, key: str | None, act: Callable[[], Result], again: int = NAVIGATIONS) -> Result:
        for tries_left in range(again, -1, -1):
            try:
                return act()
            except PlaywrightError as error:
                if tries_left and any(reason in str(error) for reason in DRAWN_ANEW):
                    continue
                raise self._error(key, _plain_reason(error), self._quietly(self._seen)) from None
        raise AssertionError("unreachable")

    def _quietly(self, look: Callable[[], str]) -> str:
        try:
            return look()
        except (PlaywrightError, PanelError):
            return "the page does not answer"

    def _seen(self) -> str:
        """What a person would mention first: windows, else the beginning of the page."""
        windows = [_short(text) for text in self._windows().all_inner_texts()]
        return " | ".join(windows) or _short(" / ".join(self.lines()[:SHOWN_TEXTS]))

    def _similar(self, texts: tuple[str, ...]) -> str:
        """What looks like the label, else what is seen."""
        return "、".join(f"「{line}」" for line in self._alike(texts)) or self._quietly(self._seen)

    def _alike(self, texts: tuple[str, ...]) -> list[str]:
        shown = list(dict.fromkeys(self._quietly_lines()))
        wanted = [text.replace("…", "") for text in texts]
        near = [hit for text in wanted for hit in difflib.get_close_matches(text, shown, 3, 0.4)]
        near += [line for line in shown if len(line) < 60 and any(text in line or line in text for text in wanted)]
        return list(dict.fromkeys(near))

    def _quietly_lines(self) -> list[str]:
        try:
            return [str(line) for line in self.page.evaluate(LINES)]
        except PlaywrightError:
            return []

    def _error(self, key: str | None, what: str, seen: str, reason: str = "label") -> PanelError:
        label = self.labels.get(key or "")
        name = f"screen 「{label.screen}」, 「{label.texts[0]}」" if label else "the page"
        return PanelError(
            f"{self.site}, {name}: {what}. Nothing was pressed after that. Seen: {seen or 'nothing'}. {self._advice}",
            screen=label.screen if label else None,
            label=key,
            wanted=list(label.texts) if label else [],
            seen=seen,
            reason=reason,
        )


def _short(text: str) -> str:
    one_line = " ".join(text.split())
    return one_line if len(one_line) <= 300 else f"{one_line[:300]}…"


def _plain_reason(error: Exception) -> str:
    """Playwright's reason in our words; its own text may show what was typed."""
    told = str(error)
    if "intercepts pointer events" in told:
        return "something lies over it"
    if "strict mode violation" in told:
        return "it stands there more than once"
    if "Target page, context or browser has been closed" in told or "crashed" in told:
        return "the browser ended"
    return "it did not react in time" if "Timeout" in told else "the browser could not do it"
