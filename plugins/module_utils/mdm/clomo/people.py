# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The screen Users/Org: people by their mail address, what they own, and organisations by their name."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ...web.grid import Grid, Row, branches_of, items_of, press_branch
from ...web.screen import Screen
from .panel import Panel
from .selection import counts_in, difference

__all__ = ["People", "Person"]

COLUMNS = ("users.mail", "users.name", "users.role", "users.owned")
FEW = 8  # people who are searched for one by one
TRIES = 3
REFUSALS = ("notice.failed", "command.refused")


@dataclass(frozen=True)
class Person:
    """role: of an administrator, else empty. owned: how many devices."""

    mail: str
    name: str
    role: str
    owned: int


class People:
    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    def find(self, screen: Screen, mails: Collection[str]) -> dict[str, Person]:
        """Those that there are. Of many by the whole list, in which one may be missed: those that are missing are looked for again.
        PanelError where an address stands there twice."""
        found: dict[str, Person] = {}
        for _look in range(2):
            missing = sorted(set(mails) - set(found))
            if len(missing) <= FEW:
                for mail in missing:
                    found |= self._listed(screen, mail, [mail])
                break
            found |= self._listed(screen, "", missing)
        return found

    def _listed(self, screen: Screen, text: str, mails: Collection[str]) -> dict[str, Person]:
        self._search(screen, text)
        found = [_person(row) for row in self._grid(screen).rows()]
        mine = {person.mail: person for person in found if person.mail in mails}
        if len(mine) != sum(person.mail in mails for person in found):
            raise screen.trouble("users.mail", "a mail address stands there twice")
        return mine

    def devices_of(self, screen: Screen, person: Person) -> list[str]:
        """Their serial numbers. The form and commands are this person's afterwards."""
        self._open(screen, person)
        shown = items_of(screen, "users.devices")
        if shown is None:
            raise screen.trouble("users.devices", "the list is not there")
        return [row[0] for row in shown]

    def delete(self, screen: Screen, people: Sequence[Person]) -> dict[str, str | None]:
        """By mail address, the panel's words where it said no. Many at once by their boxes; each by its form where exactly these
        boxes could not be ticked."""
        if len(people) > 1 and self._tick(screen, [person.mail for person in people]):
            said = self._delete_ticked(screen, [person.mail for person in people])
            return {person.mail: said for person in people}
        return {person.mail: self._delete_one(screen, person) for person in people}

    def _delete_one(self, screen: Screen, person: Person) -> str | None:
        self._open(screen, person)
        screen.press("users.edit")
        with screen.window("users.form", "users.confirm"):
            screen.press("users.delete")
            self._panel.rest()
            if person.mail not in screen.window_text():
                raise screen.trouble("users.confirm", "the window is for another user than intended")
            return self._last_press(screen, "users.deleted")

    def _tick(self, screen: Screen, mails: Sequence[str]) -> bool:
        """Whether exactly these are ticked, as read over the whole list."""
        self._panel.open_users(screen, anew=True)
        self._search(screen, "")
        self._grid(screen).tick(lambda row: row.cells["users.mail"] in mails, len(mails), ["users.mail"])
        self._panel.rest()
        rows = self._grid(screen).rows_if_still() or []
        ticked = [row.cells["users.mail"] for row in rows if row.ticked]
        if not difference(mails, ticked, counts_in(screen.lines("users.ticked"))):
            return True
        self._panel.open_users(screen, anew=True)
        return False

    def _delete_ticked(self, screen: Screen, mails: Sequence[str]) -> str | None:
        with screen.inside(screen.region("users.section")):
            screen.press("users.operations")
        self._panel.rest()
        screen.press_entry("users.delete_many")
        with screen.inside(screen.region("users.section")):
            screen.press("users.run")
        self._panel.rest()
        with screen.window("users.confirm"):
            shown = items_of(screen, "users.targets")
            lines = [line for line in screen.window_text().splitlines() if screen.says("command.count", line)]
            named = mails if shown is None else [row[0] for row in shown]
            if wrong := difference(mails, named, counts_in(lines)):
                raise screen.trouble("users.targets", f"the window is for other users than intended ({wrong})")
            return self._last_press(screen, "users.deleted")

    def _last_press(self, screen: Screen, success: str) -> str | None:
        """The last OK, and the panel's end message; its words where it said no. An earlier one would be taken for it."""
        screen.until(success, lambda: not screen.lines(success), expected=("users.confirm",))
        told, line = screen.after(
            lambda: screen.press("anywhere.ok"),
            *REFUSALS,
            success,
            unlike=("users.started",),
            timeout=self._panel.notice_seconds,
            confirm=True,
        )
        self._panel.evidence("people-deleted")
        self._panel.rest()
        return None if told == success else line

    def _open(self, screen: Screen, person: Person) -> None:
        self._search(screen, person.mail)
        for _try in range(TRIES):
            self._grid(screen).press_row({"users.mail": person.mail})
            self._panel.rest()
            with screen.inside(screen.region("users.edit")):
                if screen.value("users.shown_mail") == person.mail:
                    return
        raise screen.trouble("users.shown_mail", "another user is shown than the one that was pressed")

    # Organisations

    def organizations(self, screen: Screen) -> list[list[str]]:
        """Their paths, as the tree shows them, the top left out."""
        self._panel.open_users(screen, anew=True)
        screen.see("users.search_now")
        return branches_of(screen, "organizations.tree")

    def members(self, screen: Screen, path: Sequence[str]) -> int:
        """How many people are in it. It is selected afterwards."""
        press_branch(screen, "organizations.tree", path)
        self._panel.rest()
        self._search(screen, "")
        return self._grid(screen).count()

    def delete_organization(self, screen: Screen, path: Sequence[str]) -> str | None:
        """The one that is selected. The panel's words where it said no."""
        screen.press("organizations.edit")
        with screen.window("organizations.form", "users.confirm"):
            if screen.filled("organizations.name") != path[-1]:
                raise screen.trouble("organizations.name", "the form is that of another organisation")
            screen.press("organizations.delete")
            self._panel.rest()
            if path[-1] not in screen.window_text():
                raise screen.trouble("users.confirm", "the window is for another organisation than intended")
            return self._last_press(screen, "organizations.deleted")

    def _search(self, screen: Screen, text: str) -> None:
        self._panel.open_users(screen)
        screen.see("users.search_now")
        screen.fill("users.search", text)
        screen.press("users.search_now")
        self._panel.rest()

    def _grid(self, screen: Screen) -> Grid:
        return Grid(screen, "users.list", COLUMNS, "users.mail")


def _person(row: Row) -> Person:
    owned = counts_in([row.cells["users.owned"]])
    return Person(row.cells["users.mail"], row.cells["users.name"], row.cells["users.role"], sum(owned))
