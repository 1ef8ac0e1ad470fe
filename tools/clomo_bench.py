# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a graduation on CLOMO PANEL costs, beside a person who does what the manual says, and what the browser needs for many.

The simulated panel takes 0.3 seconds for whatever it is asked and 1.5 for what it does in the background. These and a person's
pace are assumptions; the clicks are those of the manual, part 4. A text that is typed counts as one click.
"""

from __future__ import annotations

import json
import os
import statistics
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ansible_collections.nendo.apple_mdm.tests.integration.clomo_classes import QUICK
from ansible_collections.nendo.apple_mdm.tests.integration.graduations import CAMPAIGN, PLAY, Graduation, settings
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World, start
from bench_table import Cost, Row, cost

__all__ = ["rows"]

CLASS, SCHOOL = 100, 1000
SECONDS_A_CLICK = 1.5
TIMES = 20
REALISTIC = {"clomo_delay_ms": 300, "clomo_grid_delay_ms": 300, "clomo_job_ms": 1500}
LIMITS = {"graduation_max_devices": 10_000, "graduation_wait_timeout": 600, "graduation_serial": ["100%"]}
OPTIONS = ("-e", json.dumps(LIMITS), "-e", f"graduation_confirm={CAMPAIGN}")
FOUND, COMMAND, CONFIRMED = 3, 2, 2  # its search and its row; the menu and its entry; 実行 and OK
YES = 3  # the word, the button, the last OK
CLICKS: Mapping[str, Mapping[str, int]] = {
    "donate": {
        "collect": FOUND + 2 * (COMMAND + 1) + 2,
        "profiles": FOUND + COMMAND + 2 + CONFIRMED,
        "apps": FOUND + COMMAND + 1 + CONFIRMED,
        "licences": FOUND + COMMAND + 2 + CONFIRMED + 1,
        "delete": FOUND + COMMAND + CONFIRMED + YES,
        "unassign": FOUND + 6,
        "users": FOUND + 3,
    },
    "reassign": {
        "collect": FOUND + COMMAND + 1,
        "wipe": FOUND + COMMAND + 1 + 2 + YES,
        "return": FOUND,
        "users": FOUND + 3,
    },
}


def graduation_of(
    world: World, folder: Path, outcome: str, number: int, delays: Mapping[str, int]
) -> tuple[Tenant, Graduation]:
    tenant = world.tenant(
        f"{outcome}{number}",
        mdm="clomo",
        devices=number,
        licences=2,
        clomo_classes=["3年生/3年1組"],
        clomo_administrators=2,
    )
    tenant.switch(**{**QUICK, **delays})
    own = folder / tenant.name
    own.mkdir(parents=True)
    groups = {"grade9": (tenant.serials, {"graduation_outcome": outcome})}
    return tenant, Graduation(own, settings(tenant, own, str(own / "ledger.db")), groups)


def play(graduation: Graduation) -> Cost:
    command = ["ansible-playbook", "--inventory", str(graduation.inventory()), str(PLAY), *OPTIONS]
    return cost(command, graduation.folder / "play.log")


def all_are_through(tenant: Tenant, outcome: str) -> None:
    """Each device had its one destructive command, and only administrators are left."""
    kind = {"donate": "delete", "reassign": "erase"}[outcome]
    acts = [act for act in tenant.panel_acts if act["kind"] == kind and "refused" not in act]
    counted = Counter(serial for act in acts for serial in act["serials"])
    if counted != Counter(tenant.serials) or not all(user["role"] for user in tenant.panel_users):
        raise SystemExit(f"Not all devices were graduated once: {counted.most_common(3)}")


def beside_a_person(world: World, folder: Path, outcome: str) -> Row:
    tenant, graduation = graduation_of(world, folder, outcome, CLASS, REALISTIC)
    took = play(graduation).seconds
    all_are_through(tenant, outcome)
    clicks = sum(CLICKS[outcome].values())
    person = clicks * SECONDS_A_CLICK * CLASS
    told = f"{CLASS / took * 3600:.0f} / {CLASS / person * 3600:.0f} devices an hour = {person / took:.1f}"
    print(
        f"  {outcome} {CLASS} on CLOMO PANEL: {took:.0f} s, a person {person:.0f} s ({clicks} clicks a device)",
        flush=True,
    )
    return Row(f"CLOMO PANEL, {outcome} / a person", told, f"{TIMES} times at least", person / took >= TIMES)


# The browser


def is_below(process: str, above: int) -> bool:
    """Whether it was started by that process, or by one that it started."""
    while process not in ("0", str(above)):
        process = Path("/proc", process, "stat").read_text().rpartition(")")[2].split()[1]
    return process != "0"


def browser_mebibytes() -> float:
    """Of all processes of our browser, what each shares with others divided among them."""
    total = 0
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and "chrom" in os.readlink(folder / "exe") and is_below(folder.name, os.getpid()):
                lines = (folder / "smaps_rollup").read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
        except OSError:
            continue
    return total / 1024


@contextmanager
def watched() -> Iterator[list[float]]:
    """Its memory, every few seconds while it runs."""
    seen: list[float] = []
    over = threading.Event()

    def watch() -> None:
        while not over.wait(3):
            if now := browser_mebibytes():
                seen.append(now)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        over.set()
        watcher.join()


def a_whole_school(world: World, folder: Path) -> Row:
    """In one run, without anything done by hand in between. It answers at once: here not the time is measured."""
    tenant, graduation = graduation_of(world, folder, "donate", SCHOOL, {})
    with watched() as seen:
        took = play(graduation).seconds
    all_are_through(tenant, "donate")
    part = len(seen) // 4
    early, late = statistics.median(seen[part : 2 * part]), statistics.median(seen[-part:])
    print(f"  donate {SCHOOL} on CLOMO PANEL: {took:.0f} s, browser {early:.0f}, then {late:.0f} MiB", flush=True)
    told = f"{late:.0f} / {early:.0f} MiB = {late / early:.2f}"
    work = f"CLOMO PANEL, donate {SCHOOL:,} in one run: browser's memory, last / second quarter"
    return Row(work, told, "1.2 at most", late / early <= 1.2)


def rows(folder: Path) -> list[Row]:
    folder.mkdir(parents=True)
    with start(folder / "world") as world:
        found = [beside_a_person(world, folder, outcome) for outcome in CLICKS]
        return [*found, a_whole_school(world, folder)]
