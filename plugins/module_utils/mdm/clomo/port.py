# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the three ports of the panel have in common: the record of evidence, and what no port does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from ..._errors import FileRefused, PanelError, ServiceError
from ...web.screen import Screen
from ..protocol import InUse
from .evidence import Record
from .panel import Panel
from .readings import DATE, Moment, read_moment

__all__ = ["PanelPort", "answered", "in_use", "is_shown", "moment_of", "saved"]


class PanelPort:
    """record: takes the evidence of what the port does for an order; set from outside."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel

    @property
    def record(self) -> Record | None:
        return self._panel.record

    @record.setter
    def record(self, record: Record | None) -> None:
        self._panel.record = record

    def assumed(self) -> InUse | None:
        return None

    def request(self) -> bytes:
        raise ServiceError("CLOMO PANEL makes no request for this credential; a person downloads its file at Apple.")

    def examine(self, received: bytes, private_key: bytes | None, known: InUse | None) -> Mapping[str, Any]:
        raise ServiceError("CLOMO PANEL does not ask Apple about a file before it is uploaded.")

    def check(self) -> Mapping[str, Any]:
        raise ServiceError("CLOMO PANEL has no check of this credential.")

    def _moment(self, screen: Screen, key: str, *, within: str | None = None) -> Moment | None:
        """The date beside a caption."""
        shown = screen.beside(key, DATE, within=within)
        if shown is None:
            return None
        moment = read_moment(shown, self._panel.zone)
        if moment is None:
            raise PanelError(f"CLOMO PANEL shows a date that is none: {shown}.", label=key, seen=shown, reason="label")
        return moment


def in_use(identity: str, moment: Moment, **facts: Any) -> InUse:
    return InUse(identity, moment.at, facts={"not_after_within": moment.within, **facts})


def moment_of(in_use: InUse) -> Moment:
    return Moment(in_use.not_after, in_use.facts["not_after_within"])


def is_shown(moment: Moment | None, not_after: datetime) -> bool:
    return moment is not None and moment.is_of(not_after)


def answered(screen: Screen, act: Callable[[], None], seconds: float) -> tuple[bool, str]:
    """Acts, and waits for the panel's notice: whether it tells a success, and its words."""
    told, line = screen.after(
        act, "notice.failed", "notice.saved", unlike=("notice.started",), timeout=seconds, confirm=True
    )
    return told == "notice.saved", line


def saved(screen: Screen, key: str, seconds: float, what: str) -> None:
    """Presses a button that saves; FileRefused with the panel's words where it says no."""
    taken, line = answered(screen, lambda: screen.press(key), seconds)
    if not taken:
        raise FileRefused(f"CLOMO PANEL did not take {what}: {line}. What was in use stays. Download the file anew.")
