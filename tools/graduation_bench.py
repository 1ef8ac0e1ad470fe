# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a graduation costs, beside a perfect client and the usual way.

The simulator's services take the time that real ones take. A device answers at once. An event of Apps and Books takes thirty
seconds, since Apple asks not to look for it sooner; an activity of Apple School Manager was seen to take twelve.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from ansible_collections.nendo.apple_mdm.tests.integration.graduations import (
    CAMPAIGN,
    PLAY,
    Graduation,
    events_to,
    settings,
)
from ansible_collections.nendo.apple_mdm.tests.postgres import missing, postgres_server
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World, start
from bench_table import Cost, Row, cost
from perfect_client import Perfect

__all__ = ["DONATED", "rows"]

ROUNDS = 3
DONATED, USUAL, PLANNED = 10_000, 100, 100_000
EVENT_SECONDS, ACTIVITY_SECONDS = 30, 12
REALISTIC = {"answer_ms": 50, "vpp_event_seconds": EVENT_SECONDS, "school_activity_seconds": ACTIVITY_SECONDS}
PAGE = {"vpp_page_size": 500}
CONFIRMED = ("-e", f"graduation_confirm={CAMPAIGN}")
LIMITS = {"graduation_max_devices": 1_000_000, "graduation_wait_timeout": 3000, "graduation_serial": ["100%"]}
BULK = ("-e", json.dumps(LIMITS))


def donation(world: World, folder: Path, name: str, number: int, ledger: str) -> tuple[Tenant, Graduation]:
    tenant = world.tenant(name, devices=number, managed=True, assets=1, licences=1)
    tenant.switch(**REALISTIC, **PAGE)
    own = folder / name
    own.mkdir(parents=True)
    groups = {"grade6": (tenant.serials, {"graduation_outcome": "donate"})}
    return tenant, Graduation(own, settings(tenant, own, ledger or str(own / "ledger.db")), groups)


def play(graduation: Graduation, *options: str) -> Cost:
    command = ["ansible-playbook", "--inventory", str(graduation.inventory()), str(PLAY), *BULK, *options]
    return cost(command, graduation.folder / "play.log")


def all_donated(tenant: Tenant) -> None:
    told = Counter(device["unenrolled"] for device in tenant.managed())
    if told != Counter({1: len(tenant.serials)}) or tenant.licences or any(tenant.assigned.values()):
        raise SystemExit(f"Not all devices were donated: {told}")


def our_calls(world: World, tenant: Tenant) -> int:
    return len([each for each in world.requests(tenant.name) if "_control" not in each["path"]])


def donate(world: World, folder: Path, number: int) -> list[Row]:
    """Ours and the perfect client's, in turn."""
    ours, best, calls, least = [], [], [], []
    for round_ in range(ROUNDS):
        tenant, graduation = donation(world, folder, f"ours{round_}", number, "")
        with events_to(str(graduation.folder / "ledger.db"), graduation.folder, tenant):
            world.forget_requests()
            ours.append(play(graduation, *CONFIRMED).seconds)
        calls.append(our_calls(world, tenant))
        all_donated(tenant)
        tenant, _unused = donation(world, folder, f"perfect{round_}", number, "")
        devices = {device["serial"]: device["udid"] for device in tenant.managed()}
        assets = [{"adamId": tenant.licences[0][0], "pricingParam": tenant.licences[0][1]}]
        perfect = Perfect(tenant, devices, assets, EVENT_SECONDS, ACTIVITY_SECONDS)
        best.append(perfect.run())
        least.append(perfect.calls)
        all_donated(tenant)
        print(
            f"  donate {number}: {ours[-1]:.0f} s, perfect {best[-1]:.0f} s, calls {calls[-1]}/{least[-1]}", flush=True
        )
    ratio = statistics.median(mine / perfects for mine, perfects in zip(ours, best, strict=True))
    more = statistics.median(calls) / statistics.median(least)
    told = f"{statistics.median(ours):.0f} s / {statistics.median(best):.0f} s = {ratio:.2f}"
    usual = usual_way(world, folder, statistics.median(ours) / number)
    return [
        Row(f"donate {number:,} devices / a perfect client", told, "1.5 at most", ratio <= 1.5),
        Row("calls / its calls", f"{statistics.median(calls)} / {least[0]} = {more:.3f}", "1.05 at most", more <= 1.05),
        usual,
    ]


