# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The scenarios' world: world.py start makes it, world.py person TENANT acts in it, world.py stop ends it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.person import follow_instructions
from ansible_collections.nendo.apple_mdm.tests.simulator.client import World, connect

SCENARIOS = Path(__file__).resolve().parent.parent
FOLDER = SCENARIOS / ".world"
READY = FOLDER / "ready.json"
ORDERS = FOLDER / "orders"
INVENTORY = SCENARIOS / "inventory" / "tenants.json"
SIMULATOR = "ansible_collections.nendo.apple_mdm.tests.simulator"
DUE = {"push_certificate": "push_days_left", "server_token": "server_token_days_left"}
DUE |= {"content_token": "content_token_days_left"}
SECONDS = 30


def start() -> None:
    """A tenant for each scenario, named after it; those of a role's scenario have only that role's credential due."""
    stop()
    FOLDER.mkdir()
    command = [sys.executable, "-m", SIMULATOR, "--state", str(FOLDER / "state"), "--ready-file", str(READY)]
    with (FOLDER / "log").open("wb") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
    deadline = time.monotonic() + SECONDS
    while not READY.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The simulator did not start: {(FOLDER / 'log').read_text()}")
        time.sleep(0.05)
    make_tenants(connect(READY))


def make_tenants(world: World) -> None:
    wishes = [{"name": credential, days: 20} for credential, days in DUE.items()]
    tenants = world.tenants([*wishes, {"name": "annual_renewal", **dict.fromkeys(DUE.values(), 20)}])
    made = write_inventory(
        FOLDER / "tenants.json", tenants, order_store=str(ORDERS), variables={"molecule_world_url": world.url}
    )
    shutil.copy(made, INVENTORY)


def person(name: str) -> None:
    world = connect(READY)
    served = follow_instructions(ORDERS, [tenant for tenant in world.tenants() if tenant.name == name])
    if not served:
        sys.exit(f"No order of {name} waits for a person.")


def stop() -> None:
    """Ends well when nothing runs. A process is ended only if the world of our file still answers."""
    with contextlib.suppress(OSError):
        connect(READY).now()
        os.kill(json.loads(READY.read_text())["pid"], signal.SIGTERM)
    INVENTORY.unlink(missing_ok=True)
    shutil.rmtree(FOLDER, ignore_errors=True)


if __name__ == "__main__":
    acts: dict[str, Callable[..., None]] = {"start": start, "person": person, "stop": stop}
    acts[sys.argv[1]](*sys.argv[2:])
