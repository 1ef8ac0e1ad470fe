# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A graduation on CLOMO PANEL that dies at any click that acts goes on at the next run.

One campaign of ten devices dies in each run at the next turn of a click that had none yet. So does one of fewer devices on a
panel that takes each command for one device only. In the end each device was erased or deleted once, nothing happened to any
other, and no user went before his device. Killed for real, browser and all, are the clicks that nobody can take back."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from ansible_collections.nendo.apple_mdm.plugins.module_utils.campaign.model import State
from ansible_collections.nendo.apple_mdm.plugins.module_utils.mdm.clomo.commands import Commands
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.screen import Screen
from ansible_collections.nendo.apple_mdm.plugins.modules import campaign_plan, campaign_run
from ansible_collections.nendo.apple_mdm.tests.integration.clomo_classes import Class_, class_of, quick
from ansible_collections.nendo.apple_mdm.tests.integration.dying import Call, Countdown, run_modules
from ansible_collections.nendo.apple_mdm.tests.integration.snapshots import Snapshots
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World
from ansible_collections.nendo.apple_mdm.tests.tiers import first_in_test
from ansible_collections.nendo.apple_mdm.tests.unit.modules.running import run_module

DEVICES = int(os.environ.get("CLOMO_KILL_DEVICES", "10"))
FEW = 3
OTHERS = 2
pytestmark = pytest.mark.usefixtures("chromium")
# These change something, or are the last ones before that
ACTS = (
    *("command.run", "command.yes", "command.delete_now", "command.erase_now", "anywhere.ok"),
    *("users.edit", "users.delete", "users.run", "organizations.edit", "organizations.delete"),
)
LEAST = {"donate": 13, "reassign": 6}  # clicks, where all go together
ALONE = {"donate": 6, "reassign": 4}  # a device, where they do not
MOST_RUNS = 300
TURNS = ["before", "on its way", "answered"]
LAST_ACTS = [("reassign", "command.erase_now"), ("donate", "command.delete_now")]


class Turns:
    """Every act has its turns: before it, while its request is on its way, and when the answer came and is not stored yet.

    In each run the next turn that nobody had comes; due() is told its name."""

    def __init__(self, due: Callable[[str], None]) -> None:
        self._due = due
        self._seen: list[str] = []
        self._about = "people"
        self._pressed = ""

    @contextmanager
    def watched(self) -> Iterator[None]:
        from sqlalchemy import Engine, event

        with (
            mock.patch.object(Commands, "give", self._given(Commands.give)),
            mock.patch.object(Screen, "_click", self._acting(Screen._click)),
            mock.patch.object(Screen, "fill", self._acting(Screen.fill)),
        ):
            event.listen(Engine, "commit", self._stored)
            yield
            event.remove(Engine, "commit", self._stored)

    def _given(self, give: Callable[..., Any]) -> Callable[..., Any]:
        def given(commands: Commands, screen: Screen, command: Any, serials: Any, *args: Any) -> Any:
            self._about, self._seen = f"{command.key} {' '.join(sorted(serials))}", []
            answer = give(commands, screen, command, serials, *args)
            self._about, self._seen = "people", []
            return answer

        return given

    def _acting(self, act: Callable[..., Any]) -> Callable[..., Any]:
        def acting(screen: Screen, key: str, *args: Any, **options: Any) -> Any:
            if key not in ACTS:
                return act(screen, key, *args, **options)
            self._seen.append(key)
            turn = f"{self._about}: {' '.join(self._seen)}"
            self._due(f"{turn}, before")
            told = act(screen, key, *args, **options)
            self._pressed = turn
            self._due(f"{turn}, on its way")
            return told

        return acting

    def _stored(self, _connection: Any) -> None:
        pressed, self._pressed = self._pressed, ""
        if pressed:
            self._due(f"{pressed}, answered")


class Dead(BaseException):
    """Stands for a kill: nothing that the dying run still does counts, since the copy of this moment is put back."""


class Deaths:
    """Death at each turn, in each run at the next one that had none yet."""

    def __init__(self, group: Class_) -> None:
        self.had: list[str] = []
        self.snapshots = Snapshots(group.tenant, group.folder)

    def run(self, calls: Sequence[Call]) -> None:
        with contextlib.suppress(Dead), Turns(self._due).watched():
            for module, options in calls:
                result = run_module(module, **options)
                assert not result.get("failed"), result["msg"]
            return
        self.snapshots.put_back(self.snapshots.different[-1])

    def _due(self, turn: str) -> None:
        if turn not in self.had:
            self.had.append(turn)
            if self.snapshots.take():
                raise Dead


@pytest.mark.sweep
@pytest.mark.parametrize("outcome", ["donate", "reassign"])
@pytest.mark.parametrize("together", [True, False], ids=["together", "one by one"])
def test_dead_at_every_click(world: World, tmp_path: Path, outcome: str, together: bool) -> None:
    """With a module a step, so that no run repeats what is through, and devices that were collected."""

    def calls(group: Class_) -> list[Call]:
        step = group.next_step
        return [group.call(step)] if step else []

    if together:
        dead_at_every_click(world, tmp_path, outcome, DEVICES, calls, LEAST[outcome], collected=True)
    else:
        switches = {"clomo_single_commands": ["remove_profile", "remove_app", "revoke_licence", "delete", "erase"]}
        least = FEW * ALONE[outcome]
        dead_at_every_click(world, tmp_path, outcome, FEW, calls, least, collected=True, switches=switches)


