# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the steps on devices have in common: the screens that they share, and the life of a
command: seven days, which Reports does not tell."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ..._errors import ConfigurationError
from ..._time import from_iso, now_utc
from ..protocol import Evidence, Found, Item
from .commands import Commands
from .device_file import DeviceFile
from .devices import Devices
from .pane import Pane
from .panel import Panel
from .readings import DATE, read_moment
from .reasons import is_gone
from .report_lines import Line, mark_for
from .reports import Reports

if TYPE_CHECKING:
    from ...campaign.notebook import Notebook

__all__ = ["LAG", "OWNER", "PanelStep", "Screens"]

LAG = timedelta(minutes=5)  # so long a press may take to show
HELD = timedelta(days=7)  # CLOMO holds a command for a device
GIVEN_UP = timedelta(days=8)  # and has certainly given it up by then
MARK_SECONDS = 30.0  # so old a mark may be
OWNER = ("owner", "owner_mail")


class Screens:
    """Of one panel, for all steps of a run."""

    def __init__(self, panel: Panel, clock: Callable[[], datetime] = now_utc) -> None:
        self.panel = panel
        self.clock = clock
        self.reports = Reports(panel)
        self.devices = Devices(panel)
        self.file = DeviceFile(panel)
        self.pane = Pane(panel)
        self.commands = Commands(panel)
        self._newest: list[Line] = []
        self._newest_at: datetime | None = None
        self._pushes_work = False

    def marks(self, serials: Collection[str]) -> dict[str, dict[str, Any]]:
        """Not after the moment in which they are asked for. They come before commands, so pushes have to work."""
        now = self.clock()
        self._check_pushes(now)
        if self._newest_at is None or not timedelta(0) <= now - self._newest_at < timedelta(seconds=MARK_SECONDS):
            self._newest, self._newest_at = self.reports.newest(), now
        return {serial: mark_for(serial, self._newest) for serial in serials}

    def _check_pushes(self, now: datetime) -> None:
        """Once a run: with an expired push certificate commands are registered, and no device ever hears of them."""
        if self._pushes_work:
            return
        with self.panel.work() as screen:
            self.panel.home(screen)
            shown = screen.beside("home.push_certificate", DATE)
            end = read_moment(shown, self.panel.zone) if shown else None
        if end is None or end.at + timedelta(seconds=end.within) <= now:
            raise ConfigurationError(
                f"CLOMO PANEL's MDM push certificate {f'expired on {shown}' if end else 'shows no date of expiry'}, and without it no device"
                " hears of a command. Nothing was sent. Renew it first (playbook annual_renewal), then run again."
            )
        self._pushes_work = True

    def label(self, key: str) -> str:
        return self.panel.labels[key].texts[0]


class PanelStep(ABC):
    name = ""
    limit = 100
    preflight_limit = 1000
    looks_free = False
    lasting = True
    needs_facts = True
    poll = 2.0
    patience = 1  # times LAG, after which what does not show has not arrived

    def __init__(self, screens: Screens, notebook: Notebook) -> None:
        self._screens = screens
        self._panel = screens.panel
        self._notebook = notebook

    @abstractmethod
    def baselines(self, items: Sequence[Item]) -> Mapping[str, Mapping[str, Any]]:
        """As DeviceStep's."""

    @abstractmethod
    def send(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """As DeviceStep's."""

    @abstractmethod
    def evidence(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        """As DeviceStep's."""

    @abstractmethod
    def clicks(self, facts: Mapping[str, Any]) -> list[str]:
        """What would be pressed, chosen and ticked for a device, by the words on the screen."""

    def hindrance(self, facts: Mapping[str, Any]) -> Evidence | None:
        """Why nothing is sent to the device, by what was collected."""
        return None

    def preflight(self, items: Sequence[Item]) -> Mapping[str, Evidence]:
        told = {item.device: self.hindrance(item.facts) for item in items}
        return {device: hindrance for device, hindrance in told.items() if hindrance}

    # The life of a command

    def by_its_absence(self, item: Item, is_there: bool, still: Evidence) -> Evidence:
        """Of what was to be deleted. still: what is told as long as it may yet go."""
        if not is_there:
            return is_gone()
        return Evidence(Found.NOT_ARRIVED) if self.is_late(item) or not item.evidence.get("accepted") else still

    def age(self, item: Item) -> timedelta:
        return self._screens.clock() - from_iso(item.intended_at) if item.intended_at else timedelta.max

    def is_late(self, item: Item) -> bool:
        """Whether a press would have shown by now."""
        return self.age(item) >= LAG * self.patience

    def is_dead(self, item: Item) -> bool:
        return self.age(item) >= GIVEN_UP

    def dies_on(self, item: Item, first_at: str | None) -> str:
        """The day, as the panel's time zone has it. first_at: of the first line of the command."""
        registered = datetime.fromisoformat(first_at) if first_at else from_iso(item.intended_at or "")
        return f"{(registered + HELD).astimezone(self._panel.zone):%Y-%m-%d}"