def usual_way(world: World, folder: Path, ours_a_device: float) -> Row:
    """One uri task a device and call, of which each device takes eleven; it waits for nothing and proves nothing."""
    tenant, graduation = donation(world, folder, "usual", USUAL, "")
    body = (
        "<plist><dict><key>CommandUUID</key><string>{{ 99999999 | random | to_uuid }}{{ inventory_hostname }}</string>"
    )
    body += "<key>Command</key><dict><key>RequestType</key><string>ProfileList</string></dict></dict></plist>"
    about = {device["serial"]: device["udid"] for device in tenant.managed()}
    tasks = []
    for number in range(9):
        tasks.append(
            {
                "name": f"Command {number}",
                "ansible.builtin.uri": {
                    "url": f"{tenant.url}/v1/enqueue/{{{{ udid }}}}",
                    "method": "PUT",
                    "body": body,
                    "url_username": "nanomdm",
                    "url_password": tenant.api_key,
                    "force_basic_auth": True,
                    "status_code": [200, 500],
                },
            }
        )
    headers = {"Authorization": f"Bearer {tenant.content_token}"}
    url = f"{tenant.apps_and_books_url}/assignments?serialNumber={{{{ inventory_hostname }}}}"
    for number in range(2):
        tasks.append(
            {
                "name": f"Apple {number}",
                "ansible.builtin.uri": {"url": url, "headers": headers, "status_code": [200, 429]},
            }
        )
    playbook = graduation.folder / "usual.yml"
    common: dict[str, Any] = {"hosts": "all", "gather_facts": False, "connection": "local"}
    variables = {"ansible_python_interpreter": sys.executable}
    playbook.write_text(json.dumps([{**common, "vars": variables, "tasks": tasks}]))
    inventory = graduation.folder / "usual.json"
    inventory.write_text(json.dumps({"all": {"hosts": {serial: {"udid": udid} for serial, udid in about.items()}}}))
    command = ["ansible-playbook", "--forks", "20", "--inventory", str(inventory), str(playbook)]
    a_device = cost(command, graduation.folder / "usual.log").seconds / USUAL
    times = a_device / ours_a_device
    told = f"{a_device * 1000:.0f} ms / {ours_a_device * 1000:.1f} ms a device = {times:.0f}"
    return Row(f"one uri task a device and call ({USUAL} devices) / ours", told, "100 at least", times >= 100)


def plan(world: World, folder: Path) -> list[Row]:
    """Dry runs over ever more devices."""
    took: dict[int, float] = {}
    for number in (1000, 10_000, PLANNED):
        tenant, graduation = donation(world, folder, f"plan{number}", number, "")
        with events_to(str(graduation.folder / "ledger.db"), graduation.folder, tenant):
            runs = []
            for _round in range(ROUNDS if number < PLANNED else 1):
                runs.append(play(graduation, "--check"))
        took[number] = statistics.median(run.seconds for run in runs)
        memory = max(run.mebibytes for run in runs)
        print(f"  plan {number}: {took[number]:.1f} s", flush=True)
    few = (took[10_000] - took[1000]) / 9000
    many = (took[PLANNED] - took[10_000]) / (PLANNED - 10_000)
    flat = many / few
    told = f"{took[PLANNED]:.0f} s, {memory} MiB"
    return [
        Row(f"plan of {PLANNED:,} devices", told, "120 s, 500 MiB", took[PLANNED] < 120 and memory < 500),
        Row("cost of one more device, beyond 10,000 / below", f"{flat:.2f}", "1.2 at most", flat <= 1.2),
    ]


def slices(world: World, folder: Path) -> Row:
    """Two runs at once on one ledger in PostgreSQL, over the same devices."""
    if why := missing():
        return Row("2 slices on one PostgreSQL ledger", f"not measured: {why}", "same result", True)
    with postgres_server() as ledger:
        tenant, graduation = donation(world, folder, "slices", 1000, ledger)
        with events_to(ledger, graduation.folder, tenant):
            world.forget_requests()
            command = ["ansible-playbook", "--inventory", str(graduation.inventory()), str(PLAY), *BULK, *CONFIRMED]
            both = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _slice in range(2)]
            codes = [each.wait() for each in both]
            play(graduation, *CONFIRMED)
        all_donated(tenant)
        posts = [each for each in world.writes(tenant.name) if each["path"].endswith("orgDeviceActivities")]
    told = f"exit codes {codes}, every device once, {len(posts)} activities"
    kept = codes == [0, 0] and len(posts) == 1
    return Row("2 slices on one PostgreSQL ledger, 1,000 devices", told, "same result", kept)


def rows(folder: Path, number: int) -> list[Row]:
    folder.mkdir(parents=True)
    config = folder / "ansible.cfg"  # as docs/campaigns.md advises
    config.write_text("[defaults]\ninternal_poll_interval = 0.02\n")
    os.environ["ANSIBLE_CONFIG"] = str(config)
    found = []
    with start(folder / "world") as world:
        found += donate(world, folder, number)
    with start(folder / "world-of-plans") as world:
        found += plan(world, folder)
        found.append(slices(world, folder))
    return found
