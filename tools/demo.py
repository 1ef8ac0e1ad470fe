# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The annual renewal of two made-up schools, from the first look to the proof, and a third one's graduation: demo.py FOLDER.

The simulator plays Apple and the MDM servers, NanoMDM's kind for one school and CLOMO PANEL for the other, which is
driven in a browser; where no browser is to be had, the first school alone is shown. A script plays the person at Apple's
portals.
"""

from __future__ import annotations

import functools
import shutil
import subprocess
import sys
from pathlib import Path

from ansible_collections.nendo.apple_mdm.plugins.module_utils._errors import ConfigurationError
from ansible_collections.nendo.apple_mdm.plugins.module_utils.web.browser import find_browser
from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.person import follow_instructions
from ansible_collections.nendo.apple_mdm.tests.simulator.client import Tenant, World, start
from graduation_demo import graduate

PLAYBOOKS = Path("playbooks").resolve()


def say(text: str) -> None:
    print(f"\n\033[1m=== {text}\033[0m", flush=True)


def play(inventory: Path, playbook: str, *options: str, check: bool = True) -> int:
    """The exit code. check: any but 0 ends the demo."""
    command = ["ansible-playbook", "--inventory", str(inventory), str(PLAYBOOKS / playbook), *options]
    print("$", "ansible-playbook", f"nendo.apple_mdm.{Path(playbook).stem}", *options, flush=True)
    return subprocess.run(command, check=check).returncode


def schools(world: World) -> list[Tenant]:
    due = {"push_days_left": 20, "server_token_days_left": 25, "content_token_days_left": 28}
    nano = world.tenant("hoshi_school", **due)
    try:
        print("The browser for CLOMO PANEL is", find_browser())
    except ConfigurationError as error:
        print(f"{error} So only the school on NanoMDM is shown.")
        return [nano]
    return [nano, world.tenant("kawa_school", mdm="clomo", clomo_totp=True, **due)]


def main(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    orders = folder / "orders"
    say("A small world on this machine: Apple's portals and services, MDM servers, schools")
    with start(folder / "world") as world:
        tenants = schools(world)
        report = folder / "report.json"
        inventory = write_inventory(
            folder / "inventory.json",
            tenants,
            order_store=str(orders),
            variables={"credentials_report_path": str(report)},
        )
        say("When do the three credentials expire?")
        play(inventory, "credentials_report.yml")
        say("A dry run: what would be done (nothing is written, anywhere)")
        play(inventory, "annual_renewal.yml", "--check", "--diff")
        if world.writes():
            raise SystemExit(f"The dry run wrote: {world.writes()}")
        say("The first real run: requests and instructions for the person")
        play(inventory, "annual_renewal.yml")
        say("The person signs in to Apple's portals, follows the instructions and puts the files into the inboxes")
        for order in follow_instructions(orders, tenants):
            print("  ", order, flush=True)
        say("The next run: the files are judged, uploaded and proven")
        play(inventory, "annual_renewal.yml", "--diff")
        say("And every day after that: nothing is due, nothing changes")
        play(inventory, "annual_renewal.yml")
        play(inventory, "credentials_report.yml")
        graduate(world, folder / "graduation", say, functools.partial(play, check=False), with_panel=len(tenants) > 1)
    say("Everything that was started is stopped. To look at:")
    for what, place in {
        "orders, with journals, requests, certificates": orders,
        "a person's instructions": next(orders.glob("*/push_certificate-*/instructions.en.html")),
        "手順書": next(orders.glob("*/push_certificate-*/instructions.ja.html")),
        "the report as data": report,
        "the inventory": inventory,
        "the ledger of the graduation": folder / "graduation" / "ledger.db",
    }.items():
        print(f"  {what}:\n    {place}")


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
