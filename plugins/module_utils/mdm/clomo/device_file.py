# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The CSV file of Devices, which tells of all devices at once what the pane of each does.

Which columns it has is not documented, so they are known by the words that the pane has for the same. A file that lacks one of
them, or a panel that offers it otherwise, is no use: then panes are opened."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Collection, Mapping

from ..._errors import PanelError
from ...web.screen import Screen, pattern
from .pane import CAPTIONS
from .panel import Panel
from .selection import owner_of

__all__ = ["DeviceFile"]

MANY = 8  # devices for which the file is quicker than their panes
COLUMNS = (*CAPTIONS, "device.ade", "devices.state")
WORDS = ("devices.export_kind", "devices.encoding", "devices.export_now")  # of its window
ENCODING = "UTF-8"


class DeviceFile:
    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self._is_of_use = True

    def rows(self, serials: Collection[str]) -> dict[str, Mapping[str, str]]:
        """By serial number, what the file says below each caption, in the shape of what a pane shows. Only of devices that are
        managed, stand there once and have an owner with a mail address or none. Panes tell the same, so nothing that goes wrong
        here stops a run."""
        if len(serials) < MANY or not self._is_of_use:
            return {}
        try:
            with self._panel.work() as screen:
                data = self._download(screen)
        except PanelError:
            data = None
        rows = self._read(data) if data is not None else None
        self._is_of_use = rows is not None
        return {row["device.serial"]: row for row in rows or () if row["device.serial"] in serials}

    def _download(self, screen: Screen) -> bytes | None:
        self._panel.open_devices(screen)
        if not screen.shows("devices.exchange"):
            return None
        screen.press("devices.exchange")
        self._panel.rest()
        if not screen.offers("devices.export"):
            screen.press("devices.exchange")
            return None
        screen.press_entry("devices.export")
        self._panel.rest()
        with screen.window("devices.export"):
            if not all(screen.shows(key) for key in WORDS):
                screen.press("anywhere.cancel")
                self._panel.rest()
                return None
            screen.press("devices.export_kind")
            screen.choose("devices.encoding", ENCODING)
            data = screen.download("devices.export_now")
        self._panel.rest()
        return data

    def _read(self, data: bytes) -> list[dict[str, str]] | None:
        lines = csv.reader(io.StringIO(data.decode("utf-8-sig", "replace")))
        places = self._places(next(lines, []))
        if places is None:
            return None
        width = max(places.values())
        rows = [{key: line[place].strip() for key, place in places.items()} for line in lines if len(line) > width]
        counted = Counter(row["device.serial"] for row in rows)
        return [_as_in_a_pane(row) for row in rows if counted[row["device.serial"]] == 1 and self._is_certain(row)]

    def _places(self, heads: list[str]) -> dict[str, int] | None:
        """Of the columns; None where one is missing or there twice."""
        found = {}
        for key in COLUMNS:
            wanted = pattern(self._panel.labels[key].texts)
            places = [place for place, head in enumerate(heads) if wanted.search(head)]
            if len(places) != 1:
                return None
            found[key] = places[0]
        return found

    def _is_certain(self, row: Mapping[str, str]) -> bool:
        name, mail = owner_of(row["device.owner"])
        struck = any(text in row["devices.state"] for text in self._panel.labels["devices.struck"].texts)
        return not struck and bool(mail or not name)


def _as_in_a_pane(row: dict[str, str]) -> dict[str, str]:
    """A pane does not have what is empty of ADE."""
    return {key: text for key, text in row.items() if key != "device.ade" or text}
