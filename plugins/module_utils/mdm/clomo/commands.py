# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""このデバイスの操作: a command from its choice to the last OK. Before each press the window's devices are read and compared with
those that are intended; a difference stops before the press."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ...web.grid import choices_of, choose, items_of
from ...web.screen import Screen
from .panel import Panel
from .selection import counts_in, difference

__all__ = ["COMMANDS", "Answer", "Command", "Commands"]

YES = "YES"
WINDOWS = ("command.confirm", "command.error")


@dataclass(frozen=True)
class Command:
    """key: of its label. presses: of the labels that are pressed in its windows, in this order; command.yes: YES is typed.
    ticks: how the boxes of its first window have to be. go: the button after its choice."""

    key: str
    presses: Sequence[str]
    ticks: Mapping[str, bool] = field(default_factory=dict)
    go: str = "command.go"
    chooses: bool = False  # among items of its first window

    @property
    def acts_at(self) -> int:
        """The first press that may carry it out: after YES the last OK may only inform."""
        return len(self.presses) - (2 if "command.yes" in self.presses else 1)

    def labels(self) -> list[str]:
        """Of everything that is pressed, chosen, ticked or typed, the way to the device left out."""
        boxes = [key for key, wanted in self.ticks.items() if wanted]
        return [self.key, self.go, *boxes, *self.presses]


RUN, OK = "command.run", "anywhere.ok"
COMMANDS: Mapping[str, Command] = {
    "information": Command("command.information", (RUN,)),
    "profile_list": Command("command.profile_list", (RUN,)),
    "app_list": Command("command.app_list", (RUN,)),
    "remove_profile": Command("command.remove_profile", (RUN, OK), chooses=True),
    "remove_app": Command("command.remove_app", (RUN, OK), chooses=True),
    "revoke": Command("command.revoke", (RUN, OK), chooses=True),
    "delete": Command(
        "command.delete", (RUN, OK, "command.yes", "command.delete_now", OK), ticks={"command.delete_apps": False}
    ),
    "erase": Command(
        "command.erase",
        (OK, "command.yes", "command.erase_now", OK),
        ticks={"command.return": True, "command.carry_over": False},
        go="command.next",
    ),
    "purge": Command("command.purge", (RUN, OK)),
}


@dataclass(frozen=True)
class Answer:
    """refused: the panel's words where it said no. kind: the label that these words are of; acted: after a press that may have
    been carried out. missing: items that its window did not offer; offered: False where the panel does not have the command for
    these devices. Then nothing was pressed."""

    refused: str = ""
    kind: str = ""
    acted: bool = False
    missing: Sequence[str] = ()
    offered: bool = True

    @property
    def accepted(self) -> bool:
        return self.offered and not self.refused and not self.missing


