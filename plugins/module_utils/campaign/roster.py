# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A school's list of devices and pupils, and the devices that it does not agree with.

A CSV with a head, as a spreadsheet saves it: UTF-8, or Shift-JIS as Excel does in Japan.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .._errors import ConfigurationError

__all__ = ["Entry", "disagreements", "read_roster"]

HEADS = {
    "serial": ("serial", "serial number", "serial_number", "シリアル番号", "シリアルナンバー", "シリアル"),
    "student": ("student", "name", "owner", "氏名", "名前", "生徒", "児童", "所有者"),
    "class": ("class", "クラス", "組", "学級"),
}
Reason = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """group: the class."""

    student: str
    group: str


def read_roster(data: bytes, path: str) -> dict[str, list[Entry]]:
    """By serial number in upper case; one that stands there twice has two entries."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("cp932", "replace")
    rows = csv.reader(io.StringIO(text))
    head = [cell.strip().lower() for cell in next(rows, [])]
    columns = {name: _column(head, known) for name, known in HEADS.items()}
    if columns["serial"] is None:
        raise ConfigurationError(
            f"The roster {path} has no column with serial numbers: its first line has to name the columns serial, student and"
            f" class (or シリアル番号, 氏名, 組). Nothing was sent. It begins with: {', '.join(head)[:100] or 'nothing'}."
        )
    found: dict[str, list[Entry]] = {}
    for row in rows:
        if serial := _cell(row, columns["serial"]).upper():
            found.setdefault(serial, []).append(Entry(_cell(row, columns["student"]), _cell(row, columns["class"])))
    return found


def disagreements(
    devices: Sequence[str], roster: Mapping[str, Sequence[Entry]], *, group: str | None, owners: Mapping[str, str]
) -> dict[str, Reason]:
    """By device, why it is left out. group: the class that all of them belong to, if one is given. owners: by device, as
    the MDM server has them."""
    told = {device: _disagreement(roster.get(device, ()), group, owners.get(device)) for device in devices}
    return {device: reason for device, reason in told.items() if reason}


def _disagreement(entries: Sequence[Entry], group: str | None, owner: str | None) -> Reason | None:
    if not entries:
        return {"en": "The roster does not have it.", "ja": "名簿にありません。"}
    if len(entries) > 1:
        return {"en": f"The roster has it {len(entries)} times.", "ja": f"名簿に {len(entries)} 回出てきます。"}
    (entry,) = entries
    if group and entry.group != group:
        return {
            "en": f"The roster has it in class {entry.group or '(none)'}, not in {group}.",
            "ja": f"名簿では {entry.group or '(なし)'} となっており、{group} ではありません。",
        }
    if owner and entry.student and entry.student != owner:
        return {
            "en": "The roster names another pupil than the MDM server does.",
            "ja": "名簿と MDM サーバで所有者が異なります。",
        }
    return None


def _column(head: Sequence[str], known: Sequence[str]) -> int | None:
    return next((head.index(name) for name in known if name in head), None)


def _cell(row: Sequence[str], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""
