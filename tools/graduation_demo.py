# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The graduation part of the demo: sixty simulated iPads, some of which do not do as they should, and two on CLOMO PANEL."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ansible_collections.nendo.apple_mdm.tests.integration.graduations import (
    CAMPAIGN,
    Graduation,
    events_to,
    settings,
)
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World

__all__ = ["graduate"]

DEVICES, ON_THE_PANEL = 60, 2


def graduate(
    world: World, folder: Path, say: Callable[[str], None], play: Callable[..., int], *, with_panel: bool
) -> None:
    """play: runs a playbook with an inventory and options, and returns its exit code. with_panel: there is a browser."""
    folder.mkdir()
    school = world.tenant("niji_school", devices=DEVICES, managed=True, assets=3, licences=2)
    half = DEVICES // 2
    off, locked, stuck = school.serials[3], school.serials[half], school.serials[half + 1]
    school.device_set([off], off=True)
    school.device_set([locked], find_my=True)
    school.device_set([stuck], returns=False)
    ledger = str(folder / "ledger.db")
    members: dict[str, tuple[Sequence[str], dict[str, Any]]] = {
        "grade6": (school.serials[:half], {"graduation_outcome": "donate"}),
        "grade5": (school.serials[half:], {"graduation_outcome": "reassign"}),
    }
    panel = world.tenant("sora_school", mdm="clomo", devices=ON_THE_PANEL, licences=1) if with_panel else None
    if panel:
        of_its_own = {"graduation_outcome": "donate", "graduation_wait_timeout": 60}
        members["grade9"] = (panel.serials, {**settings(panel, folder, ledger), **of_its_own})
    common = {**settings(school, folder, ledger), "graduation_wait_timeout": 5, "graduation_max_fail_percentage": 50}
    groups = Graduation(folder, common, members)
    confirmed = ("-e", f"graduation_confirm={CAMPAIGN}")
    at_once = ("-e", '{"graduation_serial": ["100%"]}')
    inventory = groups.inventory()
    with events_to(ledger, folder, school):
        more = f", {ON_THE_PANEL} of a school on CLOMO PANEL are given away" if panel else ""
        say(f"Graduation: {half} iPads are given away, {half} are handed on{more}. A dry run")
        world.forget_requests()
        play(inventory, "graduation.yml", "--check")
        if [write for write in world.writes(school.name) if "/oauth2/" not in write["path"]] or (
            panel and panel.panel_acts
        ):
            raise SystemExit(f"The dry run wrote: {world.writes(school.name)}")
        say(
            f"For real. {off} is switched off, {locked} has the Activation Lock on, {stuck} will not come back by itself"
        )
        play(inventory, "graduation.yml", *confirmed, "-e", '{"graduation_serial": [1, "100%"]}')
        say("The three are seen to by a person, and the same command goes on where it was")
        school.device_set([off], off=False)
        school.device_set([locked], find_my=False)
        school.device_set([stuck], returns=True)
        school.device_enrols(stuck)
        if play(inventory, "graduation.yml", *confirmed, *at_once):
            raise SystemExit("The second run did not end well.")
    if panel and any(device["records"] or device["deleted"] != 1 for device in panel.panel_devices(panel.serials)):
        raise SystemExit("The devices on CLOMO PANEL were not deleted once.")
    devices = school.managed()
    done = sum(device["unenrolled"] + device["erased"] for device in devices)
    print(f"\nAt the far side: {done} of {DEVICES} devices were deleted or erased, each once.")