class Commands:
    """pace: seconds from one command to the next."""

    def __init__(
        self,
        panel: Panel,
        *,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._panel = panel
        self._pace = float(panel.options.get("command_pace_seconds") or 0)
        self._sleep = sleep
        self._monotonic = monotonic
        self._last: float | None = None

    def give(self, screen: Screen, command: Command, serials: Collection[str], items: Sequence[str] = ()) -> Answer:
        """To the devices that are selected. items: what is chosen in its window, by name, each a way to say it."""
        self._keep_pace()
        if not self._chosen(screen, command):
            return Answer(offered=False)
        with screen.window(command.key, *WINDOWS):
            return self._through(screen, command, serials, items)

    def _keep_pace(self) -> None:
        now = self._monotonic()
        if self._last is not None and now < self._last + self._pace:
            self._sleep(self._last + self._pace - now)
        self._last = self._monotonic()

    def _chosen(self, screen: Screen, command: Command) -> bool:
        """Whether the command was there to be chosen; its first window is open then."""
        menu = screen.first_of("command.list", "command.menu")
        with screen.inside(screen.region("command.section")):
            screen.press(menu)
        self._panel.rest()
        if not screen.offers(command.key):
            with screen.inside(screen.region("command.section")):
                screen.press(menu)
            return False
        screen.press_entry(command.key)
        with screen.inside(screen.region("command.section")):
            screen.press(command.go)
        self._panel.rest()
        return True

    def _through(self, screen: Screen, command: Command, serials: Collection[str], items: Sequence[str]) -> Answer:
        if refused := self._refusal(screen):
            return refused
        self._compare(screen, command, serials, first=True, boxes=False)
        if missing := self._choose(screen, command, items):
            self._leave(screen)
            return Answer(missing=missing)
        for key, wanted in command.ticks.items():
            screen.tick(key, wanted)
        for number, press in enumerate(command.presses):
            if press == "command.yes":
                self._compare(screen, command, serials)
                screen.fill(press, YES)
                continue
            self._compare(screen, command, serials, first=number == 0, items=items)
            screen.press(press)
            self._panel.rest()
            if refused := self._refusal(screen):
                return replace(refused, acted=number >= command.acts_at)
        self._panel.evidence(command.key.replace(".", "-").replace("_", "-"))
        return Answer()

    def _choose(self, screen: Screen, command: Command, items: Sequence[str]) -> list[str]:
        """Exactly these are ticked afterwards. Those that are not offered, before anything is ticked."""
        if not command.chooses:
            return []
        offered = [name for name, _ticked in choices_of(screen, command.key)]
        missing = [item for item in items if offered.count(item) != 1]
        if missing:
            return missing
        for name, ticked in choices_of(screen, command.key):
            if ticked != (name in items):
                choose(screen, command.key, name)
        return []

    def _compare(
        self,
        screen: Screen,
        command: Command,
        serials: Collection[str],
        *,
        first: bool = False,
        boxes: bool = True,
        items: Sequence[str] = (),
    ) -> None:
        """PanelError where the window is another one or for other devices than intended, or its boxes are not as they have to be.

        first: the window that has to name the devices; later ones may tell their number only."""
        text = screen.window_text()
        if not screen.says(command.key, text):
            raise screen.trouble(command.key, "another window is open")
        counts = counts_in([line for line in text.splitlines() if screen.says("command.count", line)])
        shown = items_of(screen, "command.targets")
        names = [row[0] for row in shown] if shown is not None else None
        if names is None and first:
            raise screen.trouble("command.targets", "the window does not name its devices")
        if wrong := difference(serials, list(serials) if names is None else names, counts):
            raise screen.trouble("command.targets", f"the window is for other devices than intended ({wrong})")
        if first and boxes:
            self._compare_boxes(screen, command, items)

    def _compare_boxes(self, screen: Screen, command: Command, items: Sequence[str]) -> None:
        for key, wanted in command.ticks.items():
            if screen.is_ticked(key) != wanted:
                raise screen.trouble(key, f"its box is {'not ' if wanted else ''}ticked")
        if command.chooses:
            ticked = [name for name, is_ticked in choices_of(screen, command.key) if is_ticked]
            if wrong := difference(items, ticked):
                raise screen.trouble(command.key, f"other entries are chosen than intended ({wrong})")

    def _refusal(self, screen: Screen) -> Answer | None:
        """What the panel says instead of going on; its window gets its OK. One that can be cancelled is a question."""
        said = [line for line in screen.window_text().splitlines() if screen.says("command.refused", line)]
        if not said or screen.shows("anywhere.cancel") or items_of(screen, "command.targets") is not None:
            return None
        if any(screen.says("command.trouble", line) for line in said):
            raise screen.trouble("command.trouble", "whether the panel took the command is not known")
        kinds = ("command.related", "command.work_smart", "command.refused")
        kind = next(key for key in kinds if any(screen.says(key, line) for line in said))
        self._panel.evidence("command-refused")
        screen.press("anywhere.ok")
        self._panel.rest()
        self._leave(screen)
        return Answer(refused=" ".join(said)[:200], kind=kind)

    def _leave(self, screen: Screen) -> None:
        """Windows that a refusal has left open are closed by their Cancel."""
        while screen.window_text():
            screen.press("anywhere.cancel")
            self._panel.rest()