@pytest.mark.sweep
@pytest.mark.parametrize("outcome", ["donate", "reassign"])
def test_dead_at_every_click_of_all_steps_in_one(world: World, tmp_path: Path, outcome: str) -> None:
    dead_at_every_click(world, tmp_path, outcome, 1, whole, ALONE[outcome])


def whole(group: Class_) -> list[Call]:
    options = group.course()
    every = [(campaign_plan, options), (campaign_run, {**options, "wait_timeout": group.wait_timeout})]
    return every if group.left else []


def dead_at_every_click(
    world: World,
    folder: Path,
    outcome: str,
    devices: int,
    calls: Callable[[Class_], list[Call]],
    least: int,
    *,
    collected: bool = False,
    switches: Mapping[str, Any] | None = None,
) -> None:
    with class_of(world, folder, outcome, devices, others=OTHERS, switches=switches) as group, quick():
        bystanders = group.tenant.serials[devices:]
        group.plan()
        if collected:
            group.collected()
            group.settle("collect")
        before = group.tenant.panel_devices(bystanders)
        deaths = Deaths(group)
        for _run in range(MOST_RUNS):
            due = calls(group)
            if not due:
                break
            deaths.run(due)
            agrees(group)
        assert not group.left, group.reasons()
        assert sum(turn.endswith("before") for turn in deaths.had) >= least
        judge(group)
        assert group.tenant.panel_devices(bystanders) == before


class Kills(Countdown):
    """A real kill, browser and all, at each turn of the last act, as test_dead_at_every_click has them; they stand in a file."""

    def __init__(self, path: Path, act: str) -> None:
        super().__init__(0)
        self._path = path
        self._act = act
        path.touch()

    @property
    def had(self) -> list[str]:
        return self._path.read_text().splitlines()

    def arm(self) -> None:
        os.setpgid(0, 0)
        self._watching = Turns(self._due).watched()
        self._watching.__enter__()

    def _due(self, turn: str) -> None:
        if turn.partition(",")[0].endswith(self._act) and turn not in self.had:
            with open(self._path, "a") as file:
                file.write(f"{turn}\n")
            os.killpg(0, signal.SIGKILL)


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize(("outcome", "act"), first_in_test(LAST_ACTS))
def test_killed_at_the_last_click(world: World, tmp_path: Path, outcome: str, act: str) -> None:
    with class_of(world, tmp_path, outcome, 1, others=OTHERS) as group, quick():
        kills = Kills(tmp_path / "turns.txt", act)
        while due := whole(group):
            ended = run_modules(due, kills)
            assert not [result["msg"] for result in ended.results if result.get("failed")]
            agrees(group)
            assert len(kills.had) <= len(TURNS)
        judge(group)
        assert [turn.rpartition(", ")[2] for turn in kills.had[:2]] == TURNS[:2]


def agrees(group: Class_) -> None:
    """What the ledger says is done, the panel and the devices show; and no user is gone before that."""
    devices = {told["serial"]: told for told in group.tenant.panel_devices(group.devices)}
    done = {(record.device, record.step) for record in group.records if record.state is State.DONE}
    users = {
        f"s{number + 1:05}@{group.tenant.clomo_domain}.example": device for number, device in enumerate(group.devices)
    }
    for device, told in devices.items():
        shown = {
            "profiles": len(told["removed_profiles"]) == 2,
            "apps": len(told["removed_apps"]) == 1,
            "licences": not told["licences"],
            "delete": not told["records"],
            "wipe": told["erased"] == 1 and told["enrolments"] == 2,
        }
        assert all(shows for step, shows in shown.items() if (device, step) in done), device
        assert told["erased"] <= 1 and told["deleted"] <= 1
    gone = [device for mail, device in users.items() if mail not in group.mails()]
    last = "wipe" if group.outcome == "reassign" else "unassign"
    assert all((device, last) in done for device in gone), "no user too early"


def judge(group: Class_) -> None:
    for told in group.tenant.panel_devices(group.devices):
        if group.outcome == "donate":
            assert (told["deleted"], told["erased"], told["records"], told["licences"]) == (1, 0, [], [])
            assert len(told["removed_profiles"]) == 2 and len(told["removed_apps"]) == 1
        else:
            assert (told["deleted"], told["erased"], told["enrolments"]) == (0, 1, 2)
            assert [record["owner"] for record in told["records"]] == [""]
    kind = "delete" if group.outcome == "donate" else "erase"
    assert group.counted(kind) == dict.fromkeys(group.devices, 1)
    assert not any(mail.startswith("s0") and int(mail[1:6]) <= len(group.devices) for mail in group.mails())
