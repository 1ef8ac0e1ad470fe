# Copyright: nendo.apple_mdm contributors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a daily run costs when nothing is due, beside a bare ping of the same hosts: both in turn, with the same forks."""

from __future__ import annotations

import statistics
from pathlib import Path

from ansible_collections.nendo.apple_mdm.tests.inventory import write_inventory
from ansible_collections.nendo.apple_mdm.tests.simulator.client import start
from bench_table import Row, cost

__all__ = ["rows"]

TENANTS = 100
FORKS = "5"
PAIRS = 3
LIMIT = 3.0
PING = """---
- name: Reach each tenant's host
  hosts: mdm_tenants
  gather_facts: false
  tasks:
    - name: The host answers
      ansible.builtin.ping:
"""


def rows(folder: Path) -> list[Row]:
    folder.mkdir(parents=True)
    ping = folder / "ping.yml"
    ping.write_text(PING)
    with start(folder / "world") as world:
        tenants = world.tenants([{"name": f"tenant{n}", "pushcert_readable": n % 2 == 0} for n in range(TENANTS)])
        inventory = write_inventory(folder / "inventory.json", tenants, order_store=str(folder / "orders"))
        ratios = []
        for _pair in range(PAIRS):
            renewal = _play(folder, inventory, Path("playbooks/annual_renewal.yml"))
            bare = _play(folder, inventory, ping)
            ratios.append(renewal / bare)
            print(f"  renewal of {TENANTS} tenants: {renewal:.1f} s, ping {bare:.1f} s", flush=True)
        if world.writes():
            raise SystemExit(f"The renewal wrote although nothing was due: {world.writes()}")
    ratio = statistics.median(ratios)
    work = f"annual_renewal of {TENANTS} tenants, nothing due / ping"
    return [Row(work, f"{ratio:.2f}", f"{LIMIT:.0f} at most", ratio <= LIMIT)]


def _play(folder: Path, inventory: Path, playbook: Path) -> float:
    command = ["ansible-playbook", "--forks", FORKS, "--inventory", str(inventory), str(playbook)]
    return cost(command, folder / "play.log").seconds
